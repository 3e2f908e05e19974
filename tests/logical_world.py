"""A model of both sites of a stack that follows by logical replication, for tests of the moves of its writer.

Everything that the desk asks is answered by it: kubectl (Deployments, ConfigMaps, Jobs), Google's size of a pool,
Cloudflare's pools, the registers, the pages. The job's verbs are written down once more, as far as gates and rows go;
tests/servers/test_logical_moves.py shows that PostgreSQL does it. It can be killed before and after each thing that it
does, and checks then what must hold.
"""

import copy
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from operations.kubectl import Kubectl
from operations.moves.logical.hands import READY
from operations.moves.logical.world import PROGRAM, LogicalWorld
from operations.subjects.clouds import World as Clouds
from operations.subjects.eyes import Eyes
from operations.transport import Unreachable
from operations.web import Page
from operations.worker import ClusterWorker
from operations.writer_registers import Registers, Unasked
from tests import aws_gcp_world, clouds_world
from tests.failover_world import Killed, MemoryStore
from tests.logical_agents import Agents, InTurn, Register
from tests.logical_agents import decided as decided
from twinsite.guest.writer import raising
from twinsite.guest.writer.rule import Said
from twinsite.inventory import Inventory, Pod, Workload

JOB = Pod("gke_example-dr_asia-northeast3_twinsite", "crm", "logical-twinsite")
AWAY = Workload("crm", "gcp", JOB.context, "crm", "crm-role", 3, True)
HOME = Workload("crm", "aws", "eks", "crm", "crm-role", 3, True)
PLACES = ("s3://crm-registers/writer.json", "gs://crm-registers/writer.json", "azblob://third/registers/writer.json")
INVENTORY = replace(
    aws_gcp_world.INVENTORY, store="gs://aws-gcp-operations-name", workloads=(AWAY,), dr_mode="pilot-light"
)
OF = {"source": "aws", "target": "gcp"}
HALF = ("prepare", "word", "shut", "rows", "handed", "opened", "parted")
"""Where a verb can be told to fail (`fails`)."""


@dataclass
class End:
    """A site's database."""

    rows: set[int]
    epoch: int = 0
    writes: bool = True
    handed: int | None = None
    taken: int | None = None
    gated: bool = False

    def gate(self) -> dict[str, Any] | None:
        if not self.gated:
            return None
        marks = {"handed": self.handed == self.epoch, "taken": self.taken == self.epoch}
        return {"epoch": self.epoch, "writes": self.writes, **marks, "without": []}


