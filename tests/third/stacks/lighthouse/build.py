"""Topology lighthouse, for tests: two shelves of a provider of its own, a flow by courier between them."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pulumi

from twinsite import inventory
from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.figures import Basis, Kind, step
from twinsite.estimate.ground import CLOUD, Ground
from twinsite.estimate.prices import table
from twinsite.modes import DrMode
from twinsite.needs import Home, Needs
from twinsite.rules import require

from ..declared import declared
from ..settings import Reader

NAME = "lighthouse"


class Site(str, Enum):
    """The two sites."""

    ISLAND = "island"
    SHORE = "shore"


SITES = tuple(site.value for site in Site)
MODES = (DrMode.PILOT_LIGHT,)
PACKAGES = ("harbour",)


@dataclass(frozen=True)
class Settings:
    """Settings of this topology."""

    dr_mode: DrMode
    active_site: Site
    boat: str
    trips_a_day: int


def read(reader: Reader) -> Settings:
    """Settings from the stack's configuration."""
    reader.declared = declared(NAME)
    return Settings(
        dr_mode=reader.offered("dr_mode", DrMode, MODES, NAME),
        active_site=reader.choice("active_site", Site),
        boat=reader.text("boat"),
        trips_a_day=reader.integer("trips_a_day"),
    )


def refusals(settings: Settings) -> list[str]:
    """Every problem."""
    if settings.trips_a_day in range(1, 25):
        return []
    return [f"trips_a_day is {settings.trips_a_day}: `pulumi config set trips_a_day NUMBER` with 1 to 24"]


def build(settings: Settings) -> dict[str, Any]:
    """Create the shelves; returns the stack's exports."""
    require(f"topology {NAME}", refusals(settings))
    for site in Site:
        pulumi.CustomResource("harbour:index:Shelf", f"{NAME}-{site.value}", {"site": site.value})
    return {"inventory": inventory.to_dict(published(settings))}


def published(settings: Settings) -> inventory.Inventory:
    """What operations know of it."""
    return inventory.Inventory(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        sites=tuple(inventory.Site(site.value, ("harbour",), site.value) for site in Site),
        home=Site.ISLAND.value,
        away=Site.SHORE.value,
        active_site=settings.active_site.value,
        store="file://harbour-office",
        flows=(
            inventory.Flow(
                settings.boat, "paper", "courier", "island-shelf", "shore-shelf", tolerated_outage_hours=12.0
            ),
        ),
    )


def estimate(settings: Settings, ground: Ground = CLOUD) -> Estimate:
    """A lamp at each site, whose price nobody knows, and the boat's next trip."""
    lamps = [table().cost(f"lamp of the {site.value}", "harbour/lamp", site.value, 1) for site in Site]
    trip = step("the next boat", Kind.TRANSFER, 86400 / settings.trips_a_day, Basis.COMPUTED, "trips a day")
    return Estimate({settings.dr_mode.value: Mode(lamps, trip, [trip])}, cost_without=("oil",))


def needs(settings: Settings, home: Home) -> Needs:
    """Nothing of any account."""
    return Needs(NAME, settings.dr_mode.value, home)
