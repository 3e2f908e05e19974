"""The house keeps its order: who may import whom, what is never in the tree, what every folder says of itself."""

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
PRODUCT = ("__main__.py", "components", "stacks", "operations", "policy")
ROOMS = ("components", "stacks", "operations", "policy", "lab", "benchmarks", "tests")
LONGEST = 500
GENERATED = {"package-lock.json", "requirements.txt", "requirements-dev.txt", "go.sum", "go.mod", "LICENSE"}


@functools.cache
def tracked() -> list[Path]:
    """Files of the tree: committed, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    return [TREE / name for name in sorted(set(listed.stdout.split("\0"))) if name and (TREE / name).is_file()]


def python_files(*places: str) -> list[Path]:
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and any(path.is_relative_to(TREE / place) for place in places)
    ]


def name(path: Path) -> str:
    return str(path.relative_to(TREE))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_no_message_names_a_file_that_only_a_clone_has() -> None:
    """What these rooms say is said by the wheel, too: `runbook no-backup` holds for both."""
    clones = re.compile(r"(?<![\w./])docs/[\w-]|(?:\./|\b)scripts/[a-z]")
    said = [
        f"{name(path)}:{node.lineno}: {node.value.strip()[:80]}"
        for path in python_files("operations", "stacks", "components")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and clones.search(node.value)
    ]
    said += [
        f"{name(path)}: {line.strip()}"
        for path in tracked()
        if path.suffix == ".yaml" and any(path.is_relative_to(TREE / room) for room in ("stacks", "components"))
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#") and clones.search(line)
    ]
    assert said == []


@functools.cache
def imports(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, wherever in the file; the library by its folder."""
    package = list(path.relative_to(TREE).parent.parts)
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {re.sub(r"^twinsite\b", "components", module) for module in found}


def offenders(path: Path, room: str, allowed: tuple[str, ...] = ()) -> set[str]:
    """What `path` imports from `room` beyond `allowed` modules."""
    return {
        module
        for module in imports(path)
        if (module == room or module.startswith(f"{room}."))
        and not any(module == fine or module.startswith(f"{fine}.") for fine in allowed)
    }


def test_the_check_of_imports_sees_all_forms(tmp_path: Path) -> None:
    folder = TREE / "tests" / "unit"
    text = "import lab.box\nfrom lab import paths\ndef f():\n    from ..mocks import harness\n"
    probe = folder / f"probe_{os.getpid()}.py"
    probe.write_text(text)
    try:
        assert imports(probe) == {"lab.box", "lab.paths", "tests.mocks.harness"}
    finally:
        probe.unlink()
    assert tmp_path.exists()


def test_no_product_file_imports_the_lab() -> None:
    found = {name(path): offenders(path, "lab") for path in python_files(*PRODUCT)}
    assert {path: modules for path, modules in found.items() if modules} == {}


def test_no_product_file_names_the_labs_programs_or_places() -> None:
    # The word itself may appear in a sentence ("measured in the lab"); a path, variable or command may not.
    marks = re.compile(
        r"TWINSITE_LAB|twinsite-lab|scripts/lab|\blab[./]\w|203\.0\.113\.|198\.51\.100\.|/run/twinsite-lab"
    )
    files = [path for path in tracked() if any(path.is_relative_to(TREE / place) for place in PRODUCT)]
    found = [
        f"{name(path)}: {hit.group()}" for path in files for hit in marks.finditer(path.read_text(errors="ignore"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("room", "forbidden", "allowed"),
    [
        ("components", "stacks", ()),
        ("components", "operations", ()),
        ("components", "policy", ()),
        ("stacks", "operations", ()),
        ("stacks", "policy", ()),
        ("operations", "stacks", ()),
        ("operations", "policy", ()),
        (
            "operations",
            "components",
            # hosted_zone: an act that a hook and a command share (ADR 22).
            # needs: what the program says that its stack needs (ADR 29).
            # guest.writer: one rule by which a site's agent and a failover swap the registers (ADR 64).
            # guest.drill's ledger: one transaction, one file and one verdict, on a host and off it (ADR 43).
            (
                "components.rules",
                "components.modes",
                "components.inventory",
                "components.hosted_zone",
                "components.needs",
                "components.guest.writer",
                "components.guest.errors",
                "components.guest.drill.ledger_check",
                "components.guest.drill.ledger_writer",
            ),
        ),
        ("policy", "components", ("components.rules",)),
        ("policy", "stacks", ()),
        ("policy", "operations", ()),
        ("lab", "components", ()),
        ("lab", "stacks", ()),
        ("lab", "operations", ()),
        ("lab", "policy", ()),
    ],
)
def test_rooms_look_one_way(room: str, forbidden: str, allowed: tuple[str, ...]) -> None:
    # `from twinsite import inventory` counts as components.inventory.
    found = {name(path): offenders(path, forbidden, allowed) for path in python_files(room)}
    assert {path: modules for path, modules in found.items() if modules} == {}


def test_the_estimate_of_every_topology_takes_the_ground_that_its_stack_stands_on() -> None:
    # The program gives it by name; a build that is only imported would not show that.
    lacking = [
        name(path)
        for path in python_files("stacks", "tests/third/stacks")
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef)
        and node.name == "estimate"
        and "ground" not in {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    ]
    assert lacking == []


def test_components_import_each_other_relatively() -> None:
    # The folder's package is `twinsite`, here by a link and in the wheel (ADR 31).
    absolute = [
        f"{name(path)}:{node.lineno}"
        for path in python_files("components")
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "twinsite")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "twinsite" for alias in node.names))
    ]
    assert absolute == []


