"""Stand-in for the kubernetes provider: a site's cluster as far as a backup job needs one.

Here: one file a type, cluster.py with what all share. Not here: who runs a job (lab/services).
"""

from collections.abc import Mapping
from typing import Any

from lab.providers.framework.checks import Problem

REAL = "a Kubernetes cluster"
ACTS = True
"""Whether types act outside their own process: without a box they are then recorded only."""

_NOT_DONE = ("enableConfigMapMutable", "enableSecretMutable", "renderYamlToDirectory", "upsertExistingObjects")
"""Configuration that would change what is made, and that the lab does not follow: refused, never ignored."""


def config_problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the provider's configuration."""
    return [
        Problem(key, f"the twinsite lab does not follow {key}: take it out of the lab's stack")
        for key in _NOT_DONE
        if values.get(key)
    ]
