"""A Cloud Router. It speaks BGP once it has a tunnel with an interface and a peer."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class Router(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/router:Router"
    path = "projects/{project}/regions/{region}/routers/{name}"
    live = True
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {"creationTimestamp": "{now}"}
