"""The job on a machine without a cluster: a systemd timer that runs it on a schedule."""

import json
import pathlib
import re
import string
import subprocess
from typing import Any

from ..errors import Failed, Refused

FOLDER = pathlib.Path(__file__).parent
UNITS = pathlib.Path("/etc/systemd/system")
SERVICE, TIMER = "twinsite-backup.service", "twinsite-backup.timer"
TIMEOUT_SECONDS = 14400
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar(cron: str) -> str:
    """systemd's form of a five-field cron expression in UTC. Refused for what the two do not mean alike."""
    fields = cron.split()
    if len(fields) != 5 or not all(re.fullmatch(r"[\d*/,-]+", field) for field in fields):
        raise Refused([f"schedule {cron!r} has not five fields of numbers: write it like `17 18 * * *`"])
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise Refused(
            [f"schedule {cron!r} names days of the month and of the week, of which cron means either: name one of them"]
        )
    days = ",".join(_weekday(part) for part in weekday.split(",")) + " " if weekday != "*" else ""
    return f"{days}*-{_field(month, 1)}-{_field(day, 1)} {_field(hour, 0)}:{_field(minute, 0)}:00 UTC"


def _field(text: str, first: int) -> str:
    parts = []
    for part in text.split(","):
        span, _, step = part.partition("/")
        # systemd counts */N from nothing, so the first value is said.
        said = f"{first}/{step}" if span == "*" and step else part.replace("-", "..")
        parts.append(said)
    return ",".join(parts)


def _weekday(part: str) -> str:
    if not re.fullmatch(r"[0-7](-[0-7])?", part):
        raise Refused([f"day of the week {part!r}: give a number from 0 (Sunday) to 7, or a range"])
    return "..".join(_DAYS[int(number)] for number in part.split("-"))


def files(data: dict[str, Any]) -> dict[str, str]:
    """Name to text of both units."""
    values = {
        "calendar": calendar(str(data.get("schedule") or "")),
        "timeout_seconds": int(data.get("timeout_seconds") or TIMEOUT_SECONDS),
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
        _systemctl("restart", TIMER)
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
