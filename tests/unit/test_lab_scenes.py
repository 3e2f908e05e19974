"""Scenes: each topology in one place, and its name and its sites' nowhere else in the lab."""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab import cli, scenes
from lab.client import LabError
from lab.operator import stack
from lab.operator.desk import Desk
from lab.paths import TREE, Paths
from lab.scenes import Site, named
from lab.services.credentials import operator_credentials
from lab.tour import __main__ as tour
from tests.unit.test_house import tracked

LEFT = {
    "benchmarks/dr_lab.py": {"aws_azure": "measures stack dr, and asks its scene"},
    "benchmarks/cold_warm.py": {"aws_azure": "the same"},
    "benchmarks/preview.py": {
        "aws_azure": "measures the stacks of the tree one by one, and asks their scenes",
        "aws_gcp": "the same",
    },
    "benchmarks/recovery.py": {"onprem_aws": "measures the tunnel, and asks its scene for the sites"},
    "benchmarks/programs/pairs.py": {"onprem_aws": "a Pulumi program that builds this topology many times"},
    "benchmarks/registry.py": {"aws-azure": "what the list of benchmarks says to a person"},
    "lab/stage.py": {"'aws'": "a key of `lab status`: a cloud's stand-in", "'azure'": "the same"},
    "lab/lifecycle.py": {"'aws'": "reads that key"},
}
"""File → what it names → why it may. This list may only become shorter."""

SITES = sorted({site.name for name in scenes.names() for site in named(name).sites})


def found_in(text: str, is_python: bool) -> set[str]:
    """Topologies named anywhere in a file, in prose, too, and strings that are nothing but a site's name (quoted)."""
    words = "|".join(re.escape(name).replace(r"\-", "[-_]") for name in scenes.names())
    found = set(re.findall(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])", text, re.IGNORECASE))
    if is_python:
        strings = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
        found |= {f"'{value}'" for value in strings if value in SITES}
    return found


def others() -> Iterator[Path]:
    """All of lab/ and benchmarks/ but scenes. Providers are named for clouds, as their packages are: only topologies
    are looked for there."""
    for path in tracked():
        inside = any(path.is_relative_to(TREE / room) for room in ("lab", "benchmarks"))
        if inside and not path.is_relative_to(TREE / "lab" / "scenes"):
            yield path


def test_outside_scenes_no_file_of_the_lab_and_the_benchmarks_names_a_topology_or_a_site() -> None:
    found = {}
    for path in others():
        python = path.suffix == ".py" and not path.is_relative_to(TREE / "lab" / "providers")
        if names := found_in(path.read_text(errors="ignore"), python):
            found[str(path.relative_to(TREE))] = names
    assert found == {file: set(why) for file, why in LEFT.items()}


def test_the_search_sees_every_form_of_a_name() -> None:
    text = 'from stacks import onprem_aws\nAWS_AZURE = "aws-azure"  # onprem-aws\nwhere = ["azure", "of aws"]\n'
    assert found_in(text, is_python=True) == {"onprem_aws", "AWS_AZURE", "aws-azure", "onprem-aws", "'azure'"}
    assert found_in("no site aws here\n", is_python=False) == set()


@pytest.mark.parametrize("topology", scenes.names())
def test_a_scene_has_its_modules_name_a_stack_of_the_tree_and_a_first_site_that_can_go_dark(topology: str) -> None:
    scene = named(topology)
    assert scene.topology == topology
    assert (TREE / f"Pulumi.{scene.stack}.yaml").exists()
    assert scene.site() is scene.sites[0]


def test_a_site_that_cannot_go_dark_is_refused_with_those_that_can() -> None:
    with pytest.raises(LabError, match=r"no site 'azure' of aws-azure can go dark in this lab; these can: aws$"):
        named("aws-azure").site("azure")
    with pytest.raises(LabError, match=r"no site 'moon' of onprem-aws .* these can: aws, onprem$"):
        named("onprem-aws").site("moon")


def test_two_regions_of_one_provider_and_two_clusters_go_dark_apart() -> None:
    seoul = Site("seoul", {"aws": ("ap-northeast-2",), "kubernetes": ("eks",)})
    asked = [("aws", "ap-northeast-2"), ("aws", "ap-northeast-1"), ("kubernetes", "eks"), ("kubernetes", "gke")]
    assert [seoul.has(*one) for one in asked] == [True, False, True, False]
    whole = Site("aws", {"aws": ()})
    assert whole.has("aws", "ap-northeast-1")
    assert not whole.has("gcp", "asia-northeast3")


def test_an_unknown_topology_is_refused_with_what_there_is() -> None:
    with pytest.raises(LabError, match="no scene of topology 'moon'; it has onprem-aws, aws-azure, aws-gcp"):
        named("moon")


TINY = """
    from lab.scenes import Scene, Site

    def options(parser):
        parser.add_argument("--tide", default="low", help="moon-mars: how far")

    SCENE = Scene(
        topology="moon-mars", stack="moon", sites=(Site("mars", {"rocket": ()}), Site("moon")),
        settings=lambda given: {"crater": "tycho", "rocket:fuel": given.passwords["captain"]},
        secrets=lambda given: {}, passwords=("captain",), options=options,
        tell=lambda tour, chosen: {"topology": "moon-mars", "verdict": "passed", "figures": {"tide": chosen.tide}},
    )
"""


@pytest.fixture
def moon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more topology: one more file."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    (folder / "moon_mars.py").write_text(textwrap.dedent(TINY))
    monkeypatch.setattr(scenes, "__path__", [*scenes.__path__, str(folder)])


@pytest.mark.usefixtures("moon")
def test_a_new_topology_is_one_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["up", "--help"])
    assert "{onprem-aws,aws-azure,aws-gcp,moon-mars}" in capsys.readouterr().out
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "cache"))
    result = tour.whole(tour._parser().parse_args(["--topology", "moon-mars", "--tide", "high", "--keep"]))
    assert (result["verdict"], result["figures"]["tide"]) == ("passed", "high")


@pytest.mark.usefixtures("moon")
def test_the_desk_makes_a_new_scenes_stack_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(Paths(tmp_path / "run"), live=False)
    monkeypatch.setattr(desk, "_must", lambda *words, **more: None)
    scene = named("moon-mars")
    desk.prepare_identity(scene, operator_credentials())
    desk.prepare(scene, "box-1", "ami-1")
    config = yaml.safe_load((desk.project / "Pulumi.moon.yaml").read_text())["config"]
    assert config == {
        "lab:marker": "box-1",
        "twinsite:ground": str(stack.GROUND),
        "twinsite:crater": "tycho",
        "rocket:fuel": desk.passwords()["captain"],
    }
    assert list(desk.passwords()) == ["captain"]
    others = [yaml.safe_load(path.read_text()) for path in desk.project.glob("Pulumi.d*.yaml")]
    assert all("twinsite:crater" not in one["config"] for one in others)
