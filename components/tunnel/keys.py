"""Pre-shared keys as every end takes them: of a drawn result, with a letter first."""

from .. import rules
from ..rules.tunnel import psk_problems


def key(generation: str, result: str) -> str:
    """The key of a drawn result. Refused when it could not serve."""
    made = f"p{result}"
    rules.require(f"pre-shared key generation {generation}", psk_problems(made))
    return made
