"""An Azure resource group with a virtual network, its firewalls and the standby's fixed public address."""

from typing import Any, NotRequired, TypedDict, cast

import pulumi
from pulumi_azure_native import network, resources

from ..component import Component
from ..rules.standby import AzureNetworkIntent


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
    out. Nothing else is open: there is no SSH. Route 53's checks must be in it, or the standby never looks healthy."""

    database_client_ranges: NotRequired[list[str]]
    """CIDRs that may reach 3306 in the database's subnet besides application_range, for instance of a peered network.
    Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class AzureNetwork(Component):
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

    def __init__(self, name: str, args: AzureNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = AzureNetworkIntent.of(args)
        super().__init__("AzureNetwork", name, known, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = args.get("tags", {})
        self.location = args["location"]
        group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=args["resource_group"],
            location=self.location,
            tags=tags,
            opts=child,
        )
        vnet = network.VirtualNetwork(
            f"{name}-vnet",
            resource_group_name=group.name,
            location=self.location,
            address_space={"address_prefixes": [args["vnet_range"]]},
            tags=tags,
            # Subnets are resources of their own below; without this the next update of the network would drop them.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["subnets"], deleted_with=group),
        )
        application = self._subnet(name, "application", args, group, vnet, _application_rules(known), [], [])
        database = self._subnet(
            name,
            "database",
            args,
            group,
            vnet,
            _database_rules(known),
            [{"name": "mysql", "service_name": "Microsoft.DBforMySQL/flexibleServers"}]
            if args["managed_database"]
            else [],
            # Azure changes one subnet of a network at a time.
            [application],
        )
        address = network.PublicIPAddress(
            f"{name}-address",
            resource_group_name=group.name,
            location=self.location,
            sku={"name": network.PublicIPAddressSkuName.STANDARD},
            public_ip_allocation_method=network.IPAllocationMethod.STATIC,
            public_ip_address_version=network.IPVersion.I_PV4,
            tags=tags,
            opts=child,
        )
        self.resource_group = group.name
        self.vnet_id = vnet.id
        self.application_subnet_id = application.id
        self.database_subnet_id = database.id
        self.public_address_id = address.id
        # A static address is assigned at creation; the SDK types it as one that may be absent.
        self.public_address = address.ip_address.apply(lambda found: found or "")
        self.register_outputs(
            {
                "resource_group": self.resource_group,
                "vnet_id": self.vnet_id,
                "application_subnet_id": self.application_subnet_id,
                "database_subnet_id": self.database_subnet_id,
                "public_address_id": self.public_address_id,
                "public_address": self.public_address,
            }
        )

    def _subnet(
        self,
        name: str,
        part: str,
        args: AzureNetworkArgs,
        group: "resources.ResourceGroup",
        vnet: "network.VirtualNetwork",
        security_rules: list[dict[str, Any]],
        delegations: list[dict[str, str]],
        after: list[pulumi.Resource],
    ) -> "network.Subnet":
        firewall = network.NetworkSecurityGroup(
            f"{name}-{part}",
            resource_group_name=group.name,
            location=args["location"],
            security_rules=cast(Any, security_rules),
            tags=args.get("tags", {}),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=group),
        )
        return network.Subnet(
            f"{name}-{part}",
            resource_group_name=group.name,
            virtual_network_name=vnet.name,
            address_prefix=args["application_range"] if part == "application" else args["database_range"],
            network_security_group={"id": firewall.id},
            delegations=cast(Any, delegations),
            default_outbound_access=False,
            # A database's subnet stays in use for up to an hour after the server is gone (its service association link:
            # terraform-provider-azurerm#15032), and the provider does not try again: at `destroy` all of this goes with
            # the group, whose deletion Azure itself tries again.
            opts=pulumi.ResourceOptions(parent=self, depends_on=after, deleted_with=group),
        )


def _application_rules(known: AzureNetworkIntent) -> list[dict[str, Any]]:
    """443 and nothing else; also not from the rest of the virtual network, which Azure would let in by default."""
    return [_rule("https", 100, "Allow", list(known.client_ranges), "443"), _NOTHING_ELSE]


def _database_rules(known: AzureNetworkIntent) -> list[dict[str, Any]]:
    clients = [known.application_range, *known.database_client_ranges]
    return [_rule("mysql", 100, "Allow", clients, "3306"), _NOTHING_ELSE]


def _rule(
    name: str, priority: int, access: str, sources: list[str], port: str, protocol: str = "Tcp"
) -> dict[str, Any]:
    # A service tag or * goes into the singular field only, several ranges into the plural one only.
    where = {"source_address_prefix": sources[0]} if len(sources) == 1 else {"source_address_prefixes": sources}
    return {
        "name": name,
        "priority": priority,
        "direction": "Inbound",
        "access": access,
        "protocol": protocol,
        **where,
        "source_port_range": "*",
        "destination_address_prefix": "*",
        "destination_port_range": port,
    }


# The rest of the world is denied by Azure's own last rule.
_NOTHING_ELSE = _rule("nothing-else", 4096, "Deny", ["VirtualNetwork"], "*", "*")
