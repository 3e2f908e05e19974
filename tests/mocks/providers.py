"""What the providers would say of a program's resources: the lab's stand-ins are asked, whose rules are the
providers' own (lab/providers/facts)."""

import functools
from typing import Any

from lab.providers import PACKAGES, tokens
from lab.providers.framework.provider import Provider
from lab.providers.framework.schema import Schemas, sdk_version
from lab.providers.framework.values import decode


@functools.cache
def _provider(package: str) -> tuple[Provider, frozenset[str]]:
    schemas, known = Schemas(package, sdk_version(package)), tokens(package)
    schemas.require(known)
    return Provider(package, schemas, connect=lambda: None), frozenset(known)


def _asked(type_: str) -> Provider | None:
    package = type_.partition(":")[0].replace("-", "_")
    if package not in PACKAGES:
        return None
    provider, known = _provider(package)
    return provider if type_ in known else None


def made_up(type_: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The name that a provider makes up for a resource which the program gives none."""
    provider = _asked(type_)
    rule = None if provider is None else provider.type(type_).autoname
    return {} if rule is None or inputs.get(rule.property) else {rule.property: f"{name}-made-up"}


def refused(urn: str, request: Any) -> list[str]:
    """Sentences on one RegisterResourceRequest; none for a type without a stand-in."""
    provider = _asked(request.type)
    if provider is None or not request.custom:
        return []
    _, problems = provider.check(urn, {}, decode(request.object), b"seed")
    return [f"{request.name} ({request.type}): {one.path}: {one.reason}" for one in problems]
