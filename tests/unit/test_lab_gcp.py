"""What the lab's stand-in for Google Cloud refuses, as Google's provider does."""

import pytest

from lab.providers import tokens
from lab.providers.framework.provider import Provider
from lab.providers.framework.schema import Schemas, sdk_version
from lab.providers.framework.types import Refusal
from lab.providers.gcp import config_problems

INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"
TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"


def provider(project: str = "p") -> Provider:
    schemas = Schemas("gcp", sdk_version("gcp"))
    schemas.require(tokens("gcp"))
    made = Provider("gcp", schemas, connect=lambda: None)
    made.config = {"project": project, "region": "asia-northeast3"} if project else {}
    return made


def urn(token: str) -> str:
    return f"urn:pulumi:s::p::{token}::x"


def test_a_protected_database_is_not_deleted_and_another_one_is() -> None:
    with pytest.raises(Refusal, match="deletion_protection is set to true"):
        provider().delete(urn(INSTANCE), "crm-1", {"deletionProtection": True}, 0.0)
    provider().delete(urn(INSTANCE), "crm-1", {"deletionProtection": False}, 0.0)


def test_a_database_is_protected_unless_the_program_says_otherwise() -> None:
    _, outputs = provider().create(urn(INSTANCE), {"name": "crm", "databaseVersion": "POSTGRES_17"}, False, 0.0)
    assert (outputs["deletionProtection"], outputs["connectionName"]) == (True, "p:asia-northeast3:crm")


def test_an_id_is_the_path_that_google_gives() -> None:
    identity, outputs = provider().create(urn(TUNNEL), {"name": "t", "router": "r", "sharedSecret": "k"}, False, 0.0)
    assert identity == "projects/p/regions/asia-northeast3/vpnTunnels/t"
    assert outputs["selfLink"] == f"https://www.googleapis.com/compute/v1/{identity}"


def test_without_a_project_it_says_which_command_sets_one() -> None:
    with pytest.raises(Refusal, match="pulumi config set gcp:project"):
        provider(project="").create(urn(TUNNEL), {"name": "t", "sharedSecret": "k"}, False, 0.0)


def test_configuration_that_the_lab_does_not_follow_is_refused() -> None:
    assert [one.path for one in config_problems({"project": "p", "defaultLabels": {"a": "b"}})] == ["defaultLabels"]
