"""`twinsite review` of a project outside the tree that has the wheel: by the real engine, on stand-ins, from git."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .conftest import Stack

TREE = Path(__file__).resolve().parents[2]
PROGRAM = """\
import pulumi_aws as aws
from twinsite import GuestStore

store = GuestStore("own", {"region": "eu-central-1"})
bucket = aws.s3.Bucket("reports")
weight = aws.route53.RecordWeightedRoutingPolicyArgs(weight=1)
aws.route53.Record("shop", zone_id="Z0123", name="shop.example.com", type="A", ttl=60, records=["192.0.2.1"],
    set_identifier="one", weighted_routing_policies=[weight])
"""
STACK = "config:\n  aws:region: eu-central-1\n  own:password:\n    secure: v1:of-a-passphrase-that-nobody-here-has\n"


@dataclass
class Own:
    """A user's project with a virtual environment and a history."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def commit(self, program: str, text: str = STACK) -> None:
        (self.folder / "__main__.py").write_text(program)
        (self.folder / "Pulumi.prod.yaml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")

    def git(self, *words: str) -> None:
        named = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
        subprocess.run(["git", *named, *words], cwd=self.folder, check=True, env={**self.environment, "HOME": "/"})

    def review(self, *words: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error)."""
        command = [self.folder / ".venv" / "bin" / "python", "-m", "twinsite.operations", "review", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def kept(self) -> list[Path]:
        """States of base."""
        return sorted((self.folder.parent / "cache" / "review" / "states").iterdir())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What installing the wheel makes."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=TREE, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def own(tmp_path: Path, site: Path, provider_home: Path, pulumi_tools: Path) -> Own:
    """On branch `change`, which has left main and changed nothing yet."""
    folder = tmp_path / "own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    (packages,) = (folder / ".venv").glob("lib/python3*/site-packages")
    # What is installed beside it; a file of paths in there, which would lead to the tree, is not read from here.
    (packages / "beside.pth").write_text(f"{site}\n{sysconfig.get_paths()['purelib']}\n")
    (folder / ".gitignore").write_text(".venv\n__pycache__\n")
    (folder / "Pulumi.yaml").write_text("name: own\nruntime: {name: python, options: {virtualenv: .venv}}\n")
    made = Own(folder)
    made.environment = {
        "PATH": f"{pulumi_tools}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TWINSITE_CACHE": str(tmp_path / "cache"),
        "TWINSITE_STAND_INS": str(provider_home),
    }
    made.git("init", "-q", "-b", "main")
    made.commit(PROGRAM)
    made.git("checkout", "-q", "-b", "change")
    return made


def test_a_change_is_reviewed_without_an_account_and_base_comes_up_once(own: Own) -> None:
    worse = PROGRAM.replace("ttl=60", "ttl=300").replace('bucket = aws.s3.Bucket("reports")\n', "")
    own.commit(worse)
    code, told, errors = own.review("--json", "--sarif", "found.sarif")
    assert code == 1, errors
    found = json.loads(told)
    (one,) = found["combinations"]
    changes: dict[str, Any] = {change["name"]: change for change in one["told"]["changes"]}
    assert {name: change["op"] for name, change in changes.items()} == {"reports": "delete", "shop": "update"}
    assert changes["reports"]["stateful"]
    assert changes["shop"]["properties"] == [{"path": "ttl", "old": "60", "new": "300", "forces": False}]
    refused = {violation["policy"] for violation in one["told"]["violations"] if not violation["before"]}
    assert refused == {"ttl-over-60"}
    assert any("data are lost with reports" in reason for reason in found["reasons"])
    assert any("no secret is read (1 are)" in note for note in found["notes"])
    sarif = json.loads((own.folder / "found.sarif").read_text())
    assert {one["ruleId"] for one in sarif["runs"][0]["results"]} >= {"ttl-over-60", "data-lost"}
    kept = own.kept()

    own.commit("# a comment\n" + PROGRAM)
    code, told, errors = own.review()
    assert "Nothing changes in `prod`." in told, told + errors
    assert code == 0, errors
    assert len(kept) == 2, "base, and the first head made anew"
    assert set(kept) < set(own.kept()) and len(own.kept()) == 3, "of the second review only its head is new"


def test_what_is_ignored_once_it_is_set_is_judged_as_a_new_stack_would_get_it(own: Own) -> None:
    ignoring = "import pulumi\n" + PROGRAM.replace(
        "policies=[weight])", 'policies=[weight],\n    opts=pulumi.ResourceOptions(ignore_changes=["ttl"]))'
    )
    own.commit(ignoring)
    own.git("branch", "-f", "main")
    own.commit(ignoring.replace("ttl=60", "ttl=300"))
    code, told, errors = own.review("--json")
    assert code == 1, errors
    (one,) = json.loads(told)["combinations"]
    assert one["told"]["changes"] == []
    found = [(violation["policy"], violation["anew"], violation["before"]) for violation in one["told"]["violations"]]
    assert found == [("ttl-over-60", True, False)]


def test_a_program_that_refuses_and_a_plugin_that_is_lacking_are_told_apart(own: Own) -> None:
    own.commit(PROGRAM.replace("ttl=60", "ttle=60"))
    code, told, errors = own.review()
    assert (code, "`up` would fail" in told) == (1, True), told + errors
    own.commit("import pulumi\nclass Ours(pulumi.CustomResource):\n    pass\nOurs('oracle:db/one:One', 'one')\n")
    code, told, errors = own.review()
    assert (code, "⚠️ **Could not be reviewed.**" in told) == (2, True), told + errors


def test_without_stand_ins_it_says_where_they_are(own: Own) -> None:
    del own.environment["TWINSITE_STAND_INS"]
    code, told, errors = own.review()
    assert (code, told) == (2, "")
    assert "--stand-ins FOLDER" in errors and "--account" in errors


def test_with_an_account_the_preview_is_judged_against_what_is_up(stack: Stack) -> None:
    stack.program(PROGRAM)
    stack.up()
    stack.program(PROGRAM.replace("ttl=60", "ttl=300"))
    for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=n", "-c", "user.email=n@e", "commit", "-qm", "one")):
        subprocess.run(["git", *words], cwd=stack.folder, check=True)
    environment = {**stack.desk.environment(), "PYTHONPATH": str(TREE)}
    command = [sys.executable, "-m", "operations", "review", "--account", "--json"]
    done = subprocess.run(command, cwd=stack.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    (one,) = found["combinations"]
    assert [(change["op"], change["name"]) for change in one["told"]["changes"]] == [("update", "shop")]
    assert found["reasons"] == ["test: policy ttl-over-60 refuses shop"]
    assert (found["base"], found["ground"]) == ("what is up", "previewed with credentials")


def test_the_engine_writes_no_log_of_its_own_where_a_file_is_in_the_place_of_its_folder(stack: Stack) -> None:
    logs = stack.desk.folder / "home" / "logs"
    stack.up()
    assert logs.read_bytes() == b""
    logs.unlink()
    stack.up()
    assert sum(one.stat().st_size for one in logs.iterdir()) > 0, "otherwise the file is there for nothing"
