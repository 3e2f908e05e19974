"""No stale branch is ever the newest: any interleaving of writes, backups, failovers, failbacks and late uploads."""

import datetime
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.backup import branch, config, manifest, retention, writer
from twinsite.guest.backup.manifest import Found
from twinsite.guest.backup.writer import Unknown, Writer
from twinsite.guest.errors import Refused

SITES = ("home", "away")
NOON = datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.UTC)


@dataclass
class Run:
    """A backup on its way. `truly` is the model's own knowledge of whether its site was the writer all the time."""

    site: str
    began: int
    rows: frozenset[int]
    before: Writer | Unknown
    scheduled: bool = True
    after: Writer | Unknown | None = None
    truly: bool = True
    epoch: int = 0

    def found(self) -> Found:
        moment = NOON + datetime.timedelta(seconds=self.began)
        about: dict[str, Any] = {"began": manifest.stamp(moment), "scheduled": self.scheduled}
        about |= writer.between(config.WriterPlace("file:///s", self.site, "home"), self.before, self.after)
        return Found(f"{moment:%Y%m%dT%H%M%SZ}-{self.began:08x}", about, ())


@dataclass
class World:
    """Two sites that anybody may write at, whoever the writer is."""

    now: Writer = field(default_factory=lambda: Writer("home", 0))
    clock: int = 0
    rows: dict[str, frozenset[int]] = field(default_factory=lambda: dict.fromkeys(SITES, frozenset()))
    stale: set[int] = field(default_factory=set)
    """Written where the writer was not."""
    running: list[Run] = field(default_factory=list)
    stored: list[Run] = field(default_factory=list)

    def newest(self) -> Run | None:
        try:
            chosen = manifest.choose([one.found() for one in self.stored], "latest")
        except Refused:
            return None
        return next(one for one in self.stored if one.found().backup_id == chosen.backup_id)

    def begin(self, site: str, unread: bool) -> None:
        before: Writer | Unknown = Unknown("403") if unread else self.now
        run = Run(site, self.clock, self.rows[site], before, epoch=self.now.epoch)
        run.truly = site == self.now.site
        self.running.append(run)

    def end(self, number: int, unread: bool) -> None:
        """Its last row was read: the document is read again. What it uploads then may take as long as it likes."""
        for run in self.running[number : number + 1]:
            run.after = Unknown("timed out") if unread else self.now

    def upload(self, number: int) -> None:
        for run in self.running[number : number + 1]:
            if run.after is not None:
                self.running.remove(run)
                self.stored.append(run)

    def raised(self, site: str) -> None:
        self.now = Writer(site, self.now.epoch + 1)
        for run in self.running:
            run.truly &= run.after is not None

    def failover(self) -> None:
        chosen = self.newest()
        if self.now.site == "home" and chosen is not None:
            self.rows["away"] = chosen.rows
            self.raised("away")

    def failback(self) -> None:
        if self.now.site == "away":
            dump = Run("away", self.clock, self.rows["away"], self.now, False, self.now, epoch=self.now.epoch)
            self.stored.append(dump)
            self.rows["home"] = dump.rows
            self.raised("home")

    def step(self, what: str, site: str, number: int, unread: bool) -> None:
        self.clock += 1
        if what == "write":
            self.rows[site] |= {self.clock}
            self.stale |= {self.clock} if site != self.now.site else set()
        elif what == "begin":
            self.begin(site, unread)
        elif what == "end":
            self.end(number, unread)
        else:
            {"upload": lambda: self.upload(number), "failover": self.failover, "failback": self.failback}[what]()


events = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "begin", "begin", "end", "end", "upload", "upload", "failover", "failback"]),
        st.sampled_from(SITES),
        st.integers(0, 3),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=60,
)


@given(events)
def test_no_stale_branch_is_ever_chosen_as_the_newest(several: list[tuple[str, str, int, bool]]) -> None:
    world = World()
    for event in several:
        world.step(*event)
        chosen = world.newest()
        if chosen is None:
            continue
        assert chosen.truly, "its site was not the writer from its snapshot to its last row"
        assert not chosen.rows & world.stale
        for one in world.stored:
            known = isinstance(one.before, Writer) and isinstance(one.after, Writer)
            if one.truly and known:
                assert (one.epoch, one.began) <= (chosen.epoch, chosen.began), "a newer one was passed over"


def test_by_time_alone_the_stale_branch_would_be_the_newest() -> None:
    """The positive control: this is what the rule is for."""
    world = World()
    for what, site in (("begin", "home"), ("end", ""), ("upload", ""), ("failover", ""), ("write", "away"),
                       ("begin", "away"), ("end", ""), ("upload", ""), ("write", "home"),
                       ("begin", "home"), ("end", ""), ("upload", "")):  # fmt: skip
        world.step(what, site, 0, False)
    by_time = max(world.stored, key=lambda run: run.began)
    assert by_time.site == "home" and by_time.rows & world.stale
    chosen = world.newest()
    assert chosen is not None and chosen.site == "away" and chosen.rows == world.rows["away"]


def test_a_run_that_a_failover_overtook_is_of_no_branch_however_late_it_arrives() -> None:
    world = World()
    for what, site in (("begin", "home"), ("end", ""), ("upload", ""), ("begin", "home"), ("failover", ""),
                       ("end", ""), ("upload", "")):  # fmt: skip
        world.step(what, site, 0, False)
    assert len(world.stored) == 2
    assert world.newest() is world.stored[0]


BRANCHES = (
    None,
    {"site": "home", "epoch": 0, "writer": "home"},
    {"site": "away", "epoch": 1, "writer": "away"},
    {"site": "home", "epoch": 1, "writer": "away"},
    {"site": "home", "unknown": "403"},
    {"site": "home", "epoch": 2, "writer": "home"},
)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(BRANCHES), st.booleans()), min_size=1, max_size=40),
    st.integers(7, 60),
)
def test_no_branch_pushes_the_last_ones_of_another_out(
    backups: list[tuple[int, dict[str, Any] | None, bool]], keep_days: int
) -> None:
    several = []
    for number, (day, said, scheduled) in enumerate(backups):
        began = NOON + datetime.timedelta(days=day)
        about: dict[str, Any] = {"began": manifest.stamp(began), "scheduled": scheduled}
        about |= {} if said is None else {"branch": said}
        several.append(Found(f"{began:%Y%m%dT%H%M%SZ}-{number:08x}", about, ()))
    for made in several:
        gone = {one.backup_id for one in retention.outdated(several, made.backup_id, keep_days)}
        if not manifest.fit(made):
            assert not gone
            continue
        left = [one for one in several if one.backup_id not in gone]
        assert manifest.choose(left, "latest") == manifest.choose(several, "latest")
        for name in {branch.of(one.manifest).name for one in several}:
            kept, all_of_it = (sum(branch.of(one.manifest).name == name for one in some) for some in (left, several))
            assert kept >= min(retention.KEEP_NEWEST, all_of_it), name
