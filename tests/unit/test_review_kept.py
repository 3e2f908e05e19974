"""What of a review is kept, and when head's `up` from nothing would only say again what base's has said."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.review import asked, command, recorded, trees
from operations.review.asked import Asked
from operations.review.recorded import Ran
from operations.review.settings import StackFile
from operations.review.trees import Tree
from operations.review.words import Change, Op, Snapshot, Told

STACK = StackFile("dr", "own", {"own:zone": "z"}, {"own:word": "stand-in for own:word"}, ("cold", "warm"), "cold")
GROUND = ["stand-ins 1", "v3.259.0", "pulumi-3.272.0.dist-info"]
FILES = {
    "Pulumi.yaml": "name: own\n",
    "Pulumi.dr.yaml": "config: {own:zone: z}\n",
    "__main__.py": "import components\n",
    "components/guest/agent.py": "print('of the guest')\n",
    "components/estimate/prices.json": "{}",
    "requirements.txt": "pulumi==3.272.0\n",
}


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """On branch `change`, which has left main and changed nothing yet."""
    folder = tmp_path / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    git(folder, "checkout", "-q", "-b", "change")
    return folder


@pytest.mark.parametrize("name", [*FILES, "components/new.py"])
def test_a_change_of_any_file_that_the_program_could_read_is_another_state(project: Path, name: str) -> None:
    before = trees.head(project)
    (project / name).write_text(FILES.get(name, "") + "# changed\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "two")
    after = trees.head(project)
    assert recorded.key(GROUND, before, STACK, "cold") != recorded.key(GROUND, after, STACK, "cold")
    git(project, "revert", "--no-edit", "HEAD")
    assert recorded.key(GROUND, trees.head(project), STACK, "cold") == recorded.key(GROUND, before, STACK, "cold")


@pytest.mark.parametrize(
    ("ground", "stack", "mode"),
    [
        (["stand-ins 2", *GROUND[1:]], STACK, "cold"),
        ([*GROUND[:2], "pulumi-3.273.0.dist-info"], STACK, "cold"),
        (GROUND, replace(STACK, name="dev"), "cold"),
        (GROUND, replace(STACK, config={"own:zone": "other"}), "cold"),
        (GROUND, replace(STACK, secrets={"own:word": "another"}), "cold"),
        (GROUND, STACK, "warm"),
    ],
)
def test_so_is_a_setting_a_mode_a_package_or_a_stand_in(ground: list[str], stack: StackFile, mode: str) -> None:
    tree = Tree(Path("/nowhere"), "0123", "base")
    assert recorded.key(ground, tree, stack, mode) != recorded.key(GROUND, tree, STACK, "cold")


def test_a_judgement_is_of_one_pack_one_library_and_one_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (recorded.LIBRARY / "rules").is_dir() and (recorded.PACK / "PulumiPolicy.yaml").exists()
    for name in ("policy", "twinsite"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    monkeypatch.setattr(recorded, "PACK", tmp_path / "policy")
    monkeypatch.setattr(recorded, "LIBRARY", tmp_path / "twinsite")
    config = tmp_path / "config.json"
    config.write_text("{}")
    found = {recorded.pack(None), recorded.pack(config)}
    for changed in (config, tmp_path / "policy" / "new.py", tmp_path / "twinsite" / "rules.json"):
        changed.write_text("1")
        found.add(recorded.pack(config))
    assert len(found) == 5


@pytest.mark.parametrize(
    ("name", "text", "same"),
    [
        ("__main__.py", "# A comment.\nimport  components\n", True),
        ("__main__.py", "import components.other\n", False),
        ("components/estimate/prices.json", "{ }", False),
        ("components/new.py", "", False),
        ("components/guest/agent.py", "print('of  the guest')\n", False),
        ("components/guest/agent.py", "no Python any more (\n", False),
    ],
)
def test_two_trees_have_the_same_code_when_only_comments_differ(
    project: Path, tmp_path: Path, name: str, text: str, same: bool
) -> None:
    base = trees.base(project, "main", tmp_path / "kept")
    (base.folder / "__pycache__").mkdir()
    (base.folder / "__pycache__" / "made.pyc").write_text("")
    assert trees.same_code(base, trees.head(project))
    (project / name).write_text(text)
    assert trees.same_code(base, trees.head(project)) == same


def call(request: dict[str, Any], method: str = "ResourceMonitor/RegisterResource", **more: Any) -> str:
    """A line of the engine's log of calls."""
    return json.dumps({"method": f"/pulumirpc.{method}", "request": request, **more})


