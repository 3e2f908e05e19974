"""How a replica gets its data: facts about both servers in, one decision out. Pure; nothing here talks to a server."""

import re
from dataclasses import dataclass
from enum import Enum

from .gtid import GtidSet

# With its folder: the PATH that sudo gives need not hold it.
GUEST = "sudo /usr/local/sbin/twinsite-guest database"


class Step(str, Enum):
    """What `apply` on a replica does next."""

    KEEP = "keep"
    """It replicates; touch nothing."""
    START = "start"
    """It is configured, its threads are stopped."""
    FOLLOW = "follow"
    """Configure the channel and follow: the source's binary logs hold all that is missing."""
    CLONE = "clone"
    """Copy the source's data, then follow."""
    REFUSE = "refuse"


@dataclass(frozen=True)
class Decision:
    """A step with its reason; `problems` is not empty for REFUSE only, each sentence with its fix."""

    step: Step
    reason: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplicaFacts:
    """The local server."""

    version: str
    server_uuid: str
    server_id: int
    executed: GtidSet
    schemas: tuple[str, ...]
    """Schemas besides the system's."""
    writable: bool
    """super_read_only is off."""
    channel_source: str = ""
    """Address that the default channel follows; empty without a channel."""
    receiver: str = "OFF"
    """ON, CONNECTING or OFF."""
    applier: str = "OFF"
    applier_error: str = ""
    was_ours: bool = False
    """twinsite configured a channel here before."""
    clone_unfinished: bool = False
    """A clone began here and was not seen to end: whatever the data directory holds is rubbish."""
    consent: GtidSet | None = None
    """`reseed` was asked for; own transactions that the operator named as to be discarded (may be empty)."""


@dataclass(frozen=True)
class SourceFacts:
    """The other server, read AFTER the replica's: its set only grows, so nothing looks errant that is not."""

    version: str
    server_uuid: str
    server_id: int
    executed: GtidSet
    purged: GtidSet
    gtid_mode: str = "ON"
    logs: bool = True
    """The binary log is on."""
    log_format: str = "ROW"
    retention_seconds: int = 2**32
    """How long it keeps binary logs."""
    clock_seconds: float = 0.0
    """How far its clock is ahead of the replica host's, beyond what asking took."""


