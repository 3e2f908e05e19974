"""The real engine with the lab's stand-ins, recorded only or with a box that has no machines."""

import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.client import SOCKET_VARIABLE, LabError
from lab.daemon import Server
from lab.methods import Methods
from lab.model import World
from lab.providers.framework.lateness import SEED_VARIABLE
from lab.providers.install import install
from lab.state import State
from operations.review.warm import warmed
from tests.engine.ssh_host import Host, serve
from tests.real_pulumi import PYTHON, Desk

REGION = "ap-northeast-2"
LONGEST = (
    "test_topology_aws_azure", "test_topology_onprem_aws", "test_topology_aws_gcp", "test_traffic_world", "test_kit",
)  # fmt: skip
"""Files that begin first, so that no worker ends with one of them when the others have nothing left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def provider_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PULUMI_HOME with every stand-in; only its plugins are shared between tests."""
    home = tmp_path_factory.mktemp("plugins")
    install(home)
    return home


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual environment whose programs begin with the SDKs imported, as a review's do (ADR 55)."""
    place = tmp_path_factory.mktemp("warm")
    with warmed(PYTHON, place / "environment", place / "known") as environment:
        yield environment


@pytest.fixture
def desk(tmp_path: Path, pulumi_tools: Path, warm: Path, request: pytest.FixtureRequest) -> Desk:
    """Its programs begin warm, but for modules marked `cold`; those of templates and states of before are cold, too."""
    return Desk(tmp_path, pulumi_tools, python=PYTHON if request.node.get_closest_marker("cold") else warm)


def late() -> dict[str, str]:
    """Environment of a stack in whose clouds things are late by times that differ from run to run. Each `up` says the
    seed; the same one in the test's own environment draws the same times again."""
    return {SEED_VARIABLE: os.environ.get(SEED_VARIABLE) or str(secrets.randbelow(10**6))}


@dataclass
class Stack:
    """One project with a stack `test` on stand-ins."""

    desk: Desk
    folder: Path

    def program(self, text: str) -> None:
        """Replace the program."""
        import textwrap

        (self.folder / "__main__.py").write_text(textwrap.dedent(text))

    def config(self, key: str, value: str) -> None:
        """What `pulumi config set` of one plain value writes: of those commands there are hundreds."""
        (file,) = self.folder.glob("Pulumi.*.yaml")
        known = yaml.safe_load(file.read_text())
        project = yaml.safe_load((self.folder / "Pulumi.yaml").read_text())["name"]
        known.setdefault("config", {})[key if ":" in key else f"{project}:{key}"] = value
        file.write_text(yaml.safe_dump(known))

    def run(self, *words: str) -> tuple[int, str]:
        """(exit code, output) of `pulumi WORDS…`."""
        done = self.desk.run(self.folder, *words)
        return done.returncode, done.stdout

    def up(self, *words: str) -> str:
        return self.desk.must(self.folder, "up", "--yes", "--skip-preview", *words)

    def must(self, *words: str) -> str:
        return self.desk.must(self.folder, *words)

    def steps(self, *words: str) -> dict[str, str]:
        """What a preview would do: resource name → operation; unchanged ones are left out."""
        said = self.must("preview", "--json", *words)
        plan = json.loads(said[said.index("{") :])
        return {
            step["urn"].rpartition("::")[2]: step["op"]
            for step in plan["steps"]
            if step["op"] != "same" and "pulumi:pulumi:Stack" not in step["urn"]
        }

    def without(self, file: str, *waits: tuple[str, str]) -> None:
        """The product without one of its waits: the tree's rooms as a copy, with (text, other text) in `file`."""
        for room in ("components", "stacks"):
            if (self.folder / room).is_symlink():
                tree = (self.folder / room).resolve()
                (self.folder / room).unlink()
                shutil.copytree(tree, self.folder / room, ignore=shutil.ignore_patterns("__pycache__"))
        text = (self.folder / file).read_text()
        for old, new in waits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.folder / file).write_text(text)

    def state(self) -> dict[str, Any]:
        """Name → resource of the state, secrets as the engine keeps them. The latest of each name that is alive."""
        said = self.must("stack", "export")
        found = json.loads(said)["deployment"].get("resources", [])
        return {one["urn"].rpartition("::")[2]: one for one in found if not one.get("delete")}

    def outputs(self) -> dict[str, Any]:
        """Stack outputs with secrets shown."""
        said = self.must("stack", "output", "--json", "--show-secrets")
        found: dict[str, Any] = json.loads(said)
        return found


