"""The password behind a reference: read with the operator's own identity, and what is said when it cannot be."""

import sys
from collections.abc import Mapping

import boto3  # type: ignore[import-untyped]
import pytest
from moto import mock_aws

from operations import azure
from operations.sql import Refused, secret

REGION = "eu-west-1"
WORD = "pass'word"


class Identity(azure.Identity):
    """Logged in for one resource."""

    def token(self, resource: str) -> str:
        assert resource == "https://vault.azure.net"
        return "a-token"


def test_a_vaults_secret_is_read_with_a_token_for_vaults(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, Mapping[str, str]]] = []

    def call(method: str, url: str, headers: Mapping[str, str]) -> azure.Answer:
        asked.append((method, url, headers))
        return azure.Answer(200, {}, b'{"value": "pass\'word"}')

    monkeypatch.setattr(azure, "call", call)
    assert secret.fetch("azkv://kv-one/drill", Identity()) == WORD
    url = f"https://kv-one.vault.azure.net/secrets/drill?api-version={secret.API}"
    assert asked == [("GET", url, {"Authorization": "Bearer a-token"})]


def test_a_vault_that_says_no_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*_: object) -> azure.Answer:
        raise azure.AzureError("Forbidden: no role", 403)

    monkeypatch.setattr(azure, "call", call)
    with pytest.raises(Refused, match="secret drill of vault kv-one cannot be read: Forbidden: no role"):
        secret.fetch("azkv://kv-one/drill", Identity())


def test_a_secret_of_secrets_manager_is_read_in_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("secretsmanager", region_name=REGION).create_secret(Name="app/drill", SecretString=WORD)
        assert secret.fetch(f"secretsmanager://{REGION}/app/drill") == WORD
        with pytest.raises(Refused, match="secret none of Secrets Manager in eu-west-1 cannot be read"):
            secret.fetch(f"secretsmanager://{REGION}/none")


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Refused, match=r"pip install 'twinsite\[accounts\]'"):
        secret.fetch(f"secretsmanager://{REGION}/app/drill")


@pytest.mark.parametrize("reference", ["", WORD, "azkv://x/y", "secretsmanager://eu-west-1/"])
def test_what_is_no_reference_is_refused_with_the_forms_and_not_shown(reference: str) -> None:
    with pytest.raises(Refused, match="azkv://VAULT/SECRET or secretsmanager://REGION/NAME") as refusal:
        secret.fetch(reference)
    assert WORD not in str(refusal.value)
