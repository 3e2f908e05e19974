"""Disks, file systems and databases that lie unencrypted."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each
from .copies import CLUSTER, FLAG, INSTANCE, SOURCES, VOLUME

MACHINE = "aws:ec2/instance:Instance"
_FILES = "aws:efs/fileSystem:FileSystem"


def _flag(one: Resource) -> Iterator[str]:
    name = FLAG.get(one.type, "encrypted")
    # A copy is as its source is: inherited-unseen judges it.
    if one.get(name) is not True and not any(map(one.given, SOURCES.get(one.type, ()))):
        yield f"{name} is not set, and cannot be set once it holds data: set it to true now"


def _machine(one: Resource) -> Iterator[str]:
    if one.given("rootBlockDevice") and one.get("rootBlockDevice.encrypted") is not True:
        yield "rootBlockDevice.encrypted is not set, and the machine's snapshots would be readable: set it to true"
    for disk in one.parts("ebsBlockDevices"):
        if disk.get("encrypted") is not True and not disk.given("snapshotId"):
            yield f"disk {disk.get('deviceName')} is not encrypted, and cannot be later: set encrypted to true"


POLICY = each(
    "storage-unencrypted",
    Severity.HIGH,
    "Disks and databases are encrypted from the start: a snapshot that is shared or copied to the other site by "
    "mistake says nothing (Security Hub EC2.3, RDS.3, EFS.1). Buckets and Azure's disks are by default.",
    {
        **dict.fromkeys((VOLUME, _FILES, INSTANCE, CLUSTER), _flag),
        MACHINE: _machine,
    },
)
