"""The job on a machine without a cluster: a systemd timer that runs it on a schedule."""

import json
import pathlib
import string
import subprocess
from typing import Any

from ..errors import Failed, Refused
from . import cron

FOLDER = pathlib.Path(__file__).parent
UNITS = pathlib.Path("/etc/systemd/system")
SERVICE, TIMER = "twinsite-backup.service", "twinsite-backup.timer"
TIMEOUT_SECONDS = 14400


def files(data: dict[str, Any]) -> dict[str, str]:
    """Name to text of both units."""
    try:
        calendars = cron.calendars(str(data.get("schedule") or ""))
    except ValueError as error:
        raise Refused([f"schedule {error}"]) from None
    values = {
        "calendars": "\n".join(f"OnCalendar={one}" for one in calendars),
        "timeout_seconds": int(data.get("timeout_seconds") or TIMEOUT_SECONDS),
        # A machine that reads one store and may not write there has another one for its own.
        "where": f" --store {data['own_store']}" if data.get("own_store") else "",
    }
    return {
        name: string.Template((FOLDER / name).read_text(encoding="utf-8")).substitute(values)
        for name in (SERVICE, TIMER)
    }


def apply(path: str) -> dict[str, Any]:
    """Have both units as the configuration says, and the timer running."""
    wanted = files(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
    changed = []
    for name, text in wanted.items():
        place = UNITS / name
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")
            changed.append(name)
    if changed:
        _systemctl("daemon-reload")
    _systemctl("enable", "-q", TIMER)
    _systemctl("restart" if changed else "start", TIMER)
    return {"changed": changed}


def undo() -> dict[str, Any]:
    """Take the schedule away; backups stay."""
    if (UNITS / TIMER).exists():
        _systemctl("disable", "--now", "-q", TIMER)
    for name in (SERVICE, TIMER):
        (UNITS / name).unlink(missing_ok=True)
    _systemctl("daemon-reload")
    return {"undone": True}


def _systemctl(*words: str) -> None:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"systemctl {' '.join(words)} failed: {done.stderr.strip()}")
