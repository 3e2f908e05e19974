"""Container images that come from the region that may fail."""

import re
from collections.abc import Iterator

from pulumi_policy import Severity

from .aws_regions import region_of
from .judging import Resource, each

_REGISTRY = re.compile(r"^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")


def _task(one: Resource) -> Iterator[str]:
    here = region_of(one)
    for container in one.document("containerDefinitions", among="containers").parts("containers"):
        registry = _REGISTRY.match(str(container.get("image", "")))
        if here and registry and registry[1] != here:
            yield (
                f"container {container.get('name')} takes its image from {registry[1]}, and runs in {here}, so it "
                f"does not start when {registry[1]} is down: name the registry of {here}, and let a "
                "ReplicationConfiguration copy to it"
            )


def _copies(one: Resource) -> Iterator[str]:
    here = region_of(one)
    rules = one.part("replicationConfiguration").parts("rules")
    regions = [to.get("region") for rule in rules for to in rule.parts("destinations")]
    if here and regions and set(regions) == {here}:
        yield f"images are copied to {here} only, where they are: name the standby's region in destinations"


POLICY = each(
    "image-from-other-region",
    Severity.HIGH,
    "A standby's images are in its own region (K47; ECR user guide, private image replication). That old images were "
    "copied no graph shows.",
    {
        "aws:ecs/taskDefinition:TaskDefinition": _task,
        "aws:ecr/replicationConfiguration:ReplicationConfiguration": _copies,
    },
)
