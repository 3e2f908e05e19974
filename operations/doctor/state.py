"""Where the stack's state is: not at this desk alone, kept in versions, and locked while somebody writes.

That it is not on the site that dies is the program's own rule (components/rules/home.py), told with its settings.
Pulumi locks every backend of its own kind since 3.0, so versions are what is asked of a bucket.
"""

import os
import urllib.parse

from twinsite.needs import Azure as AzureNeeds
from twinsite.needs import Home

from ..amazon import Amazon
from ..google import Google
from ..unanswered import CouldNotAsk
from .answers import Finding, needs_setting, not_ok, ok
from .resource_manager import Azure, items

STORAGE = "2023-05-01"


def ask(
    home: Home, aws: Amazon | None, azure: Azure | None, needs: AzureNeeds | None, google: Google | None = None
) -> Finding:
    """By the kind of the backend."""
    parts = urllib.parse.urlsplit(home.backend)
    if not home.backend:
        return not_ok(
            "nobody is logged in to a state backend",
            "`pulumi login azblob://CONTAINER?storage_account=NAME` (or another place outside the primary site)",
        )
    if parts.scheme == "file":
        return not_ok(
            f"{home.backend} is on this machine alone: who is on call elsewhere cannot raise the mode, and a lost disk "
            "loses it",
            "`pulumi stack export --file state.json`, `pulumi login` to a shared backend, `pulumi stack import --file "
            "state.json`",
        )
    if parts.scheme == "https":
        return ok(f"{home.backend} keeps versions and locks by itself")
    if parts.scheme == "s3" and aws is not None:
        found = aws.ask("s3", "GetBucketVersioning", Bucket=parts.netloc)
        return versioned(home.backend, found.get("Status") == "Enabled", _s3_fix(parts.netloc))
    if parts.scheme == "azblob" and azure is not None and needs is not None:
        return _blob(home.backend, parts, azure, needs)
    if parts.scheme == "gs" and google is not None:
        on = bool((google.get("storage", f"storage/v1/b/{parts.netloc}").get("versioning") or {}).get("enabled"))
        return versioned(home.backend, on, f"`gcloud storage buckets update gs://{parts.netloc} --versioning`")
    raise CouldNotAsk(
        f"whether {home.backend} keeps versions is not asked here", "look it up at its provider: versioning must be on"
    )


def _blob(backend: str, parts: urllib.parse.SplitResult, azure: Azure, needs: AzureNeeds) -> Finding:
    given = urllib.parse.parse_qs(parts.query).get("storage_account", [""])[0]
    account = given or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
    if not account:
        raise CouldNotAsk(f"{backend} does not say which account it is in", "`export AZURE_STORAGE_ACCOUNT=NAME`")
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    for one in items(azure, f"{scope}/providers/Microsoft.Storage/storageAccounts", STORAGE):
        if one.get("name") == account:
            found = azure.get(f"{one['id']}/blobServices/default", STORAGE)
            on = bool((found.get("properties") or {}).get("isVersioningEnabled"))
            return versioned(
                backend, on, f"`az storage account blob-service-properties update -n {account} --enable-versioning`"
            )
    raise CouldNotAsk(f"account {account} is in another subscription", "ask there whether it keeps versions")


def versioned(backend: str, on: bool, fix: str) -> Finding:
    """Pure."""
    return ok(f"{backend} keeps versions") if on else not_ok(f"{backend} keeps no versions", fix)


def _s3_fix(bucket: str) -> str:
    return f"`aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled`"
