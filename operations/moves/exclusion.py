"""Which resources an `up` leaves out while a site is dead, and what would break by that (ADR 10). Pure.

A package that only this site has is left out by its types, so that new resources are, too. Where another site has it as
well (two regions of one provider, EKS and GKE), each resource is told by the region of it or its provider, else by the
site's name in its provider's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Site


@dataclass(frozen=True)
class Exclusion:
    """Of one site among those of a stack."""

    site: Site
    others: tuple[Site, ...] = ()

    @property
    def shared(self) -> frozenset[str]:
        """Packages that another site has as well."""
        return frozenset(self.site.providers) & {package for one in self.others for package in one.providers}

    def words(self, steps: Iterable[dict[str, Any]] = ()) -> list[str]:
        """`pulumi`'s words for the site's resources. `steps`: of a preview, for those of shared packages."""
        # Types of these packages have a slash (aws:route53/record:Record), so their providers do not match.
        patterns = [f"**{package}:*/**" for package in self.site.providers if package not in self.shared]
        patterns += [urn for urn, site in self._sites(steps).items() if site == self.site.name]
        return [word for pattern in patterns for word in ("--exclude", pattern)]

    def problems(self, steps: Iterable[dict[str, Any]]) -> list[str]:
        """Resources of shared packages that nothing tells apart."""
        names = " or ".join((self.site.name, *(one.name for one in self.others)))
        return [
            f"{_name(urn)} may stand at {names}: neither a region nor its provider's name says which; give its "
            "provider a name with the site's"
            for urn, site in self._sites(steps).items()
            if not site
        ]

    def new_and_needed(self, steps: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """What needs which resource that is left out at the site and does not exist yet, by a preview's steps.

        Pulumi goes on there (3.259): "unknown" comes in the place of what it would have told, and the state is broken.
        """
        own = tuple(f"{package}:" for package in self.site.providers if package not in self.shared)
        told = self._sites(steps)
        there = {
            step["urn"]: step.get("oldState") or {}
            for step in steps
            if _type(step["urn"]).startswith(own) or told.get(step["urn"]) == self.site.name
        }
        new = {urn for urn, state in there.items() if not state.get("id")}
        needs = {step["urn"]: _needs(step.get("newState") or {}) & new for step in steps if step["urn"] not in there}
        return sorted((_name(urn), _name(one)) for urn, found in needs.items() for one in found)

    def _sites(self, steps: Iterable[dict[str, Any]]) -> dict[str, str]:
        """URN of each resource of a shared package → its site; "" where nothing tells."""
        states = {step["urn"]: step.get("newState") or step.get("oldState") or {} for step in steps}
        prefixes = tuple(f"{package}:" for package in self.shared)
        return {urn: self._site(state, states) for urn, state in states.items() if _type(urn).startswith(prefixes)}

    def _site(self, state: dict[str, Any], states: dict[str, dict[str, Any]]) -> str:
        provider = str(state.get("provider") or "").rpartition("::")[0]
        region = _region(state) or _region(states.get(provider, {}))
        words = set(_name(provider).split("-"))
        every = (self.site, *self.others)
        found = {one.name for one in every if (one.region == region if region else one.name in words)}
        return found.pop() if len(found) == 1 else ""


def _region(state: dict[str, Any]) -> str:
    return str((state.get("inputs") or {}).get("region") or (state.get("outputs") or {}).get("region") or "")


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _needs(state: dict[str, Any]) -> set[str]:
    of_inputs = (state.get("propertyDependencies") or {}).values()
    listed = [*(state.get("dependencies") or []), *(urn for urns in of_inputs for urn in urns or [])]
    return {*listed, state.get("parent", ""), state.get("deletedWith", "")}
