"""Which resources an `up` leaves out while a site is dead, and what would break by that (ADR 10). Pure."""

from typing import Any

_PACKAGES = {"aws": ("aws", "kubernetes")}
"""Pulumi's packages of what stands at a site; the cluster is EKS."""


def words(site: str) -> list[str]:
    """`pulumi`'s words for a site's resources: also for new ones, which no state knows yet."""
    # Types of these packages have a slash (aws:route53/record:Record), so their providers do not match.
    return [word for package in _PACKAGES.get(site, ()) for word in ("--exclude", f"**{package}:*/**")]


def new_and_needed(steps: list[dict[str, Any]], site: str) -> list[tuple[str, str]]:
    """What needs which resource that is left out at a site and does not exist yet, by a preview's steps.

    Pulumi goes on there (3.259): "unknown" comes in the place of what it would have told, and the state is broken.
    """
    prefixes = tuple(f"{package}:" for package in _PACKAGES.get(site, ()))
    there = {step["urn"]: step.get("oldState") or {} for step in steps if _type(step["urn"]).startswith(prefixes)}
    new = {urn for urn, state in there.items() if not state.get("id")}
    needs = {step["urn"]: _needs(step.get("newState") or {}) & new for step in steps if step["urn"] not in there}
    return sorted((_name(urn), _name(one)) for urn, found in needs.items() for one in found)


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _needs(state: dict[str, Any]) -> set[str]:
    of_inputs = (state.get("propertyDependencies") or {}).values()
    listed = [*(state.get("dependencies") or []), *(urn for urns in of_inputs for urn in urns or [])]
    return {*listed, state.get("parent", ""), state.get("deletedWith", "")}
