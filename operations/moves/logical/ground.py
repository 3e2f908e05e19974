"""What the steps of a move of the writer need: planes, each with the site with which it dies. Pure."""

from dataclasses import dataclass

from twinsite.inventory import Inventory, Pod

from ...parts import job_of
from ...steps import Plane, control_plane, data_plane
from .facts import cluster_of, workload_of


@dataclass(frozen=True)
class Ground:
    """`home` is where the data live in quiet times, `away` where they go."""

    home: str
    away: str
    job: Plane
    """Runs a verb of the job."""
    databases: tuple[Plane, Plane]
    """Home's and away's."""
    nodes: Plane
    """Adds nodes away, and takes them away."""
    pods: tuple[Plane, Plane]
    """The clusters' APIs, home's and away's."""
    cloudflare: Plane
    pages: Plane
    registers: tuple[tuple[str, Plane], ...]
    """Each place, and what it needs."""

    @classmethod
    def of(cls, inventory: Inventory) -> "Ground":
        """By what the inventory holds."""
        home, away = inventory.site(inventory.home), inventory.site(inventory.away)
        host, grown = job_of(inventory), cluster_of(inventory, away.name)
        where = host.site if host else away.name
        context = host.way.context if host and isinstance(host.way, Pod) else ""

        def api(site: str) -> Plane:
            known = workload_of(inventory, site)
            name = (known.context if known else context) or "the current context"
            return control_plane(f"the API of {site}'s cluster ({name})", site, inventory.site(site).region)

        return cls(
            home.name,
            away.name,
            control_plane(f"the API of {where}'s cluster, which runs the job", where, inventory.site(where).region),
            (
                data_plane(f"{home.name}'s database and the tunnels to it", home.name, home.region),
                data_plane(f"{away.name}'s database", away.name, away.region),
            ),
            control_plane(
                f"Google's control plane of GKE, at home in {grown.region if grown else away.region}",
                away.name,
                grown.region if grown else away.region,
            ),
            (api(home.name), api(away.name)),
            data_plane("Cloudflare's monitors and pools, at home nowhere; its API only to look"),
            data_plane("HTTPS and DNS queries, at home nowhere"),
            tuple((place, _store(place, inventory)) for place in inventory.registers),
        )

    def database(self, site: str) -> Plane:
        """Of one site."""
        return self.databases[site == self.away]

    def api(self, site: str) -> Plane:
        """Of one site's cluster."""
        return self.pods[site == self.away]


OF_PROVIDER = {"s3": "aws", "gs": "gcp", "azblob": "azure-native"}


def dies_with(place: str, inventory: Inventory) -> str:
    """The site whose cloud a register is of, at AWS in the site's region; "" where it outlives both."""
    provider = OF_PROVIDER.get(place.partition("://")[0], "")
    at_aws = provider == OF_PROVIDER["s3"]
    region = inventory.register_region(place) if at_aws else ""
    found = (one for one in inventory.sites if provider in one.providers and (not at_aws or one.region == region))
    return next((one.name for one in found), "")


def _store(place: str, inventory: Inventory) -> Plane:
    return data_plane(f"the register {place}", dies_with(place, inventory))
