"""A public Azure storage account with a static website: holds a notice page or a latch object, never data."""

from typing import NotRequired, TypedDict

import pulumi


class StaticSiteArgs(TypedDict):
    """Arguments of StaticSite."""

    account_name: str
    """Of the storage account: 3 to 24 lower-case letters and digits, free worldwide. Plain, because a rule reads it."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the account."""

    location: str
    """Azure region, for instance koreacentral. Plain, because a rule compares the regions of two sites."""

    operator_principal_ids: NotRequired[list[pulumi.Input[str]]]
    """Object ids of the people and service principals that may write the `$web` container, and so set a latch.
    Defaults to none: then the role is granted elsewhere."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class StaticSite(pulumi.ComponentResource):
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
        raise NotImplementedError("arguments first; the body follows")
