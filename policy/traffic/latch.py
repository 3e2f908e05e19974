"""Names in front of a database that go back by themselves."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import CannotDecideError, Resource, among, called
from .graph import CHECK, RECORD

DATABASES = (
    "aws:rds/instance:Instance",
    "aws:rds/cluster:Cluster",
    "azure-native:dbformysql:Server",
    "azure-native:dbforpostgresql:Server",
    "gcp:sql/databaseInstance:DatabaseInstance",
)
_ASKING = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")


def problems(one: Resource, found: Sequence[Resource]) -> Iterator[str]:
    data = next((other.name for other in found if other.type in DATABASES), None)
    roles = [policy.get("type") for policy in one.parts("failoverRoutingPolicies")]
    watched = one.get("healthCheckId") if data and "PRIMARY" in roles else None
    if not watched:
        return
    check = _check(watched, found)
    if not _stays(check, found, ()):
        yield (
            f"{one.get('name')} leads to database {data} and follows check {check.name} ({check.get('type')}), so it "
            "goes back as soon as the old primary answers, and what was written meanwhile is lost: give it a check "
            "that stays as it was set (RECOVERY_CONTROL, or CALCULATED over a latch, and over all of its checks)"
        )


def _check(identifier: object, found: Sequence[Resource]) -> Resource:
    check = called(identifier, found, ("id",), CHECK)
    if check is None:
        raise CannotDecideError(
            f"check {identifier} is not among these resources: make it in this program, so that what it follows is seen"
        )
    return check


def _stays(check: Resource, found: Sequence[Resource], above: tuple[str, ...]) -> bool:
    """Whether somebody's decision can keep it red, whatever the end says that it asks."""
    kind = check.get("type")
    if kind == "RECOVERY_CONTROL":
        return True
    if check.get("invertHealthcheck") is True and kind in (*_ASKING, "CALCULATED"):
        return True  # red while an object is there: a latch
    if kind != "CALCULATED" or check.name in above:
        return False
    children = [_check(child, found) for child in check.get("childHealthchecks", [])]
    follow = [child for child in children if not _stays(child, found, (*above, check.name))]
    return len(follow) < check.number("childHealthThreshold", 0)


POLICY = among(
    "stateful-name-without-latch",
    Severity.HIGH,
    "A name in front of data moves back only when somebody says so, after the data has (K18, K30; Route 53 Application "
    "Recovery Controller, routing control).",
    {RECORD: problems},
    (CHECK, *DATABASES),
)
