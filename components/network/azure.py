"""An Azure resource group with a virtual network, its firewalls and the standby's fixed public address."""

from typing import NotRequired, TypedDict

import pulumi


class AzureNetworkArgs(TypedDict):
    """Arguments of AzureNetwork."""

    location: str
    """Azure region, for instance koreacentral."""

    resource_group: str
    """Name of the resource group to create, for instance dr-petclinic-rg."""

    vnet_range: str
    """CIDR of the virtual network. Plain, because a rule reads it."""

    application_range: str
    """CIDR of the subnet of the standby application machine, inside vnet_range."""

    database_range: str
    """CIDR of the subnet of the standby database, inside vnet_range."""

    managed_database: bool
    """True delegates the database subnet to Azure Database for MySQL; False keeps it for a machine."""

    client_ranges: NotRequired[list[str]]
    """Who may reach 443 on the application machine: CIDRs or one service tag. Defaults to Internet: the addresses of
    CloudFront change, and users of the one-name option come from everywhere; the origin's secret header locks the rest
    out. Nothing else is open: there is no SSH."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class AzureNetwork(pulumi.ComponentResource):
    """Resource group, virtual network, two subnets with a firewall each, and a static public address.

    The same in every mode: names and addresses must be there before the event. The static address is the application
    machine's explicit way out as well as its way in; nothing uses Azure's default outbound access.
    """

    resource_group: pulumi.Output[str]
    """Name of the resource group; known once it exists."""

    location: str

    vnet_id: pulumi.Output[str]
    application_subnet_id: pulumi.Output[str]
    database_subnet_id: pulumi.Output[str]
    public_address_id: pulumi.Output[str]
    """Resource id of the static address; the application machine's interface takes it."""

    public_address: pulumi.Output[str]
    """The static IPv4 address."""