@dataclass
class Model(Agents):
    """Both sites, and what is between."""

    inventory: Inventory = INVENTORY
    alive: bool = True
    """Home."""
    fails: str = ""
    """Where the next verb fails, once."""
    kill_at: int | None = None
    dead: bool = False
    ticks: int = 0
    clock: float = 1000.0
    row: int = 0
    acknowledged: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    """Acknowledged at home, and given up by a promotion."""
    follows: str | None = "gcp"
    deeds: list[str] = field(default_factory=list)
    jobs: dict[str, tuple[int, str]] = field(default_factory=dict)
    two: bool = False
    """Home is back after a promotion, and nobody has shut it: two may write until it is."""
    slot: str = "reserved"
    """Of the writer, for the one that follows; "lost" when it has not kept what that lacks."""
    differs: bool = False
    """A row of the follower was changed by somebody."""
    partly: dict[str, Any] = field(default_factory=dict)
    """What a comparison could not judge."""
    disabled: bool = False
    """The subscription is there, and applies nothing."""
    agents: bool = True
    """An agent runs at each site that lives, and holds its database by the registers."""
    job_lives: bool = False
    """A desk that is killed leaves its job, which goes on."""
    orphan: list[str] = field(default_factory=list)
    """Words of such a switch."""
    named: tuple[int, float] = (0, 0.0)
    """The highest epoch of two registers, and since when."""
    say: Callable[[str], None] = lambda _: None
    """The job's to the desk."""
    in_the_way: str = ""
    """What a look sees of what prepare would refuse."""

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.tick)
        self.ends = {"aws": End({1, 2, 3}), "gcp": End({1, 2, 3})}
        self.roles = {"aws": "writer", "gcp": "reader"}
        self.replicas, self.nodes = {"aws": 3, "gcp": 0}, 0
        self.marks = {"aws": "", "gcp": ""}
        self.registers = [Register(Said(0, "aws", True), self.tick) for _ in self.inventory.registers]
        self.clouds = clouds_world.Clouds()

    # Time, death and users.

    def tick(self) -> None:
        if self.dead:
            raise Killed
        self.ticks += 1
        self.holds()
        self.hear()
        for site, end in self.ends.items():
            if end.writes and self.leased(site) and (site != "aws" or self.alive) and (site == "aws" or end.gated):
                self.row += 1
                end.rows.add(1000 + self.row)
                self.acknowledged.add(1000 + self.row)
        if self.follows and self.alive and self.slot == "reserved" and not self.disabled:
            self.ends[self.follows].rows |= self.ends["gcp" if self.follows == "aws" else "aws"].rows
        if self.kill_at is not None and self.ticks >= self.kill_at:
            self.dead = True
            raise Killed

    def holds(self) -> None:
        home, away = self.ends["aws"], self.ends["gcp"]
        assert not (home.writes and away.writes and away.gated and self.alive) or self.two, "two writers"
        if self.roles["gcp"] == "writer":
            assert away.gated and (away.writes or self.deeds[-1:] != ["start-writers"]), "writers before the database"

    def revive(self) -> None:
        self.dead, self.kill_at, self.ticks = False, None, 0
        if self.orphan:
            words, self.orphan = self.orphan, []
            told, self.say = self.say, lambda _: None
            self.verb(words)
            self.say, self.dead, self.ticks = told, False, 0

    def sleep(self, seconds: float) -> None:
        self.clock += max(0.1, seconds)

    # The job's verbs.

    def verb(self, words: list[str]) -> tuple[int, dict[str, Any]]:
        given = dict(zip(words[1::2], words[2::2], strict=False))
        new = OF[given.get("--to", "target")]
        old = "gcp" if new == "aws" else "aws"
        epoch = int(given.get("--epoch", 0))
        self.deeds.append(f"{words[0]} {new}")
        self.tick()
        try:
            return self._verb(words, old, new, epoch)
        except Killed:
            if self.job_lives and words[0] == "switch":
                self.orphan = words
            raise

    def _verb(self, words: list[str], old: str, new: str, epoch: int) -> tuple[int, dict[str, Any]]:
        done = getattr(self, words[0].replace("-", "_"))(self.ends[old], self.ends[new], old, new, epoch, words)
        self.tick()
        code, found = done
        return code, {"flow": "twinsite", **found}

    def refused(self, words: str) -> tuple[int, dict[str, Any]]:
        return 2, {"outcome": "refused", "problems": [words]}

    def failing(self, at: str) -> bool:
        self.tick()
        if self.fails != at:
            return False
        self.fails = ""
        return True

    def look(self, *_: Any) -> tuple[int, dict[str, Any]]:
        turned = self.follows == "aws"
        gates = {"target": self.ends["gcp"].gate()}
        if self.alive:
            gates["source"] = self.ends["aws"].gate()
        flows = self.alive and self.follows is not None and self.slot == "reserved" and not self.disabled
        about = None
        if self.follows is not None:
            about = {"enabled": not self.disabled, "running": flows, "errors": {"apply_error": 0}}
        lag = {"seconds": 0.4, "newest_seconds": 0.0} if flows else None
        slot = None
        if self.alive and self.follows is not None:
            slot = {"active": flows, "wal_status": self.slot, "held_bytes": 0, "safe_wal_size": None}
        well = flows
        found = {"subscription": about, "gate": gates, "copied": True, "slot": slot, "lag": lag, "healthy": well}
        ends = {"from": "target", "to": "source"} if turned else {"from": "source", "to": "target"}
        found["in_the_way"] = [self.in_the_way] if self.in_the_way else []
        return (0 if well else 1), {**found, **ends, "problems": [] if well else ["rows do not come"]}

    def prepare(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> tuple[int, dict[str, Any]]:
        if not self.alive:
            return 1, {"outcome": "failed", "problems": ["the source does not answer"]}
        if self.follows != to or self.failing("prepare"):
            return self.refused(f"the {to} has no subscription")
        for end, open_ in ((old, True), (new, False)):
            if not end.gated:
                end.gated, end.writes = True, open_
        return 0, {"outcome": "done", "changed": []}

    def switch(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> tuple[int, dict[str, Any]]:
        if not self.alive:
            return 1, {"outcome": "failed", "problems": ["one end does not answer"]}
        handed = not old.writes and old.gated and old.handed == old.epoch
        if not (new.gated and new.writes and new.epoch == epoch == old.epoch and handed):
            if new.gated and new.writes:
                return self.refused(f"{to} writes already")
            if not (handed and epoch >= max(old.epoch, new.epoch)):
                if epoch < max(old.epoch, new.epoch) or epoch < 1:
                    return self.refused(f"epoch {epoch} is late")
                code, found = self.prepare(old, new, was, to, epoch, words)
                if code:
                    if old.gated and not old.writes:
                        self._undo(old, epoch)
                    return code, found
                if "--word" in words and old.writes:
                    # The desk hears it, and acts, while the job waits.
                    self.say(f"{READY}: waits")
                    if self.failing("word"):
                        return 137, {}
                    if not self.stopped(was, epoch):
                        return self.refused("no agent has heard: nothing was stopped")
                old.epoch, old.writes = epoch, False
                if self.failing("shut"):
                    self._undo(old, epoch)
                    return 1, {"outcome": "failed", "problems": ["sessions do not go; the source writes again"]}
                new.rows |= old.rows
                if self.failing("rows"):
                    self._undo(old, epoch)
                    return 1, {"outcome": "failed", "problems": ["not confirmed; the source writes again"]}
                old.handed = epoch
            old.epoch, old.handed = epoch, epoch
            if self.failing("handed"):
                return 1, {"outcome": "failed", "problems": ["the connection broke"]}
            self.follows = None
            self.tick()
            assert new.rows >= old.rows, f"{to} is opened without all rows"
            new.epoch, new.writes = epoch, True
        self.tick()
        self.follows = was
        seen = {"open": self.leased(to)} if "--word" in words else {}
        return 0, {"outcome": "done", "changed": [f"opened {to}"], "closed_seconds": 0.5, "problems": [], **seen}

    def _undo(self, old: End, epoch: int) -> None:
        self.tick()
        old.epoch, old.writes, old.handed = epoch, True, None

    def back_out(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> tuple[int, dict[str, Any]]:
        if not old.gated or old.writes:
            return 0, {"outcome": "done", "changed": []}
        if new.writes:
            return self.refused(f"{to} writes")
        if old.handed == old.epoch:
            return self.refused(f"{was} was handed over")
        self._undo(old, epoch)
        return 0, {"outcome": "done", "changed": [f"opened {was} again"]}

    def promote(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> tuple[int, dict[str, Any]]:
        begun = new.gated and new.taken == new.epoch == epoch
        if not begun:
            if new.gated and (new.writes or epoch < new.epoch):
                return self.refused("late, or it writes")
            if self.follows != to:
                return self.refused("no subscription")
            if self.alive and "--although-it-answers" not in words:
                return self.refused("the source answers: `switch` loses nothing")
            new.gated, new.writes, new.epoch, new.taken = True, False, epoch, epoch
            if self.failing("parted"):
                return 1, {"outcome": "failed", "problems": ["the connection broke"]}
        self.follows = None
        self.tick()
        self.lost = self.acknowledged - new.rows
        self.two = True
        new.writes = True
        newest = {"stamp": "2026-11-30 12:00:00+00", "age_seconds": 130.0}
        return 0, {"outcome": "done", "changed": [f"opened {to}"], "newest": newest, "left": ["its slot holds WAL"]}

    def rejoin(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> tuple[int, dict[str, Any]]:
        """`to` writes; `was` is to follow it."""
        if not (new.gated and new.writes and new.epoch == epoch):
            return self.refused(f"{to} does not write in epoch {epoch}")
        if not self.alive:
            return 1, {"outcome": "failed", "problems": ["it does not answer"]}
        if self.follows != was:
            old.gated, old.writes, old.epoch, old.handed = True, False, epoch, None
            self.two = False
            alone = old.rows - new.rows
            if alone and "--anew" not in words:
                return self.refused(f"{was} has what no other has, {len(alone)} inserted in public.orders; it is shut")
            self.lost |= alone
            self.tick()
            old.rows = set(new.rows)
            self.follows = was
        return 0, {"outcome": "done", "changed": [f"{was} follows"], "problems": []}

    def set_up(self, *_: Any) -> tuple[int, dict[str, Any]]:
        if self.slot == "lost" or self.follows is None:
            return self.refused("the slot is lost")
        self.tick()
        self.disabled = False
        return 0, {"outcome": "done", "changed": ["enabled"], "copied": True}

    def reseed(self, *_: Any) -> tuple[int, dict[str, Any]]:
        follower = "aws" if self.ends["gcp"].gated and self.ends["gcp"].writes else "gcp"
        writer, end = self.ends["gcp" if follower == "aws" else "aws"], self.ends[follower]
        assert not (end.gated and end.writes), "the writer is emptied"
        if self.follows == follower and self.slot == "reserved":
            return self.refused("nothing calls for it")
        self.follows = None
        self.tick()
        end.gated, end.writes, end.rows = True, False, set()
        self.tick()
        end.rows, self.follows, self.slot, self.disabled = set(writer.rows), follower, "reserved", False
        return 0, {"outcome": "done", "changed": ["copied"], "copied": True}

    def compare(self, *_: Any) -> tuple[int, dict[str, Any]]:
        home, away = (self.ends[site].rows for site in ("aws", "gcp"))
        found: dict[str, Any] = {
            "outcome": "done",
            "rows": len(home & away),
            "moving": [],
            "unjudged": {},
            "unread": [],
        }
        if self.differs:
            problems = ["public.orders differs between source and target: 1 rows (1 not the same), of key 7"]
            return 1, {**found, "equal": [], "divergent": ["public.orders"], "problems": problems}
        return 0, {**found, "equal": ["public.orders"], "divergent": [], "problems": []} | self.partly

    # kubectl.

    def kubectl(self, context: str, words: tuple[str, ...], stdin: str) -> str:
        site = "aws" if context == "eks" else "gcp"
        if site == "aws" and not self.alive:
            raise Unreachable("the cluster at aws", "the cluster does not answer")
        verb, what = words[0], words[1]
        if verb == "get" and what == "cronjob":
            container = {"name": "logical", "command": ["sh"], "args": ["python3", "-m", PROGRAM, "look"]}
            return json.dumps({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [container]}}}}}})
        if verb == "get" and what == "jobs":
            return json.dumps({"items": []})
        if verb == "create":
            made = json.loads(stdin)
            args = made["spec"]["template"]["spec"]["containers"][0]["args"]
            assert args[:3] == ["python3", "-m", PROGRAM]
            code, found = self.verb(args[3:])
            self.jobs[made["metadata"]["name"]] = code, json.dumps(found)
            return ""
        if verb == "get" and what == "pods":
            code = self.jobs[words[3].removeprefix("job-name=")][0]
            state = {"state": {"terminated": {"exitCode": code}}}
            return json.dumps({"items": [{"status": {"containerStatuses": [state]}}]})
        if verb == "logs":
            return "a line of progress\n" + self.jobs[what.removeprefix("job/")][1]
        if verb == "delete":
            return ""
        return self.pods(site, verb, words)

    def pods(self, site: str, verb: str, words: tuple[str, ...]) -> str:
        if verb == "get":
            status = {
                "observedGeneration": 1,
                **dict.fromkeys(("updatedReplicas", "replicas", "availableReplicas"), self.replicas[site]),
            }
            one = {"metadata": {"name": "crm", "generation": 1}, "spec": {"replicas": self.replicas[site]}}
            return json.dumps({"items": [{**one, "status": status}]})
        self.tick()
        if verb == "scale":
            self.replicas[site] = int(words[2].removeprefix("--replicas="))
            assert site == "aws" or not self.replicas[site] or self.nodes, "pods without nodes"
        elif words[1] == "configmap":
            self.roles[site] = json.loads(words[4].removeprefix("--patch="))["data"]["ROLE"]
            if self.roles[site] == "writer":
                assert self.ends[site].writes, f"pods of {site} begin as writers, and its database is shut"
        else:
            self.marks[site] = words[3]
        self.tick()
        return ""

    # Clouds and users.

    def writer(self) -> str:
        """Whose /writer answers 200."""
        for site in ("aws", "gcp"):
            if not self.leased(site):
                continue  # its agent answers
            told = self.roles[site] == "writer" or (site == "aws" and HOME not in self.inventory.workloads)
            if self.ends[site].writes and told and self.replicas[site] and (site == "gcp" or self.alive):
                return site
        return ""

    def world_of_clouds(self) -> Clouds:
        clouds = self.clouds

        def sized(body: Any) -> dict[str, Any]:
            self.tick()
            self.nodes = 2 * body["nodeCount"]
            for zone in "ab":
                clouds.google[clouds_world.GROUP.format(pool="serving", zone=zone)] = {"targetSize": body["nodeCount"]}
            return {"name": "operation-1"}

        clouds.google[f"{clouds_world.CLUSTER}/nodePools/serving:setSize"] = sized
        world = clouds.world()
        model, answers = self, world.cloudflare

        class Pools:
            def get(self, path: str, **query: Any) -> Any:
                if path.endswith("/health") and "id-notice" not in path:
                    well = model.writer() == path.split("/")[-2].removeprefix("id-")
                    return clouds_world.health(well, well, well)
                return answers.get(path, **query)

            def items(self, path: str, **query: Any) -> Any:
                return self.get(path)

        return replace(world, cloudflare=Pools())

    def page(self, url: str, name: str, address: str) -> Page:
        asked, known = url.split("/")[2], self.inventory.names[0]
        origins = {aws_gcp_world.ORIGINS[site]: (f"crm-{site}.example.com", site) for site in ("aws", "gcp")}
        if not address and asked != known.fqdn:
            return Page(0, words=f"{asked} does not resolve here: nobody gave it a record", silent=False)
        host, site = origins[address] if address else (asked, self.writer())
        if (name or asked) != host:
            return Page(0, words=f"it answers, but not as it should over TLS: no certificate for {name}", silent=False)
        if not site or (site == "aws" and not self.alive) or not self.replicas[site]:
            return Page(0, words="cannot connect: timed out")
        return Page(200, f"<p>served by site {site}</p>")

    def world(self) -> LogicalWorld:
        def registers(without: Collection[str]) -> Registers:
            gone = [place in without for place in self.inventory.registers]
            if not self.alive:
                assert gone == [place == PLACES[0] for place in self.inventory.registers], "the dead region was asked"
            return Registers(
                Unasked("s3", "dead") if out else one for out, one in zip(gone, self.registers, strict=True)
            )

        def worker(say: Callable[[str], None]) -> ClusterWorker:
            self.say = say
            return ClusterWorker(JOB, 0.0, PROGRAM, say)

        store: Any = self.store
        eyes = Eyes("aws", "gcp", "", self.page)
        return LogicalWorld(store, self.inventory, self.world_of_clouds(), worker, registers, eyes)

    def state(self) -> Any:
        """What must be the same however often it was killed."""
        shown = {
            site: (end.writes, end.gated, self.two or end.rows >= self.acknowledged - self.lost)
            for site, end in self.ends.items()
        }
        return copy.deepcopy((shown, self.follows, self.roles["gcp"], self.replicas, self.nodes, self.writer()))


def install(patch: Any, model: Callable[[], Model]) -> None:
    """Have what the desk uses be the model's."""
    import time

    from operations.moves import command
    from operations.moves.logical import hands

    def run(self: Any, *words: str, stdin: str = "") -> str:
        return model().kubectl(self._context, words, stdin)

    patch.setattr(raising, "ThreadPoolExecutor", InTurn)
    patch.setattr(Kubectl, "run", run)
    patch.setattr(time, "sleep", lambda seconds: model().sleep(seconds))
    patch.setattr(hands, "clock", lambda: model().clock)
    patch.setattr(command, "_keep", lambda *_: None)
