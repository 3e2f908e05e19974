"""A public Azure storage account with a static website: holds a notice page or a latch object, never data."""

from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit

import pulumi
from pulumi_azure_native import storage

from .. import azure_roles
from ..component import Component
from ..rules.pages import StaticSiteIntent

WEB_CONTAINER = "$web"
NOT_FOUND = "404.html"
HEALTH = "healthz"
HEALTH_TEXT = "twinsite-ok"


class StaticSiteArgs(TypedDict):
    """Arguments of StaticSite."""

    account_name: str
    """Of the storage account: 3 to 24 lower-case letters and digits, free worldwide. Plain, because a rule reads it."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the account."""

    location: str
    """Azure region, for instance koreacentral. Plain, because a rule compares the regions of two sites."""

    operator_principal_ids: NotRequired[list[str]]
    """Object ids of the people and service principals that may write the `$web` container, and so set a latch. Plain,
    because each names its role assignment. Defaults to none: then the role is granted elsewhere."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class StaticSiteHandle(TypedDict):
    """What others read of a StaticSite, and what a page in it needs."""

    name: str
    """The component's name: those of its pages begin with it."""

    account_name: str
    """Of the storage account."""

    location: str
    """Azure region."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the account."""

    web_container: pulumi.Input[str]
    """`$web`, known once the website is there."""

    host: pulumi.Input[str]
    """Host name of the website, known once its own pages are there."""


class StaticSite(Component):
    """A storage account that answers the world from its container `$web`: no index of it, 404 for what is not there.

    The same in every mode: the account (TLS 1.2, HTTPS only), its static website, `404.html`, `healthz`, and the
    operators' role on it.
    """

    account_name: str
    location: str
    host: pulumi.Output[str]
    """Host name of the website, for instance shopnotice.z12.web.core.windows.net."""
    account_id: pulumi.Output[str]
    resource_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: StaticSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("StaticSite", name, StaticSiteIntent.of(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        account = storage.StorageAccount(
            f"{name}-account",
            account_name=args["account_name"],
            resource_group_name=args["resource_group_name"],
            location=args["location"],
            kind=storage.Kind.STORAGE_V2,
            sku={"name": storage.SkuName.STANDARD_LRS},
            minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
            enable_https_traffic_only=True,
            allow_blob_public_access=False,  # the website answers anonymously without it
            # Not for whoever sets a latch or reads a page, but because the provider's Blob signs with the account's key
            # and gets 403 without (pulumi-azure-native#3719; #2015, open).
            allow_shared_key_access=True,
            default_to_o_auth_authentication=True,
            tags=args.get("tags", {}),
            opts=child,
        )
        website = storage.StorageAccountStaticWebsite(
            f"{name}-website",
            account_name=account.name,
            resource_group_name=args["resource_group_name"],
            index_document="index.html",
            error404_document=NOT_FOUND,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=account),
        )
        self.account_name = args["account_name"]
        self.location = args["location"]
        self.resource_group_name = pulumi.Output.from_input(args["resource_group_name"])
        self.account_id = account.id
        site: StaticSiteHandle = {
            "name": name,
            "account_name": self.account_name,
            "location": self.location,
            "resource_group_name": self.resource_group_name,
            "web_container": website.container_name,
            "host": account.primary_endpoints.apply(_web_host),
        }
        pages = [page(site, "404", NOT_FOUND, "text/html", "not found\n", self)]
        pages.append(page(site, HEALTH, HEALTH, "text/plain", f"{HEALTH_TEXT}\n", self))
        for at, principal in enumerate(args.get("operator_principal_ids", [])):
            azure_roles.assign(
                f"{name}-operator-{principal}",
                azure_roles.BLOB_CONTRIBUTOR,
                principal,
                pulumi.Output.concat(account.id, f"/blobServices/default/containers/{WEB_CONTAINER}"),
                pulumi.ResourceOptions(
                    parent=self, depends_on=[website], aliases=[pulumi.Alias(name=f"{name}-operator-{at}")]
                ),
                principal_type=None,
            )
        # Whoever asks the website waits for what must be in it.
        self.host = pulumi.Output.all(site["host"], *(one.id for one in pages)).apply(lambda known: str(known[0]))
        # Not declared above: no output. For whoever takes this component.
        self.handle: StaticSiteHandle = {**site, "host": self.host}
        self.register_outputs(
            {
                "account_name": self.account_name,
                "location": self.location,
                "host": self.host,
                "account_id": self.account_id,
                "resource_group_name": self.resource_group_name,
            }
        )


def page(
    site: StaticSiteHandle, label: str, blob: str, kind: str, text: str, parent: pulumi.Resource
) -> "storage.Blob":
    """Publish `text` as `blob` of the website, with Content-Type `kind`; `label` names the resource."""
    return storage.Blob(
        f"{site['name']}-{label}",
        account_name=site["account_name"],
        resource_group_name=site["resource_group_name"],
        container_name=site["web_container"],
        blob_name=blob,
        type=storage.BlobType.BLOCK,
        content_type=kind,
        source=pulumi.StringAsset(text),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _web_host(endpoints: Any) -> str:
    """Host of https://ACCOUNT.zN.web.core.windows.net/."""
    web = endpoints["web"] if isinstance(endpoints, dict) else endpoints.web
    return str(urlsplit(str(web)).hostname)
