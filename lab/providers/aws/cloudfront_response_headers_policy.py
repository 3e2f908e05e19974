"""Headers that the edge adds to answers."""

from lab.providers.aws.edge import EdgePolicy
from lab.providers.framework.types import AutoName


class ResponseHeadersPolicy(EdgePolicy):
    """Recorded: the lab's edges add no headers."""

    token = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
    live = False
    arn_path = "response-headers-policy/"
    updates = frozenset(
        {"comment", "corsConfig", "customHeadersConfig", "name", "removeHeadersConfig", "securityHeadersConfig",
         "serverTimingHeadersConfig"}
    )  # fmt: skip
    autoname = AutoName("name", 128)
