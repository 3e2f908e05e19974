"""Stand-in for the aws provider: networks, machines, addresses and identities of this lab's box; S3, Secrets Manager
and SSM through their own API under their own names.

Here: one file a type; cloud.py with what all types share, topology.py with how records become the box's world, api.py
for the types that call an API. Not here: what the box does with the world (lab/box), who answers the APIs
(lab/services).
"""

import re
from collections.abc import Mapping
from typing import Any

from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Refusal

REAL = "AWS"
ACTS = True
"""Whether types act outside their own process: without a box they are then recorded only."""

_NOT_DONE = (
    "assumeRoles",
    "assumeRoleWithWebIdentity",
    "defaultTags",
    "endpoints",
    "ignoreTags",
    "tagPolicyCompliance",
)
"""Configuration that would change what is made, and that the lab does not follow: refused, never ignored."""


def config_problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the provider's configuration."""
    import os

    found = [
        Problem(key, f"the twinsite lab does not follow {key}: take it out of the lab's stack")
        for key in _NOT_DONE
        if values.get(key)
    ]
    region = values.get("region")
    if isinstance(region, str) and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        found.append(Problem("region", f"invalid AWS Region: {region}"))
    if not region and not os.environ.get("AWS_REGION") and not os.environ.get("AWS_DEFAULT_REGION"):
        found.append(
            Problem("region", "Missing region configuration. Give it with `pulumi config set aws:region us-west-2`.")
        )
    return found


def configured(values: Mapping[str, Any], box: Box | None) -> None:
    """The real provider asks STS who it is before anything else, unless told not to. Refusal while AWS is dark."""
    asks = [key for key in ("skipCredentialsValidation", "skipRequestingAccountId") if values.get(key) is not True]
    if asks and box is not None and box.dark("aws", str(values.get("region") or "")):
        raise Refusal(
            "validating provider credentials: retrieving caller identity from STS: operation error STS: "
            "GetCallerIdentity, https response error StatusCode: 0, request send failed: dial tcp: i/o timeout. AWS is "
            f"dark in this lab; a stack that must come up then sets {' and '.join(f'aws:{key}' for key in asks)}"
        )
