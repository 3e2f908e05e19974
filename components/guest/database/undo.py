"""Takes away what the role put on the host. Data stay: a database is never deleted by an undo."""

import contextlib
import os
from typing import Any

from . import accounts, host, server, settings
from .config import REPLICA, Config
from .source import OURS


def undo(config: Config) -> dict[str, Any]:
    """Remove channel or accounts, settings, units, files; MySQL goes on with all data and the distribution's file."""
    changed = []
    if server.running():
        changed += _replica_part() if config.role == REPLICA else _source_part(config)
    for unit in (host.ROUTE_UNIT,):
        if (host.UNITS / unit).exists():
            server.systemctl("disable", "-q", "--now", unit, check=False)
            (host.UNITS / unit).unlink()
            changed.append(f"removed {unit}")
    for path in host.UPGRADES:
        if path.exists():
            path.unlink()
            with contextlib.suppress(OSError):  # folders that others use stay
                os.removedirs(path.parent)
            changed.append(f"removed {path}")
    restart = False
    for path in (
        settings.CNF,
        host.DROPIN,
        *(settings.TLS_FOLDER / f"twinsite-{name}.pem" for name in ("ca", "cert", "key")),
    ):
        if path.exists():
            path.unlink()
            restart = True
            changed.append(f"removed {path}")
    if host.DROPIN.parent.exists() and not any(host.DROPIN.parent.iterdir()):
        host.DROPIN.parent.rmdir()
    if changed:
        server.systemctl("daemon-reload")
    if restart and server.running():
        server.restart()
        changed.append("restarted MySQL with the distribution's settings")
    host.STATE.unlink(missing_ok=True)
    return {"changed": changed, "disruption": "mysqld restarted" if restart else "none"}


def _replica_part() -> list[str]:
    rows = server.sql("SELECT 1 AS c FROM mysql.slave_master_info WHERE Channel_name = ''")[0]
    if not rows:
        return []
    # The copy stays as it is: a server that suddenly takes writes, or whose copied events start, diverges unnoticed.
    server.sql(
        "STOP REPLICA; RESET REPLICA ALL; SET PERSIST event_scheduler = OFF; "
        "SET PERSIST read_only = ON; SET PERSIST super_read_only = ON"
    )
    return [
        "stopped replication and removed the channel; the copied data stay, read-only: to use them by themselves, run "
        "`SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF`"
    ]


def _source_part(config: Config) -> list[str]:
    changed = accounts.drop(config)
    for schema in OURS:
        server.sql(f"DROP DATABASE IF EXISTS {schema}")
    return [*changed, f"dropped the schemas {', '.join(OURS)}; all other data stay"]
