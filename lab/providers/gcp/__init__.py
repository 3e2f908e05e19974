"""Stand-in for the gcp provider: networks, Cloud SQL, nodes and the VPN become real, the rest is recorded.

Here: the types, as rows of recorded.py or files; cloud.py with what all of them share; topology.py, how records become
the box's world. Not here: Google's APIs under their own names (lab/services/google).
"""

from collections.abc import Mapping
from typing import Any

from lab.providers.framework.checks import Problem

REAL = "Google Cloud"
ACTS = True
"""Whether types act outside their own process: without a box they are then recorded only."""

_NOT_DONE = ("addPulumiAttributionLabel", "batching", "defaultLabels", "universeDomain", "userProjectOverride")
"""Configuration that would change what is made, and that the lab does not follow: refused, never ignored."""


def config_problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the provider's configuration. Credentials are not looked at: nobody is asked."""
    return [
        Problem(key, f"the twinsite lab does not follow {key}: take it out of the lab's stack")
        for key in _NOT_DONE
        if values.get(key)
    ]
