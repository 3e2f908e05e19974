"""Health checks that cannot work, or say something about themselves."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from twinsite.rules.records import check_problems
from twinsite.rules.traffic import CHECK_TEXT_LENGTH

from ..judging import Resource, together
from .graph import CHECK, CHECK_READS, RECORD, props_of

_ENDPOINT = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")


def problems(found: Sequence[Resource]) -> Iterator[str]:
    yield from check_problems(props_of(found, CHECK), props_of(found, RECORD))
    for one in found:
        if one.type == CHECK:
            for sentence in _alone(one):
                yield f"{one.name}: {sentence}"


def _alone(one: Resource) -> Iterator[str]:
    kind, text = str(one.get("type")), str(one.get("searchString", ""))
    if kind in _ENDPOINT and not one.get("fqdn") and not one.get("ipAddress"):
        yield f"a check of type {kind} asks nobody: set fqdn or ipAddress of the end itself"
    if kind.endswith("_STR_MATCH") and not text:
        yield f"a check of type {kind} looks for no text: set searchString to what only a working page says"
    if len(text) > CHECK_TEXT_LENGTH:
        yield f"searchString has {len(text)} characters and Route 53 takes {CHECK_TEXT_LENGTH}: shorten it"
    children, needed = one.get("childHealthchecks", []), one.get("childHealthThreshold")
    if kind == "CALCULATED" and needed is not None and needed > len(children):
        yield f"childHealthThreshold is {needed:g} of {len(children)} checks, so it is red for ever: set it to at "
        "most that"
    if kind == "CALCULATED" and needed == 0:
        yield "childHealthThreshold is 0, which Route 53 takes for always healthy: set it to 1 or more"


POLICY = together(
    "check-cannot-work",
    Severity.HIGH,
    "A check asks a public end directly, for something that only a working one says (K34; Route 53 developer guide, "
    "health checks).",
    {CHECK: CHECK_READS, RECORD: ("name", "failoverRoutingPolicies")},
    problems,
)
