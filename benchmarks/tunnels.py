"""The four tunnels between AWS and Google, cut silently: how long traffic is lost, with AWS's hold time and with the
document's, and how soon all sessions are there again. And what is told to one of them wrongly.

Both routers in a box of their own, as the lab's stand-ins made them of what the component asks for. Every cut has the
tunnel in it that AWS uses, or nothing would be lost.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.box.host import BoxError
from tests.lab.box_world import eventually
from tests.lab.cloud_vpn_answers import problems
from tests.lab.cloud_vpn_bed import IN_SUBNET, IN_VPC, WRONG, Bed, joined
from tests.lab.cloud_vpn_flows import Flows
from tests.lab.cloud_vpn_world import Records, graph, routers, told
from tests.policy.pack import said
from twinsite.rules.vpn import HOLD_SECONDS

from .context import Context, NotMeasured
from .figure import Figure, value_at_most, value_is

DOCUMENT_HOLD_SECONDS = 60
"""Cloud Router's own three keepalives, which the document leaves as they are."""
PATIENCE_SECONDS = 60
PREFIX = "bt"


@dataclasses.dataclass(frozen=True)
class Cut:
    """A silent one."""

    tunnels: int
    out: bool = True
    """Whether what AWS sends is lost."""
    back: bool = True

    @property
    def words(self) -> str:
        way = "" if self.out and self.back else ", only what AWS sends" if self.out else ", only what Google sends"
        return f"{('one', 'two', 'three')[self.tunnels - 1]} of four tunnels cut silently{way}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Of traffic lost and of the sessions' return, seconds."""
        return (32.0, 10.0) if self.out and self.back else (40.0, 25.0)


CUTS = (Cut(1), Cut(3), Cut(1, back=False), Cut(1, out=False))


@dataclasses.dataclass(frozen=True)
class Seen:
    """Of one cut, in seconds."""

    out: list[float]
    """What each of AWS's flows lost."""
    back: list[float]
    again: float
    """From the path's return until all sessions were there."""

    @property
    def lost(self) -> float:
        return max(self.out + self.back)


def run(context: Context) -> Iterator[Figure]:
    """Two figures of each cut, three of what is told wrongly."""
    try:
        yield from _run(context)
    except (AssertionError, BoxError) as late:  # of the bed's own waits
        raise NotMeasured(str(late)) from None


