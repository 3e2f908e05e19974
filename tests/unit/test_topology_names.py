"""Nothing outside a topology's own package, scene, template and page knows its name, or one of its sites' names.

Who still does stands below, with how often; the list may only shrink.
"""

import ast
import re
from pathlib import Path

from stacks import TOPOLOGIES

from .test_house import TREE, name, tracked

OWN = (
    "docs/",
    "lab/scenes/",
    "policies/",
    "templates/",
    "tests/",
    *(f"stacks/{one.replace('-', '_')}/" for one in TOPOLOGIES),
)
"""Policies are files for an account's owner, per topology; tests show something of one."""

STILL = {
    "benchmarks/cold_warm.py": 1,
    "benchmarks/dr_lab.py": 1,
    "benchmarks/preview.py": 2,
    "benchmarks/programs/pairs.py": 5,
    "benchmarks/recovery.py": 1,
    "benchmarks/registry.py": 1,
    "components/rules/tunnel.py": 1,
    "components/tunnel/strongswan_tunnel.py": 1,
    "operations/doctor/offers.py": 1,
}
"""File → how often it names a topology. Benchmarks measure one; the tunnel's own name is on machines that exist."""

SITES_STILL: dict[str, int] = {}
"""File → how often it decides on a site's name."""


def looked_at() -> list[Path]:
    return [
        path
        for path in tracked()
        if not name(path).startswith(OWN) and path.suffix != ".md" and not re.fullmatch(r"Pulumi\.\w+\.yaml", path.name)
    ]


def names_of(topologies: tuple[str, ...]) -> re.Pattern[str]:
    """Each of them as it is written, in a Python name, and in a class's name."""
    return re.compile(
        "|".join("[-_]?".join(re.escape(word) for word in one.split("-")) for one in topologies), re.IGNORECASE
    )


COMPONENTS = sorted(set(re.findall(r"import (\w+) as", (TREE / "components" / "__init__.pyi").read_text())))
"""What the library offers. One of them may begin with a topology's name, for it joins the same two clouds."""


def without_components(text: str) -> str:
    """The text without components' names, however they are written; a topology's name alone stays."""
    longer = ["-".join(re.findall("[A-Z][a-z0-9]*", one)) for one in COMPONENTS]
    begun = tuple(one for one in longer if one.lower().startswith(tuple(f"{topology}-" for topology in TOPOLOGIES)))
    return names_of(begun).sub("", text) if begun else text


def test_no_other_file_names_a_topology() -> None:
    pattern = names_of(TOPOLOGIES)
    found = {
        name(path): len(pattern.findall(without_components(path.read_text(errors="ignore")))) for path in looked_at()
    }
    assert {path: count for path, count in found.items() if count > STILL.get(path, 0)} == {}
    gone = {path: count for path, count in STILL.items() if found.get(path, 0) < count}
    assert gone == {}, "better than the list: shorten it"


def test_a_name_is_seen_however_it_is_written() -> None:
    written = "onprem-aws onprem_aws OnpremAws ONPREM_AWS aws_azure_estimate aws azure"
    assert names_of(("onprem-aws", "aws-azure")).findall(written) == [
        "onprem-aws", "onprem_aws", "OnpremAws", "ONPREM_AWS", "aws_azure",
    ]  # fmt: skip


def test_a_component_may_begin_with_a_topologys_name_and_nothing_else_may() -> None:
    pattern = names_of(TOPOLOGIES)
    for words in ("AwsGcpVpn", "AwsGcpVpnIntent", "aws_gcp_vpn.py", "aws-gcp-vpn.md"):
        assert pattern.findall(without_components(words)) == []
    for words in ("aws-gcp", "aws_gcp", "AwsGcp", "aws_gcp_estimate", 'NAME = "aws-gcp"', "AwsAzureVpn", "aws-gcp vpn"):
        assert len(pattern.findall(without_components(words))) == 1


SITES = {"onprem", "aws", "azure", "gcp"}


def decisions(tree: ast.AST) -> int:
    """How often a value is compared with a site's name, or looked up in a table of sites by name."""
    found = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            found += sum(is_site(one) for side in (node.left, *node.comparators) for one in [side, *parts(side)])
        elif isinstance(node, ast.Dict):
            found += any(is_site(key) for key in node.keys if key) and not any(
                is_provider(value) for value in node.values
            )
    return found


def parts(node: ast.AST) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else []


def is_site(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in SITES


def is_provider(node: ast.AST) -> bool:
    """A file's ending by cloud is no site."""
    return isinstance(node, ast.Constant)


def test_nothing_else_decides_on_a_sites_name() -> None:
    rooms = ("operations/", "scripts/", "benchmarks/", "stacks/", "__main__.py")
    files = [path for path in looked_at() if path.suffix == ".py" and name(path).startswith(rooms)]
    found = {name(path): decisions(ast.parse(path.read_text())) for path in files}
    assert {path: count for path, count in found.items() if count > SITES_STILL.get(path, 0)} == {}
    assert {path for path, count in SITES_STILL.items() if found.get(path, 0) < count} == set(), "shorten the list"


def test_a_decision_on_a_site_is_seen() -> None:
    said = 'site == "azure"; site in ("aws", "onprem"); x = {"aws": ("aws",)}; y = {"aws": "json"}; Config("aws")'
    assert decisions(ast.parse(said)) == 4
