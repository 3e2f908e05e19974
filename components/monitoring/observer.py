"""The observer in the standby's cloud: it still speaks when AWS is dark."""

from typing import NotRequired, TypedDict

import pulumi


class ObserverArgs(TypedDict):
    """Arguments of Observer."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the observer."""

    location: str
    """Azure region, for instance koreacentral."""

    primary_url: str
    """HTTPS address of the primary's page under a name of its own, never a name of a failover pair: that would follow
    the users and be green again. Its certificate must name it."""

    primary_text: NotRequired[str]
    """Must be in that page. Defaults to none: any 200 will do."""

    failover_names: list[str]
    """Names of failover pairs, so that primary_url can be refused when it is one."""

    backup_account_id: pulumi.Input[str]
    """Resource id of the storage account with the backups."""

    backup_container: NotRequired[str]
    """Defaults to mysql-backup."""

    backup_max_age_hours: NotRequired[int]
    """No new manifest for so long is an alarm; at most 48. Defaults to 26: daily, and two hours of grace."""

    backup_drop_percent: NotRequired[int]
    """A backup smaller than the one before by more than this is an alarm. Defaults to 30."""

    emails: NotRequired[list[str]]
    """Addresses that get the alarms. Defaults to none."""

    urls: NotRequired[list[pulumi.Input[str]]]
    """HTTPS endpoints that get them, for instance a pager's; treated as secrets. Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Observer(pulumi.ComponentResource):
    """Azure Monitor watches the primary's page from five places, and the backups where they land.

    The same in every mode. Managed services only: an availability test, two log queries, an action group. Missing data
    counts as broken.
    """

    action_group_id: pulumi.Output[str]
    web_test_id: pulumi.Output[str]

    def __init__(self, name: str, args: ObserverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise NotImplementedError("arguments first; the body follows")
