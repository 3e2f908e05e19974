"""What a resource takes over from another: seen there, or nobody has judged it."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from .data.copies import CALLED, FLAG, SOURCES, VOLUME
from .data.encryption import MACHINE
from .judging import CannotDecideError, Resource, among, called

_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_JUDGED = ("aws:ebs/volume:Volume", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster")
"""Whose own setting storage-unencrypted judges, or this policy."""


def _copy(one: Resource, found: Sequence[Resource]) -> Iterator[str]:
    flag, ways = FLAG[one.type], [path for path in SOURCES[one.type] if one.given(path)]
    if not ways or one.if_known(flag) is True:
        return
    # A first preview does not know those that the provider may fill; they come last.
    path = next((path for path in ways if one.if_known(path) is not None), ways[0])
    source = called(one.get(path), found, CALLED)
    if source is None:
        raise CannotDecideError(
            f"its encryption is that of {one.within}{path} {one.get(path)}, which is not among these resources: set "
            f"{flag} to true, or make the source in this program"
        )
    if source.type not in _JUDGED:
        yield from _snapshot(source, found)


def _snapshot(one: Resource, found: Sequence[Resource]) -> Iterator[str]:
    if any(called(one.if_known(path), found, CALLED) for path in SOURCES[one.type]):
        return  # of something that is judged itself
    if one.get(FLAG[one.type]) is not True:
        yield (f"it is made of {one.name}, which is not encrypted: copy that with a kmsKeyId, and make it of the copy")


def _machine(one: Resource, found: Sequence[Resource]) -> Iterator[str]:
    for disk in one.parts("ebsBlockDevices") if one.given("ebsBlockDevices") else ():
        yield from _copy(Resource(VOLUME, disk.name, disk.props, within=disk.within), found)
    own = [one.if_known(f"metadataOptions.{name}") for name in ("httpTokens", "httpEndpoint")]
    if any(own) or not one.given("launchTemplate"):
        return
    names = [name for name in map(one.if_known, ("launchTemplate.id", "launchTemplate.name")) if name is not None]
    if not names:
        one.get("launchTemplate.id")
    if not any(called(name, found, ("id", "name"), _TEMPLATE) for name in names):
        raise CannotDecideError(
            f"its metadata service is as launchTemplate {', '.join(names)} says, which is not among these: set "
            "metadataOptions.httpTokens to required here, or make the template in this program"
        )


POLICY = among(
    "inherited-unseen",
    Severity.HIGH,
    "What a copy takes over from its source and a machine from its template is seen there, or set for itself (EBS user "
    "guide, encryption from snapshots; RDS user guide, encrypted replicas; EC2 user guide, launch templates).",
    {**dict.fromkeys(_JUDGED, _copy), MACHINE: _machine},
    (*FLAG, _TEMPLATE),
)
