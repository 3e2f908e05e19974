"""The server's settings: rendered, compared with the live ones, applied with the least disruption."""

import pathlib
import re
import shlex
import string
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import Failed, SqlError
from ..machine import run
from . import server
from .config import SERVES_TLS, Config

FOLDER = pathlib.Path(__file__).parent
CNF = pathlib.Path("/etc/mysql/mysql.conf.d/twinsite.cnf")
# AppArmor's profile of Ubuntu lets mysqld read /etc/mysql/*.pem.
TLS_FOLDER = pathlib.Path("/etc/mysql")

# Options of the server's start without a variable to compare: a changed line needs a restart.
_FILE_ONLY = frozenset({"plugin_load_add", "mysqlx"})
# The server accepts SET GLOBAL for these only step by step or with the channel stopped; a restart is the sane way.
_RESTART = frozenset({"gtid_mode", "enforce_gtid_consistency", "server_id"})
# Of the templates' names those that MySQL 8.4 and 9.7 take at their start only.
_AT_START = frozenset(
    {"port", "bind_address", "skip_name_resolve", "log_replica_updates", "relay_log", "relay_log_recovery"}
)
_SUFFIX = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def template(name: str, values: Mapping[str, object]) -> str:
    """A file of this folder with its $names filled in; KeyError for a name without a value."""
    return string.Template((FOLDER / name).read_text(encoding="utf-8")).substitute(values)


def render(config: Config, relay_log: str) -> str:
    """The host's own my.cnf file."""
    text = template(
        f"{config.role}.cnf",
        {
            "server_id": config.server_id,
            "port": config.port,
            "bind_address": config.bind_address,
            "binlog_retention_hours": config.binlog_retention_hours,
            "binlog_expire_logs_seconds": config.binlog_retention_hours * 3600,
            "replica_net_timeout": config.net_timeout_seconds,
            "tls_folder": TLS_FOLDER,
            "relay_log": relay_log,
        },
    )
    if config.settings:
        own = "".join(f"{name} = {value}\n" for name, value in sorted(config.settings.items()))
        text += f"\n# Overrides from the Pulumi program.\n{own}"
    return text


def parsed(text: str) -> dict[str, str]:
    """Variable to value of a my.cnf text; the last one wins, as for mysqld."""
    found = {}
    for line in text.splitlines():
        setting = re.match(r"\s*([\w-]+)\s*=\s*(.*?)\s*$", line)
        if setting and not line.lstrip().startswith("#"):
            found[setting[1].replace("-", "_")] = setting[2]
    return found


def same(wanted: str, live: str) -> bool:
    """Whether a my.cnf value and a global variable's value mean the same."""
    return _canonical(wanted) == _canonical(live)


def _canonical(value: str) -> str:
    text = value.strip().strip("'\"")
    lowered = text.lower()
    if lowered in ("on", "true", "yes"):
        return "1"
    if lowered in ("off", "false", "no"):
        return "0"
    sized = re.fullmatch(r"(\d+)([kmgt])", lowered)
    if sized:
        return str(int(sized[1]) * _SUFFIX[sized[2]])
    if re.fullmatch(r"\d+\.\d+", lowered):
        return lowered.rstrip("0").rstrip(".")
    return text


@dataclass(frozen=True)
class Change:
    """One variable that is not as wanted. `live` None: the running server does not know it."""

    name: str
    wanted: str
    live: str | None
    needs_restart: bool


def changes(
    wanted: Mapping[str, str], before: Mapping[str, str], live: Mapping[str, str], overrides: frozenset[str]
) -> list[Change]:
    """What differs between the wanted settings and the live server, in file order.

    `before` is the former file. An override that the server rounds (buffer pool chunks) differs from its live value for
    ever; it counts only when the file changes. The template's own values are exact, so drift in them always counts.
    A setting that left the file goes back to the server's default (`wanted` is empty then).
    """
    found = []
    for name, value in wanted.items():
        current = live.get(name)
        if name in _FILE_ONLY:
            if before.get(name) != value:
                found.append(Change(name, value, before.get(name), True))
            continue
        if current is not None and same(value, current):
            continue
        if name in overrides and before.get(name) == value:
            continue
        found.append(Change(name, value, current, name in _RESTART | _AT_START or current is None))
    for name in before:
        if name not in wanted:
            found.append(Change(name, "", live.get(name), name not in live))
    return found