def make_stack(desk: Desk, home: Path, name: str, program: str) -> Stack:
    """A project whose engine finds the stand-ins."""
    plugins = desk.folder / "home" / "plugins"
    if not plugins.exists():
        plugins.symlink_to(home / "plugins")
    stack = Stack(desk, desk.project(name, program))
    stack.config("aws:region", REGION)
    return stack


@pytest.fixture
def stack(desk: Desk, provider_home: Path) -> Stack:
    """Recorded only: there is no box."""
    desk.checkpoints = False
    return make_stack(desk, provider_home, "recorded", "")


@dataclass
class EmptyBox:
    """Takes every world and keeps it; has no machines. `refuse` makes the next apply fail with that sentence."""

    worlds: list[World] = field(default_factory=list)
    refuse: str = ""
    hold: threading.Event = field(default_factory=threading.Event)
    holding: threading.Event = field(default_factory=threading.Event)
    hold_when: str = ""
    """Prefix of an id: an apply whose world has such a machine, volume or interface sets `holding`, then waits."""

    def apply(self, world: World) -> None:
        self.worlds.append(world)
        held = [one.id for one in (*world.machines, *world.volumes, *world.interfaces) if self.hold_when]
        if any(one.startswith(self.hold_when) for one in held):
            self.holding.set()
            assert self.hold.wait(60), "nobody let the held apply go"
        if self.refuse:
            raise LabError(self.refuse)

    def machine_state(self, identity: str) -> dict[str, Any]:
        running = {one.id: one.running for one in self.worlds[-1].machines}
        return {"running": running.get(identity, False), "booted": True, "leader_pid": 1, "address": ""}

    def vpc_namespace(self, vpc: str) -> str:
        """Asked for whenever somebody looks at a machine: a gate that says what it waits for, on a slow day."""
        return f"nowhere-{vpc}"

    def site_machines(self) -> tuple[str, ...]:
        return ()

    def links(self) -> tuple[str, ...]:
        return ()


@dataclass
class LiveStack(Stack):
    """A stack whose stand-ins talk to a daemon, whose box has no machines."""

    box: EmptyBox
    memory: State
    dark: bool = False
    """Whether AWS is down."""
    dark_places: tuple[str, ...] = ()
    """Regions and clusters' contexts that are."""
    objects: dict[str, int] = field(default_factory=dict)
    """How many each of Google's buckets holds."""

    @property
    def world(self) -> World:
        """What should exist now."""
        return self.memory.world()[0]


@pytest.fixture
def live(desk: Desk, provider_home: Path) -> Iterator[LiveStack]:
    box, memory = EmptyBox(), State(desk.folder / "state.json", "box-1")
    made: list[LiveStack] = []
    methods = Methods(
        memory,
        box,  # type: ignore[arg-type]
        is_dark=lambda package, place: made[0].dark or place in made[0].dark_places,
        shelf=lambda context: "@gke" if context == "gke" else "",  # of the second of two clusters
        objects=lambda bucket: made[0].objects.get(bucket, 0),
    )
    server = Server(desk.folder / "box.sock", methods)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    desk.extra[SOCKET_VARIABLE] = str(desk.folder / "box.sock")
    stack = make_stack(desk, provider_home, "live", "")
    made.append(LiveStack(stack.desk, stack.folder, box, memory))
    yield made[0]
    box.hold.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with serve(tmp_path / "host") as running:
        yield running