def _run(context: Context) -> Iterator[Figure]:
    records = told()
    seen: dict[int, list[Seen]] = {}
    for hold in (HOLD_SECONDS, DOCUMENT_HOLD_SECONDS):
        aws, google = routers(records)
        aws = dataclasses.replace(aws, hold_seconds=hold, keepalive_seconds=hold // 3)
        with joined(_folder(context, f"hold-{hold}"), PREFIX, aws, google) as bed:
            seen[hold] = [_cut(context, bed, cut, hold) for cut in CUTS]
    for cut, ours, theirs in zip(CUTS, seen[HOLD_SECONDS], seen[DOCUMENT_HOLD_SECONDS], strict=True):
        lost, again = cut.bounds
        yield Figure(
            name=f"{cut.words}: traffic lost, worst flow",
            value=ours.lost,
            unit="s",
            must=value_at_most(lost),
            compared_to=f"hold time {DOCUMENT_HOLD_SECONDS} s instead of {HOLD_SECONDS}",
            compared_value=theirs.lost,
            runs={"AWS's flows": _rounded(ours.out), "Google's flows": _rounded(ours.back)},
        )
        yield Figure(
            name=f"{cut.words}: from its return until four sessions are up",
            value=ours.again,
            unit="s",
            must=value_at_most(again),
            compared_to=f"hold time {DOCUMENT_HOLD_SECONDS} s",
            compared_value=theirs.again,
        )
    yield from _wrong(context, records)


def _cut(context: Context, bed: Bed, cut: Cut, hold: int) -> Seen:
    """One, and back again. NotMeasured when nothing was in its way."""
    eventually(lambda: bed.paths == (1, 4) and bed.up_but(), PATIENCE_SECONDS, "all paths")
    here, there = (bed.namespace(bed.aws), IN_VPC), (bed.namespace(bed.google), IN_SUBNET)
    with Flows(here, there, 8) as out, Flows(there, here, 32) as back:
        eventually(lambda: out.whole and back.whole, PATIENCE_SECONDS, "traffic both ways")
        used = bed.used
        hit = [used, *(end for end in bed.aws.ends if end != used)][: cut.tunnels]
        ways = [(end.outside, end.peer) for end in hit if cut.out]
        ways += [(end.peer, end.outside) for end in hit if cut.back]
        bed.box.vpns.cut(ways)
        met = [end.id for end in bed.google.ends if bed.meets(end.id) in {one.id for one in hit}]
        eventually(lambda: bed.up_but(*met), hold * 1.5 + 20, "the end of the sessions that were cut, and of no other")
        eventually(lambda: out.whole and back.whole, PATIENCE_SECONDS, "traffic both ways by the others")
        bed.box.vpns.cut([])
        again = eventually(bed.up_but, PATIENCE_SECONDS, "four sessions after the return")
    seen = Seen(out.lost_seconds(), back.lost_seconds(), again)
    if seen.lost < hold / 2:
        raise NotMeasured(f"{cut.words}: only {seen.lost:.1f} s were lost, so that it was in nobody's way")
    context.say(f"  hold {hold} s, {cut.words}: {seen.lost:.1f} s lost, {again:.1f} s until four sessions")
    return seen


def _wrong(context: Context, records: Records) -> Iterator[Figure]:
    """Each wrong setting by itself, and first the right ones, of which nothing may be said."""
    down, named, refused = [], [], []
    words: dict[str, list[str]] = {}
    for number, (name, wrong) in enumerate(WRONG.items()):
        change = wrong.change(records)
        found = said(graph(change))
        refused += [name] if found else []
        with joined(_folder(context, f"wrong-{number}"), PREFIX, *routers(change)) as bed:
            eventually(lambda bed=bed, wrong=wrong: bed.up_but(*wrong.tunnels), PATIENCE_SECONDS, "the others")  # type: ignore[misc]
            eventually(lambda bed=bed, wrong=wrong: wrong.refused(bed), PATIENCE_SECONDS, "two refusals")  # type: ignore[misc]
            _routes(bed, len(wrong.tunnels))
            down += [name] if bed.up_but(*wrong.tunnels) else []
            told_ = problems(bed)
        at = {one.partition(": ")[0] for one in told_}
        named += [name] if at == set(wrong.tunnels) and all("pulumi up" in one for one in told_) else []
        words[name] = [*told_, *(f"policy {policy}: {one}" for policy, those in found.items() for one in those)]
        context.say(f"  {name}: {'; '.join(told_) or 'nothing is said'}")
    with joined(_folder(context, "right"), PREFIX, *routers(records)) as bed:
        eventually(bed.up_but, PATIENCE_SECONDS, "four sessions")
        _routes(bed, 0)
        right = problems(bed)
    false = len(right) + len(said(graph(records)))
    for what, those in (
        ("stay down while the others carry on", down),
        ("named by `status` with a fix, no other tunnel", named),
        ("refused by a policy once addresses are known", refused),
    ):
        yield Figure(
            name=f"wrong key, ASN, peer, inside ranges: {what}",
            value=len(those),
            unit="settings",
            must=value_is(len(WRONG)),
            compared_to="sentences about the right settings",
            compared_value=false,
            runs=words if those is named else {},
        )


def _routes(bed: Bed, down: int) -> None:
    """Until each cloud has the other's, which a session brings a moment after it is up."""
    eventually(lambda: bed.paths == (1, 4 - down), PATIENCE_SECONDS, "routes")


def _folder(context: Context, name: str) -> Path:
    folder = context.folder / "tunnels" / name
    folder.mkdir(parents=True)
    return folder


def _rounded(found: Sequence[float]) -> list[float]:
    return [round(one, 1) for one in found]