BUCKET = {"type": "aws:s3/bucket:Bucket", "name": "one", "object": {"bucket": "b"}, "dependencies": ["urn:a", "urn:b"]}


def fingerprint(**changed: Any) -> str:
    return asked.read([call({**BUCKET, **changed})]).fingerprint


def test_a_request_is_what_the_program_wants_and_not_where_it_says_so() -> None:
    same = [
        call(BUCKET),
        call(
            {**BUCKET, "dependencies": ["urn:b", "urn:a"], "sourcePosition": {"line": 7}, "stackTrace": {"frames": []}}
        ),
        call(BUCKET, response={"urn": "urn:one", "id": "of this run"}),
        call({"id": "x"}, "ResourceProvider/Create"),
        call({"tok": "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"}, "ResourceMonitor/Invoke"),
        "no call at all",
    ]
    assert len({asked.read([line, same[0]]).fingerprint for line in same}) == 1
    others = {
        fingerprint(),
        fingerprint(object={"bucket": "c"}),
        fingerprint(object={"bucket": "b", "userData": "first boot"}, ignoreChanges=["userData"]),
        fingerprint(object={"bucket": "b", "userData": "other boot"}, ignoreChanges=["userData"]),
        fingerprint(protect=True),
        fingerprint(dependencies=["urn:a"]),
        fingerprint(propertyDependencies={"bucket": {"urns": ["urn:a"]}}),
    }
    assert len(others) == 7 and "" not in others


def test_a_file_that_a_request_only_names_leaves_it_unknown() -> None:
    kind = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}
    assert fingerprint(object={"source": {**kind, "path": "guest/agent.py"}}) == ""
    assert fingerprint(object={"source": {**kind, "text": "as it is"}}) != ""
    assert asked.read([]).fingerprint == ""


def ran(fingerprint: str = "f", hooked: bool = False, **told: Any) -> Ran:
    return Ran(Told(finished=True, **told), Snapshot(1), Path("/room"), asked=Asked(fingerprint, hooked))


TOPIC = Change(Op.CREATE, "aws:sns/topic:Topic", "alarms", "urn:topic")


@pytest.mark.parametrize(
    ("base", "head", "same"),
    [
        (ran(), ran(), True),
        (ran(hooked=True), ran(hooked=True), True),
        (ran(), ran(hooked=True), False),
        (ran(), ran("g"), False),
        (ran(""), ran(""), False),
        (ran(), ran(changes=(TOPIC,)), False),
        (ran(), ran(problems=("no",)), False),
        (ran(), replace(ran(), snapshot=None), False),
    ],
)
def test_head_is_the_same_as_base_only_where_it_asked_for_the_same_and_nothing_came_of_it(
    base: Ran, head: Ran, same: bool
) -> None:
    assert head.same_as(base) == same


class Twice:
    """A recorder that counts; what it gives for base and head is made beforehand."""

    def __init__(self, base: Ran, onto: Ran) -> None:
        self.base, self.head = base, onto
        self.did: list[str] = []

    def anew(self, tree: Tree, stack: StackFile, mode: str) -> Ran:
        self.did.append(f"{tree.title} anew")
        return self.base

    def onto(self, base: Ran, was: StackFile, tree: Tree, stack: StackFile, mode: str) -> Ran:
        self.did.append(f"{tree.title} onto")
        return self.head

    def adopt(self, base: Ran, tree: Tree, stack: StackFile, mode: str) -> None:
        self.did.append("adopt")

    def judge(self, ran: Ran) -> Told:
        self.did.append("judge")
        return Told(finished=True)


ONCE = ["base anew", "head onto", "adopt", "judge"]
AGAIN = ["base anew", "head onto", "head anew", "judge"]


@pytest.mark.parametrize(
    ("onto", "same_code", "did"),
    [
        (ran(), False, ONCE),
        (ran(hooked=True), True, ONCE),
        (ran(hooked=True), False, AGAIN),
        (ran("g"), True, [*AGAIN, "judge"]),
        (ran(changes=(TOPIC,)), True, [*AGAIN, "judge"]),
    ],
)
def test_head_is_made_from_nothing_unless_that_could_say_nothing_new(
    onto: Ran, same_code: bool, did: list[str]
) -> None:
    recorder: Any = Twice(ran(hooked=onto.asked.hooked), onto)
    sides = command._Sides(recorder, Tree(Path("/b"), "1", "base"), Tree(Path("/h"), "2", "head"), same_code)
    (work,) = [one for one in command.combinations(STACK, STACK) if one.given.mode == "cold"]
    command._one(sides, work)
    assert recorder.did == did
