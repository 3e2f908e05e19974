"""From `pulumi up` of dr_mode warm to the first correct page of restored data, with what the time was spent on.

Stack dr on the lab's machines, the clinic's database grown to over 1 GB, one backup by the CronJob's own pod.
Beside it the source document's script on the same machine, once ours has served: same image, server, network, data.
Pages are read through the front door's own name, as users get them once the latch has moved theirs.
"""

import calendar
import itertools
import json
import re
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lab.scenes.aws_azure import primary, standby

from .clinic import OWNERS, grow
from .context import Context, NotMeasured
from .dr_lab import NODE, OPTIONS, DrLab
from .figure import Figure, value_at_most

MUST_SECONDS = 120.0
PATIENCE_SECONDS = 1500
PAGE_SECONDS = 120
"""After what should bring the page has ended."""
MIB = 1040
"""Of data and indexes at the source; what there is in the end is measured."""
RUNS, LONG_RUNS = 1, 3
RECIPE = Path(__file__).parent / "guest" / "recipe.sh"
DUMP = "mysql-backup/recipe/backup.sql.gz"
T = TypeVar("T")
_LINE = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (.*)$")


@dataclass
class Raised:
    """One cold → warm."""

    seconds: float
    """To the first correct page."""
    line: list[str]
    """The time line, for a reader."""
    script_begins: float
    """When cloud-init would have started a script of custom data, in seconds after `pulumi up`."""
    recipe: list[str] = field(default_factory=list)
    recipe_seconds: float = 0.0
    """From the same start, with the recipe in the place of ours."""


def run(context: Context) -> Iterator[Figure]:
    """One figure."""
    lab = context.once(DrLab)
    owners, size = _data(context, lab)
    done = []
    for number in range(LONG_RUNS if context.long else RUNS):
        context.say(f"cold → warm, {number + 1}")
        done.append(_once(context, lab, owners))
        lab.mode("cold")
    worst = max(done, key=lambda one: one.seconds)
    yield Figure(
        name="cold → warm: `pulumi up` to the first correct page from restored data",
        value=worst.seconds,
        unit="s",
        must=value_at_most(MUST_SECONDS),
        compared_to="the document's recipe on the same machine, image and data",
        compared_value=statistics.median(one.recipe_seconds for one in done),
        runs={
            "ours": [round(one.seconds, 1) for one in done],
            "recipe": [round(one.recipe_seconds, 1) for one in done],
            "time line": worst.line,
            "time line of the recipe": worst.recipe,
        },
        note=f"{size >> 20} MiB of .ibd at the source; the worst of {len(done)}; the lab's boot is no cloud's",
    )


def _data(context: Context, lab: DrLab) -> tuple[int, int]:
    """(owners, bytes of .ibd) at the primary, once it is large, backed up by both."""
    counted = f"SELECT COUNT(*) FROM {primary.SCHEMA}.owners"
    if int(lab.sql(counted)) < OWNERS:
        context.say(f"growing the clinic to {MIB} MiB")
        lab.sql(grow(primary.SCHEMA, MIB))
    owners = int(lab.sql(counted))
    size = int(
        lab.sql(
            f"SELECT SUM(file_size) FROM information_schema.innodb_tablespaces WHERE name LIKE '{primary.SCHEMA}/%'"
        )
    )
    context.say(f"{owners} owners, {size >> 20} MiB; a backup by the CronJob's pod")
    job = f"bench-{int(time.time())}"
    lab.desk("kubectl", "--namespace", primary.NAMESPACE, "create", "job", job, "--from=cronjob/rds-backup")
    _wait_for_job(lab, job)
    context.say("the recipe's dump")
    file = context.folder / "backup.sql.gz"
    with file.open("wb") as out:
        lab.stream(NODE, f"sudo bash -o pipefail -c {shlex.quote(_DUMP)}", out)
    lab.desk("python", "-m", "benchmarks.at_desk", "put", f"{lab.backup_account}/{DUMP}", str(file))
    file.unlink()
    return owners, size


_DUMP = (
    f"mysqldump --defaults-extra-file={OPTIONS} --single-transaction --routines --events --no-tablespaces "
    f"{primary.SCHEMA} | gzip"
)


