"""Backup and restore beside the document's recipe, on one machine with one MySQL server and generated data.

`mysqldump | gzip` and `gunzip | sed | mysql` against the backup role, paired and in turn; and a restore that is killed
once, somewhere, against one that is not. About a quarter of a GB by default, 1.1 GB with --long.
"""

import contextlib
import json
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.box import adhoc
from lab.box.host import BoxError
from lab.box.image import ensure_image
from lab.paths import cache
from twinsite.payload import payload

from .context import Context, NotMeasured
from .figure import Figure, ratio_at_least, ratio_at_most

PREFIX = "br"
SHORT, LONG = (256, 3), (1078, 5)
"""MiB of .ibd, pairs."""
MOST_SECONDS = 7200
PROGRAM = Path(__file__).parent / "guest" / "restore.py"
BACKUP_MUST, RESTORE_MUST, RESUME_MUST, SIZE_MUST = 3.0, 3.5, 1.2, 1.0

SETTINGS = "[mysqld]\ngtid_mode = ON\nenforce_gtid_consistency = ON\nlocal_infile = ON\nmysqlx = OFF\n"
PREPARE = """set -e
install -d -o mysql -g mysql -m 750 /var/lib/mysql /opt/twinsite/current
find /var/lib/mysql -mindepth 1 -delete
mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/var/lib/mysql
systemctl start mysql
tar xz -C /opt/twinsite/current"""


def run(context: Context) -> Iterator[Figure]:
    """Ratios of medians, each from pairs measured one after the other."""
    mib, pairs = LONG if context.long else SHORT
    with _machine(context) as on:
        on("install -D /dev/stdin /etc/mysql/mysql.conf.d/zz-bench.cnf", SETTINGS.encode())
        on(PREPARE, payload("backup"))
        context.say(f"{mib} MiB of data, {pairs} pairs")
        said = on(f"python3 - {mib} {pairs}", PROGRAM.read_bytes())
    found: dict[str, Any] = json.loads(said)
    yield from figures(found, "" if context.long else "a quarter of a GB; the promise is for 1.1 GB: --long")


def figures(found: dict[str, Any], note: str) -> Iterator[Figure]:
    """From what the program on the machine measured."""
    words = f"{found['ibd_bytes'] / 2**20:.0f} MiB of .ibd, MySQL {found['version']}"
    note = f"{words}; {note}" if note else words
    yield _times(found, "backup", "`mysqldump | gzip`", BACKUP_MUST, note)
    check = _middle([pair["peer"] for pair in found["pairs"]], "check")
    checked = f"{note}; in neither clock: CHECKSUM TABLE of all, {check:.1f} s"
    yield _times(found, "restore", "`gunzip | sed | mysql`", RESTORE_MUST, checked)
    ours = [pair["ours"] for pair in found["pairs"]]
    yield Figure(
        name="restore killed once and run again",
        value=_middle(ours, "kill_and_resume"),
        unit="s",
        must=ratio_at_most(RESUME_MUST),
        compared_to="the same restore undisturbed",
        compared_value=_middle(ours, "restore"),
        runs={"killed after": [round(one["killed_after"], 2) for one in ours]},
        note=note,
    )
    yield Figure(
        name="size of a backup",
        value=_middle(ours, "bytes") / 2**20,
        unit="MiB",
        must=ratio_at_most(SIZE_MUST),
        compared_to="`mysqldump | gzip`",
        compared_value=_middle([pair["peer"] for pair in found["pairs"]], "bytes") / 2**20,
        note=note,
    )


def _times(found: dict[str, Any], what: str, peer: str, must: float, note: str) -> Figure:
    """How many times as long the recipe takes: the median of the pairs' ratios."""
    ours = [pair["ours"] for pair in found["pairs"]]
    theirs = [pair["peer"] for pair in found["pairs"]]
    ratio = statistics.median(one[what] / other[what] for one, other in zip(theirs, ours, strict=True))
    middle = _middle(ours, what)
    runs = {"ours": [round(one[what], 2) for one in ours], "recipe": [round(one[what], 2) for one in theirs]}
    runs["CPU seconds, ours"] = [round(one[f"{what}_cpu"], 2) for one in ours]
    runs["CPU seconds, recipe"] = [round(one[f"{what}_cpu"], 2) for one in theirs]
    return Figure(
        name=f"{what}: {peer} takes",
        value=ratio * middle,
        unit="s",
        must=ratio_at_least(must),
        compared_to=f"ours (the ratio is the median of {len(ours)} pairs)",
        compared_value=middle,
        runs=runs,
        note=note,
    )


def _middle(several: list[dict[str, float]], what: str) -> float:
    return statistics.median(one[what] for one in several)


@contextlib.contextmanager
def _machine(context: Context) -> Iterator[Any]:
    """A function that runs a command on a machine of our own, as root, with standard input."""
    folder = cache() / "lab" / f"adhoc-{PREFIX}"
    key = context.folder / "restore-key"
    log: list[str] = []
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    machines = []
    try:
        image = ensure_image(cache(), context.say)
        adhoc.clear(PREFIX, folder)
        machines = adhoc.up(PREFIX, 1, folder, image, key.with_suffix(".pub").read_text().strip(), log)
        machines[0].wait_booted(180)
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["ConnectTimeout=10", "ConnectionAttempts=30"]
        enter = ["ip", "netns", "exec", f"{PREFIX}-adhoc", "ssh", "-i", str(key)]
        enter += [word for option in options for word in ("-o", option)]

        def on(command: str, stdin: bytes) -> str:
            quoted = command.replace("'", "'\\''")
            words = [*enter, f"ubuntu@{adhoc.NETWORK}.11", f"sudo sh -c '{quoted}'"]
            done = subprocess.run(words, input=stdin, capture_output=True, timeout=MOST_SECONDS, check=False)
            (context.folder / "restore.log").open("ab").write(done.stderr)
            if done.returncode:
                raise NotMeasured(f"restore: {done.stderr.decode(errors='replace')[-1500:]}")
            return done.stdout.decode()

        yield on
    except BoxError as error:
        raise NotMeasured(f"restore: no machine: {error}") from error
    finally:
        for machine in machines:
            machine.crash()
        with contextlib.suppress(BoxError):
            adhoc.clear(PREFIX, folder)