def test_the_library_has_one_name() -> None:
    # Under a second one Python makes every class twice.
    imported = re.compile(r"^\s*(?:from|import) components\b", re.MULTILINE)
    assert [name(path) for path in python_files(".") if imported.search(path.read_text())] == []
    assert os.readlink(TREE / "twinsite") == "components"


def test_components_stay_readable_for_pulumis_schema_inference() -> None:
    # It breaks on both (STYLE 1; tried).
    breaks = {"typing.Literal", "__future__.annotations"}
    modules = [path for path in python_files("components") if "guest" not in path.parts]
    assert [f"{name(path)}: {found}" for path in modules if (found := imports(path) & breaks)] == []


def test_importing_the_library_loads_no_providers_sdk() -> None:
    code = "import twinsite, sys; print([m for m in sys.modules if m.startswith('pulumi_')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_fits_a_mind() -> None:
    lines = {name(path): path.read_bytes().count(b"\n") for path in tracked() if path.name not in GENERATED}
    assert {path: count for path, count in lines.items() if count > LONGEST} == {}, "split them by subject"


def test_there_is_no_catch_all_module() -> None:
    assert [name(path) for path in tracked() if path.stem in ("utils", "util", "helpers", "misc", "common")] == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    # Written in parts so that this file does not hold them either.
    marks = ["/wo" + "rk/", "/tmp/p" + "re", "/root/" + ".pyenv", "/ho" + "me/"]
    found = [f"{name(path)}: {mark}" for path in tracked() for mark in marks if mark in path.read_text(errors="ignore")]
    assert found == []


def test_no_file_names_a_package_registrys_host() -> None:
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "proxy.go" + "lang.org"]
    hosts += [
        "sum.go" + "lang.org",
        "deb.deb" + "ian.org",
        "archive.ubu" + "ntu.com",
        "crat" + "es.io",
        "dock" + "er.io",
    ]
    found = [f"{name(path)}: {host}" for path in tracked() for host in hosts if host in path.read_text(errors="ignore")]
    assert found == []


def packages() -> list[Path]:
    """Folders of the rooms that hold Python modules."""
    return sorted({path.parent for path in python_files(*ROOMS) if "tests" not in path.relative_to(TREE).parts[:1]})


def says_of_itself(folder: Path) -> str:
    about = folder / "__init__.py"
    return (ast.get_docstring(ast.parse(about.read_text())) or "") if about.exists() else ""


def test_every_folder_of_modules_is_described() -> None:
    # A folder of programs that nobody imports has no __init__.py: then its parent's names it.
    nameless = [
        name(folder)
        for folder in packages()
        if not says_of_itself(folder) and folder.name not in says_of_itself(folder.parent)
    ]
    assert nameless == [], "neither an __init__.py with a docstring, nor named in the parent's"


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def dead_links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [
        target.split("#")[0] for target in targets if "://" not in target and not target.startswith(("#", "mailto:"))
    ]
    return [f"{page.name}: {target}" for target in local if target and not (page.parent / target).exists()]


def test_the_check_of_links_sees_one_that_leads_nowhere(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md) [there](gone.md#part) [web](https://example.org/x) `[x](y)`\n```\n[a](b)\n```\n")
    assert dead_links(page) == ["page.md: gone.md", "page.md: y"]


def test_links_between_pages_lead_somewhere() -> None:
    assert [found for page in pages() for found in dead_links(page)] == []


def test_scripts_that_a_page_names_exist_and_are_executable() -> None:
    named = {
        (name(page), script) for page in pages() for script in re.findall(r"\./(scripts/[\w-]+)", page.read_text())
    }
    assert [found for found in sorted(named) if not os.access(TREE / found[1], os.X_OK)] == []


def test_ci_runs_what_the_readme_tells_a_person_to_run() -> None:
    assert "exec ./scripts/test\n" in (TREE / ".ci" / "run").read_text()
    assert "./scripts/test" in (TREE / "README.md").read_text()