def live_variables() -> dict[str, str]:
    """All global variables of the running server."""
    rows = server.sql("SELECT variable_name AS n, variable_value AS v FROM performance_schema.global_variables")[0]
    return {str(row["n"]): row["v"] or "" for row in rows}


@dataclass(frozen=True)
class Outcome:
    """`changed` are sentences, `live` the names set without a restart; `restart`: only a restart brings the rest."""

    changed: list[str]
    live: frozenset[str]
    restart: bool


def write(text: str) -> None:
    """Put the file in place (world readable: it holds no secret), unless mysqld would not start with it."""
    former = CNF.read_text(encoding="utf-8") if CNF.exists() else None
    if former == text:
        return
    _replace(text)
    try:
        run(["mysqld", "--validate-config", "--user=mysql"], 120)
    except Failed as error:
        if former is None:
            CNF.unlink()
        else:
            _replace(former)
        words = [line for line in str(error).splitlines() if "[ERROR]" in line] or [str(error)]
        raise Failed(
            "MySQL would not start with these settings, so nothing was restarted: " + "; ".join(words)
        ) from None


def _replace(text: str) -> None:
    draft = CNF.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o644)
    draft.replace(CNF)


def apply(config: Config, text: str) -> Outcome:
    """Make the running server follow `text`. Live first, then the file: a kill in between is repaired."""
    before = parsed(CNF.read_text(encoding="utf-8")) if CNF.exists() else {}
    wanted = parsed(text)
    sentences = _unpersist(wanted)
    restart, live = False, set()
    for change in changes(wanted, before, live_variables(), frozenset(config.settings)):
        arrow = f"{change.name}: {change.live} → {change.wanted or 'its default'}"
        if not change.needs_restart:
            try:
                server.sql(f"SET GLOBAL {change.name} = {_literal(change.wanted) if change.wanted else 'DEFAULT'}")
                sentences.append(arrow)
                live.add(change.name)
                continue
            except SqlError as error:
                # 1238: read only variable. Anything else is a bad value, which must not get into the file.
                if error.number != 1238:
                    raise Failed(f"MySQL refused {change.name} = {change.wanted}: {error}") from None
        sentences.append(f"{arrow} (needs a restart)")
        restart = True
    return Outcome(sentences, frozenset(live), restart)


def _literal(value: str) -> str:
    """As SET GLOBAL takes it; unlike the file it knows no size suffixes."""
    meant = _canonical(value) if re.fullmatch(r"\d+[kmgtKMGT]", value) else value
    return meant if re.fullmatch(r"\d+(\.\d+)?", meant) else server.quote(meant)


def persisted() -> dict[str, str]:
    """What somebody has persisted: it outranks every file at the next start."""
    rows = server.sql("SELECT variable_name AS n, variable_value AS v FROM performance_schema.persisted_variables")[0]
    return {str(row["n"]): row["v"] or "" for row in rows}


def persisted_against(wanted: Mapping[str, str]) -> dict[str, str]:
    """Those that are to be otherwise."""
    return {name: value for name, value in persisted().items() if name in wanted and not same(wanted[name], value)}


def _unpersist(wanted: Mapping[str, str]) -> list[str]:
    sentences = []
    for name, value in persisted_against(wanted).items():
        server.sql(f"RESET PERSIST {name}")
        sentences.append(f"{name} = {value} was persisted against the file; removed")
    return sentences


def started_with() -> dict[str, str]:
    """Options that the next start would get from all option files, the last of each name; persisted ones not."""
    said = run(["mysqld", "--print-defaults"], 20).splitlines()
    found = {}
    for word in shlex.split(said[-1]) if said else []:
        name, equals, value = word.removeprefix("--").partition("=")
        found[name.replace("-", "_").removeprefix("loose_")] = value if equals else "ON"
    return found


def tls_files(config: Config, key: str) -> dict[str, tuple[str, int, str]]:
    """Path to (text, mode, owner) of what TLS needs on this host."""
    files = {str(TLS_FOLDER / "twinsite-ca.pem"): (config.tls_ca, 0o644, "root")}
    if config.role in SERVES_TLS:
        files[str(TLS_FOLDER / "twinsite-cert.pem")] = (config.tls_cert, 0o644, "root")
        files[str(TLS_FOLDER / "twinsite-key.pem")] = (key, 0o600, "mysql")
    return files
