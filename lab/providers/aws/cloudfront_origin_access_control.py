"""How the edge signs its requests to an origin."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.edge import EdgeType
from lab.providers.framework.types import AutoName


class OriginAccessControl(EdgeType):
    """Recorded: the lab's edges do not sign."""

    token = "aws:cloudfront/originAccessControl:OriginAccessControl"
    live = False
    tagged = False
    arn_path = "origin-access-control/"
    updates = frozenset({"description", "name", "originAccessControlOriginType", "signingBehavior", "signingProtocol"})
    defaults: ClassVar[Mapping[str, Any]] = {"description": "Managed by Pulumi"}
    autoname = AutoName("name", 64)
