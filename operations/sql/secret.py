"""The password behind a reference of the inventory, with the operator's own identity. Never kept, never printed."""

import json
import re

from .. import azure
from .server import Refused

API = "7.4"
"""Key Vault's data plane."""


def fetch(reference: str, identity: azure.Identity | None = None) -> str:
    """The text of `azkv://VAULT/SECRET` or `secretsmanager://REGION/NAME`. Refused says what is missing."""
    vault = re.fullmatch(r"azkv://([A-Za-z0-9-]{3,24})/([A-Za-z0-9-]{1,127})", reference)
    if vault:
        return _of_vault(vault[1], vault[2], identity or azure.Identity())
    manager = re.fullmatch(r"secretsmanager://([a-z0-9-]+)/(.+)", reference)
    if manager:
        return _of_manager(manager[1], manager[2])
    # It is not shown: somebody may have put the password itself there.
    raise Refused(
        "what stands for the password is no reference: give azkv://VAULT/SECRET or secretsmanager://REGION/NAME"
    )


def _of_vault(vault: str, name: str, identity: azure.Identity) -> str:
    url = f"https://{vault}.vault.azure.net/secrets/{name}?api-version={API}"
    try:
        token = identity.token("https://vault.azure.net")
        answer = azure.call("GET", url, {"Authorization": f"Bearer {token}"})
    except azure.AzureError as error:
        raise Refused(f"secret {name} of vault {vault} cannot be read: {error}") from None
    return str(json.loads(answer.body)["value"])


def _of_manager(region: str, name: str) -> str:
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore import exceptions  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise Refused("a password of Secrets Manager needs boto3: `pip install 'twinsite[accounts]'`") from None
    try:
        found = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=name)
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise Refused(f"secret {name} of Secrets Manager in {region} cannot be read: {error}") from None
    return str(found["SecretString"])