def _wait_for_job(lab: DrLab, name: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = lab.desk("kubectl", "--namespace", primary.NAMESPACE, "get", "job", name, "-o", "json")
        status: dict[str, Any] = json.loads(said).get("status", {})
        if status.get("succeeded"):
            return
        if status.get("failed") or time.monotonic() > deadline:
            raise NotMeasured(f"the backup's job {name} did not end well: {status}")
        time.sleep(2)


def _first_page(lab: DrLab, wanted: list[str], what: str, act: Callable[[], T]) -> tuple[float, T]:
    """When the first correct page came, asked for from before `act` on; and what that gave."""
    asking = lab.start("python", "-m", "benchmarks.at_desk", "page", str(PATIENCE_SECONDS), *wanted)
    try:
        gave = act()
        out, said = asking.communicate(timeout=PAGE_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{what} ended, and no correct page came within {PAGE_SECONDS} s") from None
    finally:
        asking.kill()
    if asking.returncode:
        raise NotMeasured(f"no correct page after {what}: {said}")
    return float(out), gave


def _once(context: Context, lab: DrLab, owners: int) -> Raised:
    url = lab.front_door()
    wanted = [url, f'<b id="owners">{owners}</b>', f"{url}owners/{owners}", f"Last{OWNERS}"]

    def raise_mode() -> tuple[float, float]:
        began = time.time()
        lab.mode("warm")
        return began, time.time() - began

    page, (began, up) = _first_page(lab, wanted, "`pulumi up`", raise_mode)
    found = Raised(page - began, [], 0.0)
    context.say(f"the first correct page after {found.seconds:.1f} s")
    marks = lab.marks()
    found.script_begins = marks["cloud-final"] - began
    found.line = [
        _span("Pulumi, database server, machine asked for", 0, marks["boot"] - began),
        _span("boot and cloud-init, until its last stage", marks["boot"] - began, found.script_begins),
        *_log_line(lab.standby("cat /var/log/dr-vm-init.log"), began),
        f"{found.seconds:6.1f} s: the first correct page",
        f"{up:6.1f} s: `pulumi up` has ended (gate)",
    ]
    for line in found.line:
        context.say(f"  {line}")
    _recipe(context, lab, found, wanted)
    return found


def _span(what: str, start: float, end: float) -> str:
    return f"{start:6.1f} to {end:6.1f} s: {what}"


def _log_line(log: str, began: float) -> list[str]:
    """Spans of the machine's own log, whose times are whole seconds: steps, and the parts of the restore."""
    starts: dict[str, float] = {}
    found: list[tuple[float, str]] = []
    parts: dict[str, float] = {}
    for raw in log.splitlines():
        line = _LINE.match(raw)
        if not line:
            continue
        at = _epoch(line[1]) - began
        words = line[2].strip()
        if words.startswith("{"):
            event = str(json.loads(words).get("event"))
            if "restore" in starts and "prove" not in starts:
                parts[event] = at
        elif ends := re.match(r"(\w+): (begins|done in ([\d.]+) s)", words):
            if ends[2] == "begins":
                starts[ends[1]] = at
            else:
                start = starts[ends[1]]
                found.append((start, _span(ends[1], start, start + float(ends[3]))))
                if ends[1] == "restore":
                    found += _restore_parts(start, parts)
        elif words.startswith("run begins"):
            found.append((at, f"{at:6.1f} s: the role begins"))
    return [line for _, line in sorted(found, key=lambda one: one[0])]


def _restore_parts(start: float, parts: dict[str, float]) -> list[tuple[float, str]]:
    """When each kind of the restore's events was last seen."""
    names = {
        "verified": "fetched and verified",
        "loaded": "rows in",
        "keys": "keys built",
        "proved": "every table proved",
    }
    return [
        (start + number / 1000, f"  restore: {names[event]} until {parts[event]:.1f} s")
        for number, event in enumerate(names, 1)
        if event in parts
    ]


def _epoch(stamp: str) -> float:
    return float(calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")))


def _recipe(context: Context, lab: DrLab, raised: Raised, wanted: list[str]) -> None:
    """The document's script where ours has served: its time is counted from where cloud-init would have started it."""
    context.say("the document's recipe on the same machine")
    recipe = RECIPE.read_text(encoding="utf-8")
    lab.standby(recipe, "prepare")
    blob, war = (
        f"https://{lab.backup_account}.blob.core.windows.net/{DUMP}",
        standby.RELEASE,
    )
    page, said = _first_page(
        lab, wanted, "the recipe", lambda: lab.standby(recipe, "restore", blob, war, seconds=PATIENCE_SECONDS)
    )
    steps = [(float(at), name) for at, name in (line.split() for line in said.splitlines())]
    began = steps[0][0]
    raised.recipe_seconds = raised.script_begins + page - began
    raised.recipe = [_span("the same boot", 0, raised.script_begins)] + [
        _span(name, at - began + raised.script_begins, after - began + raised.script_begins)
        for (at, name), (after, _) in itertools.pairwise(steps)
    ]
    raised.recipe.append(f"{raised.recipe_seconds:6.1f} s: the first correct page")
    for line in raised.recipe:
        context.say(f"  {line}")
