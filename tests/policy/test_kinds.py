"""Types that policies name are types of the SDKs that this repository pins, and old spellings of them are known."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from policy.aws_regions import aws_has_once
from policy.kinds import kind_of

ROOM = Path(__file__).parents[2] / "policy"
_TYPE = re.compile(r'"((?:aws|azure-native|gcp|cloudflare|kubernetes|command):[\w/.]+:\w+)"')


@cache
def sources(package: str) -> dict[str, str]:
    """Type → text of the SDK's file that has it."""
    folder = Path(import_module(f"pulumi_{package.replace('-', '_')}").__path__[0])
    found: dict[str, str] = {}
    for path in folder.rglob("*.py"):
        if path.name[0] != "_" and not path.name.startswith("get_"):
            text = path.read_text()
            if "pulumi.CustomResource)" in text or "pulumi.ComponentResource)" in text:
                found |= dict.fromkeys(re.findall(r'@pulumi\.type_token\("([^"]+)"\)', text), text)
    return found


NAMED = sorted(
    {kind for path in ROOM.rglob("*.py") if path.name != "kinds.py" for kind in _TYPE.findall(path.read_text())}
)


@pytest.mark.parametrize("kind", NAMED)
def test_a_type_that_a_policy_names_is_one_of_the_sdk(kind: str) -> None:
    assert kind in sources(kind.partition(":")[0])
    assert kind_of(kind) == kind


def test_every_second_spelling_of_a_bucket_and_its_parts_is_that_of_the_first() -> None:
    second = {kind for kind in sources("aws") if re.match(r"aws:s3/\w+V2:", kind)}
    assert len(second) > 5
    assert {kind_of(kind) for kind in second} == {kind.replace("V2", "") for kind in second}
    assert {kind_of(kind) for kind in second} <= set(sources("aws"))


@pytest.mark.parametrize(
    ("spelt", "kind"),
    [
        ("azure-native:network/v20230401:NetworkSecurityGroup", "azure-native:network:NetworkSecurityGroup"),
        ("azure-native:dbformysql/v20240201preview:Server", "azure-native:dbformysql:Server"),
        ("azure-native:network:Profile", "azure-native:trafficmanager:Profile"),
        ("aws:securityhub/accountV2:AccountV2", "aws:securityhub/accountV2:AccountV2"),
    ],
)
def test_a_dated_or_old_spelling_is_the_same_type(spelt: str, kind: str) -> None:
    assert kind_of(spelt) == kind
    assert kind in sources(kind.partition(":")[0])


def test_what_aws_has_once_are_the_types_to_which_the_sdk_gives_no_region() -> None:
    found = {kind: "def region(self)" not in text for kind, text in sources("aws").items()}
    assert {kind for kind, once in found.items() if once} == {kind for kind in found if aws_has_once(kind)}