def release(version: str) -> tuple[int, int, int] | None:
    """(9, 7, 4) of `9.7.4-2`; None for MariaDB or nonsense."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if found is None or "mariadb" in version.lower():
        return None
    return int(found[1]), int(found[2]), int(found[3])


def replicating_problems(source: str, replica: str) -> list[str]:
    """Why these versions must not replicate. Source: MySQL manual, replication-compatibility and upgrade-paths."""
    ends = {"source": release(source), "replica": release(replica)}
    words = {"source": source, "replica": replica}
    problems = []
    for name, found in ends.items():
        if found is None:
            problems.append(
                f"the {name} runs {words[name]!r}, which is no MySQL and has other GTIDs: install MySQL 8.4 or later"
            )
        elif found < (8, 4, 0):
            problems.append(
                f"the {name} runs MySQL {words[name]}, whose support ended in April 2026: upgrade it to 8.4 or later"
            )
    here, there = ends["source"], ends["replica"]
    if problems or here is None or there is None:
        return problems
    if here[:2] == there[:2]:
        return []
    if here[:2] > there[:2]:
        return [
            (
                f"the source runs MySQL {source}, newer than the replica's {replica}, and MySQL supports "
                "replication to the same or a newer series only: upgrade the replica first"
            )
        ]
    # Upgrade paths: 8.4 LTS to any 9.x up to the next LTS (9.7); within 9.x upwards; beyond, LTS to next LTS.
    if there[0] - here[0] > 1 or (there[0] > 9 and here[:2] < (9, 7)):
        return [
            (
                f"there is no supported upgrade path from MySQL {source} (source) to {replica} (replica), so none "
                "to replicate: use series at most one long-term release apart"
            )
        ]
    return []


def cloning_problems(source: str, replica: str) -> list[str]:
    """Why these versions cannot clone. Source: MySQL manual, clone-plugin-limitations (F 3.3)."""
    here, there = release(source), release(replica)
    if here is None or there is None:
        return [f"{source!r} to {replica!r} cannot be cloned, both ends must be MySQL: install MySQL 8.4 or later"]
    if here[:2] != there[:2]:
        return [
            (
                f"the source's MySQL {source} cannot be cloned to {replica}, because the clone plugin needs one "
                f"series on both ends: install {here[0]}.{here[1]} on the replica host, seed, then upgrade it"
            )
        ]
    # 8.0 clones across patch releases from 8.0.37 on; below, the exact release is needed.
    if here[:2] == (8, 0) and here != there and min(here, there) < (8, 0, 37):
        return [
            (
                f"the source's MySQL {source} cannot be cloned to {replica}, before 8.0.37 both need one release: "
                "upgrade both to 8.4"
            )
        ]
    return []


def promoted_problems(replica: ReplicaFacts) -> list[str]:
    """A replica that was made writable on purpose must not be fenced again by the next `up`."""
    if replica.channel_source or not replica.was_ours or not replica.writable:
        return []
    return [
        "this host was promoted: its server is writable and follows nobody. Making it a replica again would throw away "
        "what was written since; to do that, run `SET PERSIST super_read_only = ON` and then "
        f"`{GUEST} reseed`, else change the Pulumi program to follow the new source"
    ]


def unfit_source(source: SourceFacts, retention_seconds: int) -> list[str]:
    """Why nobody can follow this source safely; a source that twinsite made has none of it."""
    problems = []
    if not source.logs:
        problems.append("the source keeps no binary log: remove skip_log_bin / disable_log_bin there and restart it")
    if source.gtid_mode != "ON":
        problems.append(
            f"the source has gtid_mode {source.gtid_mode}: set gtid_mode and enforce_gtid_consistency to ON there"
        )
    if source.log_format != "ROW":
        problems.append(f"the source has binlog_format {source.log_format}: set it to ROW there")
    if 0 < source.retention_seconds < retention_seconds:
        problems.append(
            f"the source keeps binary logs for {source.retention_seconds} s, but {retention_seconds} s are to be "
            f"covered: run `SET PERSIST binlog_expire_logs_seconds = {retention_seconds}` there"
        )
    return problems


def decide(
    replica: ReplicaFacts, source: SourceFacts | None, wanted_source: str, retention_seconds: int = 0
) -> Decision:
    """What to do. `source` None means that it did not answer; then only what replicates anyway can be kept."""
    configured = replica.channel_source == wanted_source
    whole = not replica.clone_unfinished and replica.consent is None
    running = whole and configured and replica.receiver != "OFF" and replica.applier == "ON"
    if whole and promoted_problems(replica):
        return Decision(Step.REFUSE, "this host was promoted", tuple(promoted_problems(replica)))
    if source is None:
        if running:
            return Decision(Step.KEEP, "both threads run; the source did not answer")
        return Decision(
            Step.REFUSE, "the source did not answer", (f"{wanted_source} did not answer: check the tunnel",)
        )
    problems = replicating_problems(source.version, replica.version)
    if source.server_uuid == replica.server_uuid:
        problems.append(
            f"both servers have server_uuid {replica.server_uuid}: one is a copy of the other; "
            "delete /var/lib/mysql/auto.cnf on the replica host and restart MySQL"
        )
    problems += unfit_source(source, retention_seconds)
    if source.server_id == replica.server_id:
        problems.append(f"both servers have server_id {replica.server_id}: give each its own in the Pulumi program")
    if problems:
        return Decision(Step.REFUSE, "the two servers do not fit", tuple(problems))
    if replica.clone_unfinished:
        return _clone(replica, source, "an earlier clone did not end")
    own = replica.executed - source.executed
    if replica.consent is not None:
        if own - replica.consent:
            return _refuse(_own_words(own, replica.schemas))
        return _clone(replica, source, "a new copy was asked for")
    # Also while it replicates: a new, empty source at the old address is followed by MySQL without a word.
    if own:
        return _refuse(_own_words(own, replica.schemas))
    if running and replica.receiver == "ON":
        return Decision(Step.KEEP, "both threads run")
    if replica.schemas and not replica.executed:
        return _refuse(
            f"the replica holds schemas that did not come from the source: {', '.join(replica.schemas)}; dump and "
            f"drop them, or run `{GUEST} reseed` on the replica host, which deletes them"
        )
    missing = source.purged - replica.executed
    if not missing:
        if configured:
            return Decision(Step.START, "configured, and the source's binary logs hold all that is missing")
        behind = (source.executed - replica.executed).count()
        return Decision(Step.FOLLOW, f"the source's binary logs hold the {behind} missing transactions")
    if replica.executed:
        # The replica is the only copy at this site: it is not thrown away before a person says so.
        return _refuse(
            f"the source no longer has the binary logs of {missing} ({missing.count()} transactions), so the "
            "replica cannot catch up; its old copy stays untouched until you run "
            f"`{GUEST} reseed` on the replica host"
        )
    return _clone(replica, source, f"the source no longer has the binary logs of {missing.count()} transactions")


def _own_words(own: GtidSet, schemas: tuple[str, ...]) -> str:
    return (
        f"the replica holds {own.count()} transactions of its own that the source never had: {own} "
        f"(schemas there: {', '.join(schemas) or 'none'}). Its data were not touched. Look at them with "
        f"`{GUEST} decode --gtids '{own}'`. If they hold neither rows nor DDL (a FLUSH), `twinsite repair --confirm "
        "empty-transactions` is the remedy; else bring what matters to the source, then "
        f"discard them with `{GUEST} reseed --discard '{own}'`"
    )


def _refuse(problem: str) -> Decision:
    return Decision(Step.REFUSE, "the replica's data must not be changed silently", (problem,))


def _clone(replica: ReplicaFacts, source: SourceFacts, reason: str) -> Decision:
    problems = cloning_problems(source.version, replica.version)
    if problems:
        return Decision(Step.REFUSE, "the data must be copied, but these versions cannot clone", tuple(problems))
    return Decision(Step.CLONE, reason)
