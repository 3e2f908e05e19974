"""What `import twinsite` offers: everything, lazily, the same for a checker and at run time."""

import ast
import importlib
import inspect
import tomllib
from pathlib import Path

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer

import twinsite

TREE = Path(__file__).resolve().parents[2]
PARTS = {"AzureHost"}
"""Components that exist as parts of others only, because they take live objects."""
ROOMS = ("database", "machine", "monitoring", "network", "storage", "traffic", "tunnel", "workload")


def components() -> dict[str, str]:
    """Class name to its module's file, of every component resource in the tree."""
    found = {}
    for room in ROOMS:
        for path in sorted((TREE / "components" / room).glob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and "Component" in {
                    ast.unparse(base).rpartition(".")[2] for base in node.bases
                }:
                    found[node.name] = path.stem
    return found


def test_every_component_and_its_arguments_can_be_imported_from_the_top() -> None:
    names = components()
    assert len(names) > 20
    missing = {name for name in names if not {name, f"{name}Args"} <= set(twinsite.__all__)}
    assert missing == PARTS
    assert all(issubclass(getattr(twinsite, name), pulumi.ComponentResource) for name in names.keys() - PARTS)


def test_pulumi_infers_a_schema_of_every_component_for_its_other_languages() -> None:
    names = components().keys() - PARTS
    found = Analyzer("twinsite").analyze([getattr(twinsite, name) for name in sorted(names)])
    assert set(found["component_definitions"]) == names
    store = found["component_definitions"]["Ec2Host"].inputs["store"]
    assert store.ref == "#/types/twinsite:index:GuestStoreHandle"
    assert set(found["type_definitions"]["GuestStoreHandle"].properties) == {"bucket", "region", "payloadKeys"}


def test_what_no_other_language_has_is_no_argument_of_a_component() -> None:
    """The control of the test above: it would see a hook, or a component without a handle."""
    from twinsite.machine.azure_host import AzureHost

    with pytest.raises(Exception, match=r"Union types are not supported.*ResourceHookBinding"):
        Analyzer("twinsite").analyze([AzureHost])


def test_every_offered_name_exists() -> None:
    assert [name for name in twinsite.__all__ if getattr(twinsite, name, None) is None] == []


def test_a_components_file_says_its_class() -> None:
    others = {"HostGate": "onprem_host"}  # the gate of what OnPremHost sets up
    found = {name: file for name, file in components().items() if file.replace("_", "") != name.lower()}
    assert found == others


def test_what_lacks_an_sdk_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for sdk, extra in twinsite.EXTRAS.items():
        assert any(one.startswith(sdk.replace("_", "-")) for one in declared[extra])

    def lacking(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name="pulumi_azure_native")

    monkeypatch.setattr(twinsite, "_find", lacking)
    monkeypatch.delitem(vars(twinsite), "AzureNetwork", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"twinsite\.AzureNetwork needs .*: pip install 'twinsite\[azure\]'"):
        twinsite.AzureNetwork  # noqa: B018


def test_no_class_is_a_second_one_under_another_name() -> None:
    for name in components().keys() - PARTS:
        made = getattr(twinsite, name)
        assert inspect.getmodule(made) is importlib.import_module(made.__module__)
        assert made.__module__.startswith("twinsite.")
