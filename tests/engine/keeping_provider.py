"""The azure-native stand-in with no box, but its cloud keeps the names of deleted servers and vaults, and refuses to
delete one by one what goes with its parent.

Run in place of lab/providers/start.py, with the same arguments. Names are kept in PULUMI_HOME/kept-names.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.providers.framework.provider import Provider, token_of
from lab.providers.framework.serve import main
from lab.providers.framework.types import Refusal

KEPT = Path(os.environ["PULUMI_HOME"]) / "kept-names"
NAMED = {"azure-native:dbformysql:Server": "ServerNameAlreadyExists", "azure-native:keyvault:Vault": "ConflictError"}
GOING_WITH_A_PARENT = (
    "azure-native:dbformysql:Configuration",
    "azure-native:keyvault:Secret",
    "azure-native:storage:BlobServiceProperties",
    "azure-native:storage:ManagementPolicy",
    "azure-native:storage:StorageAccountStaticWebsite",
)

create, delete = Provider.create, Provider.delete


def create_under_a_free_name(
    self: Provider, urn: str, inputs: dict[str, Any], preview: bool, timeout: float
) -> tuple[str, dict[str, Any]]:
    made = create(self, urn, inputs, preview, timeout)
    name, code = made[0].rpartition("/")[2], NAMED.get(token_of(urn), "")
    if not preview and code and KEPT.exists() and name in KEPT.read_text().split():
        raise Refusal(f'Status=409 Code="{code}" Message="{name} is kept: it was deleted a moment ago"')
    return made


def delete_and_keep_the_name(self: Provider, urn: str, identity: str, state: dict[str, Any], timeout: float) -> None:
    if token_of(urn) in GOING_WITH_A_PARENT:
        raise Refusal(f"{urn} is deleted one by one, and should go with its parent")
    delete(self, urn, identity, state, timeout)
    if token_of(urn) in NAMED:
        with KEPT.open("a") as names:
            names.write(identity.rpartition("/")[2] + "\n")


if __name__ == "__main__":
    Provider.create = create_under_a_free_name  # type: ignore[method-assign]
    Provider.delete = delete_and_keep_the_name  # type: ignore[method-assign]
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(main(words[0], words[1], Path(words[2]), words[-1]))
