"""Stand-in for the cloudflare provider: what its load balancing is asked to be.

Here: the types as rows of recorded.py; nothing of them acts in the lab. Not here: what the sources say (../facts).
"""

from collections.abc import Mapping
from typing import Any

from lab.providers.framework.checks import Problem

REAL = "Cloudflare"
ACTS = True
"""Whether types act outside their own process: without a box they are then recorded only."""


def config_problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the provider's configuration. Credentials are not looked at: nobody is asked."""
    given = [key for key in ("apiToken", "apiKey", "apiUserServiceKey") if values.get(key)]
    if len(given) > 1:
        return [Problem(given[1], f"{' and '.join(given)} exclude each other: give the API token alone")]
    return []
