"""What a repair of the flow and of who may write has to do, from facts alone. Pure.

A switch that ended in the middle goes on, or is undone where nothing was handed over; who was left open beside the
newest writer is shut; rows that stopped are started; a register that lags or contradicts the databases is swapped. Data
are replaced on a person's word alone (ADR 3).
"""

from ...subjects.postgres_replica import Slot
from ...subjects.registers import RegistersSeen
from .draft import Draft
from .mend_steps import Reseed, SetUp
from .plan import begun_at, brought, go_on, undone
from .writer_steps import Claim, Prepare, Rejoin

RESEED = "reseed"
"""What a person may confirm."""


def mend(draft: Draft) -> None:
    """What is wrong is said, and what mends it is added."""
    draft.common(draft.away)
    if draft.problems:
        return
    databases = draft.facts.databases
    writers = databases.writers
    if len(writers) > 1:
        _two(draft)
    elif not writers:
        origin = begun_at(draft)
        gate = databases.gate(origin)
        if gate is not None and gate.handed:
            go_on(draft, databases.other(origin))
        else:
            undone(draft, origin)
    else:
        _flow(draft, writers[0])
        _registers(draft, writers[0])
        _users(draft, writers[0])
    if not draft.steps and not draft.problems:
        draft.says.append(f"nothing to mend: {', '.join(writers)} takes writes, and the other end follows")


def _two(draft: Draft) -> None:
    databases = draft.facts.databases
    newest = max((draft.home, draft.away), key=databases.epoch_of)
    other = databases.other(newest)
    if databases.epoch_of(newest) == databases.epoch_of(other):
        draft.refuse(
            f"both databases take writes in epoch {databases.epoch_of(newest)}, and nothing says which is right: stop "
            "the application at one of them; then the job's verb `rejoin` for the other (stack output replica_by_hand)"
        )
        return
    draft.says.append(
        f"both databases take writes, {newest} by the newer order: {other} is shut, and what it alone has is counted"
    )
    draft.add(Rejoin(draft.ground, other, databases.epoch_of(newest)))


def _flow(draft: Draft, writer: str) -> None:
    databases = draft.facts.databases
    follower, look = databases.other(writer), databases.look
    assert look is not None  # common
    if not {writer, follower} <= databases.answered:
        silent = ", ".join(sorted({writer, follower} - databases.answered))
        draft.refuse(
            f"{silent}'s database does not answer the job: bring it back first; where the writer is gone, `twinsite "
            f"failover --to {draft.away}`"
        )
        return
    taken = databases.gate(writer)
    slot = look.slot
    if taken is not None and taken.taken and not databases.follows(follower):
        draft.refuse(
            f"{writer} was promoted without {follower}: `twinsite failback --to {draft.home}` makes {follower} follow "
            "first"
        )
    elif _lacks(draft, follower, slot, look.running):
        _reseed(draft, writer, follower)
    elif not databases.follows(follower) and look.running is None and databases.epoch and taken is not None:
        draft.says.append(f"{follower} has no subscription, and {writer} writes since epoch {taken.epoch}: it rejoins")
        draft.add(Rejoin(draft.ground, follower, taken.epoch))
    elif not databases.follows(follower):
        draft.says.append(
            f"{follower} does not follow {writer} ({'; '.join(look.problems[:2])}): the flow is set up again"
        )
        draft.add(SetUp(draft.ground, follower))
    open_ = [site for site in (draft.home, draft.away) if (gate := databases.gate(site)) and gate.without]
    if open_ and not draft.problems:
        draft.says.append(f"tables of {' and '.join(open_)} ask no gate: they are put behind it")
        draft.add(Prepare(draft.ground, follower))


def _lacks(draft: Draft, follower: str, slot: Slot | None, running: bool | None) -> bool:
    """Whether rows that the follower lacks are kept nowhere; or a copy anew, which was confirmed, ended amid it."""
    if running is None:
        return RESEED in draft.intent.confirmed and not draft.facts.databases.follows(follower)
    return slot is None or slot.wal_status == "lost"


def _reseed(draft: Draft, writer: str, follower: str) -> None:
    harm = (
        f"{writer} has not kept what {follower} lacks: {follower} has to be emptied, and everything copied to it; "
        "until that is done there is no standby, and a failover has to take a backup"
    )
    if RESEED not in draft.intent.confirmed:
        draft.refuse(f"{harm}: `twinsite repair --confirm {RESEED}`")
        return
    draft.says.append(harm)
    draft.add(Reseed(draft.ground, follower))


def _users(draft: Draft, writer: str) -> None:
    """A move that was killed after the databases were done has left pods and users where they were."""
    serving, unfinished = draft.facts.serving, draft.facts.unfinished
    if draft.problems or (unfinished is None and serving in ("", writer)):
        return
    if serving not in ("", writer):
        draft.says.append(f"users are led to {serving}, and {writer}'s database takes writes: users are brought there")
    brought(draft, writer, leave=True)


def _registers(draft: Draft, writer: str) -> None:
    seen = draft.facts.registers
    if seen is None or not seen.known:
        return
    decided = seen.decided()
    if decided is None or decided.site != writer:
        named = f"{decided.site} (epoch {decided.epoch})" if decided else "nobody"
        draft.says.append(
            f"the registers name {named}, and {writer}'s database takes writes: they are swapped to {writer}"
        )
        draft.add(Claim(draft.ground, writer, draft.above))
    elif _behind(seen, decided.epoch):
        draft.says.append(f"a register is behind epoch {decided.epoch}: it is raised")
        draft.add(Claim(draft.ground, writer, 0))


def _behind(seen: RegistersSeen, epoch: int) -> bool:
    return any(one is None for one in seen.said.values()) or any(one.epoch < epoch for one in seen.known.values())
