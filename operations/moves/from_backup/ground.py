"""What a move from a backup stands on: the two sites, and the planes that their parts need. Pure."""

from dataclasses import dataclass

from twinsite.inventory import AzureRunCommand, Host, Inventory, Pod, Ssm

from ...steps import Plane, control_plane, data_plane


@dataclass(frozen=True)
class Ground:
    """`home` is where the data live in quiet times, `away` where they go."""

    home: str
    away: str
    machine: Plane
    """Runs programs on the standby machine."""
    making: tuple[Plane, ...]
    """Make the standby machine, and take it away."""
    store: Plane
    """Holds latch objects and the writer's document."""
    at_home: Plane
    """Runs programs on the primary's database."""
    pages: Plane
    """Asks what users ask."""

    @classmethod
    def of(cls, inventory: Inventory) -> "Ground":
        """By what the inventory holds."""
        away = inventory.site(inventory.away)
        machine = _way(inventory.with_role("standby", away.name), away.name, away.region)
        return cls(
            inventory.home,
            away.name,
            machine,
            # It is made through the same plane that Run Command is one of; a machine with a login is made by its cloud.
            (control_plane("Pulumi's state, which is in neither site"), machine),
            data_plane("Azure Storage, at home in the store's region", away.name),
            _way(inventory.with_role("backup", inventory.home), inventory.home, ""),
            data_plane("HTTPS and DNS queries, at home nowhere"),
        )


def _way(host: Host | None, site: str, region: str) -> Plane:
    """The plane of a host's way in."""
    if host is None:
        return data_plane(f"whatever runs programs at {site}", site)
    if isinstance(host.way, AzureRunCommand):
        return control_plane("Azure Resource Manager, at home in the standby's region", site, region)
    if isinstance(host.way, Pod):
        return data_plane("the primary site's cluster and database", site)
    if isinstance(host.way, Ssm):
        return control_plane(f"Systems Manager, at home in {host.way.region}", site, host.way.region)
    return data_plane(f"SSH to {host.name}", site)
