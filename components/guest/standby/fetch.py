"""What comes from elsewhere: secrets from the vault, the artefact from the store or by https; verified before use."""

import os
import pathlib
import shutil
import urllib.error
import urllib.request

from ..agent import azure
from ..backup.store import READER, explained
from ..errors import Failed
from . import host
from .config import Config, Secret

ARTEFACT = pathlib.Path("/var/lib/twinsite/application/artefact")
ROLE_SECONDS = 600
"""How long a role assignment may be on its way."""


def secret(config: Config, wanted: Secret) -> str:
    """Text of a secret, by the machine's own identity."""
    if not wanted.vault:
        try:
            return pathlib.Path(wanted.name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Failed(f"{wanted.name} cannot be read: {error}") from None
    try:
        token = azure.token(azure.VAULT_RESOURCE, config.client_id, patience_seconds=ROLE_SECONDS)
        found: str = azure.secret(wanted.vault, wanted.name, "", token, patience_seconds=ROLE_SECONDS)
        return found
    except azure.CallError as error:
        hint = ""
        if error.status == 403:
            hint = ": assign the role 'Key Vault Secrets User' on the vault to this machine's identity"
        if error.status == 404:
            hint = f": the vault has no secret {wanted.name}: put it there, or correct its name in the settings"
        raise Failed(f"secret {wanted.name} of vault {wanted.vault}: {error}{hint}") from None


def artefact(config: Config, place: pathlib.Path = ARTEFACT) -> str:
    """Have the artefact at `place`, with the bytes that were pinned."""
    wanted = config.application
    if host.sha256(place) == wanted.sha256:
        return "already there"
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(".artefact.draft")
    if "://" in wanted.artefact:
        _download(wanted.artefact, draft)
    else:
        _blob(config, draft)
    found = host.sha256(draft)
    if found != wanted.sha256:
        draft.unlink(missing_ok=True)
        raise Failed(
            f"{wanted.artefact} has SHA-256 {found}, pinned is {wanted.sha256}: it is another file than the one that "
            "was "
            "tested; upload the right one, or set application.sha256 when you trust the new one"
        )
    os.replace(draft, place)
    return f"{place.stat().st_size} bytes, SHA-256 as pinned"


def _download(url: str, draft: pathlib.Path) -> None:
    if url.startswith("file:///"):
        shutil.copyfile(url[len("file://") :], draft)
        return
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, open(draft, "wb") as file:
            shutil.copyfileobj(answer, file)
    except (urllib.error.URLError, OSError) as error:
        raise Failed(f"{url} cannot be fetched: {error}") from None


def _blob(config: Config, draft: pathlib.Path) -> None:
    account = config.backups.removeprefix("azblob://").split("/", 1)[0]
    try:
        token = azure.token(azure.STORAGE_RESOURCE, config.client_id, patience_seconds=ROLE_SECONDS)
        content = azure.blob_get(account, f"guests/{config.application.artefact}", token, patience_seconds=ROLE_SECONDS)
    except azure.CallError as error:
        words = explained(error, account, "guests", READER, config.client_id)
        if error.status == 404 and error.code == "BlobNotFound":
            words = (
                f"{error}: upload it: `az storage blob upload --auth-mode login --account-name {account} "
                f"--container-name guests --name {config.application.artefact} --file FILE`"
            )
        raise Failed(f"artefact {config.application.artefact} in container guests of {account}: {words}") from None
    draft.write_bytes(content)
