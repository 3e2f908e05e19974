"""Drawing characters, and what all types of this package have in common."""

import secrets
import string
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.framework.changes import Declared
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, ResourceType

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
"""The provider's default special characters (documentation of override_special)."""


class RandomType(ResourceType):
    """Every input replaces."""

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        return Declared(frozenset(schema["inputs"]), frozenset())


class Characters(RandomType):
    """RandomString and RandomPassword draw alike."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "lower": True, "upper": True, "numeric": True, "number": True, "special": True,
        "minLower": 0, "minUpper": 0, "minNumeric": 0, "minSpecial": 0,
    }  # fmt: skip

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        given = {**self.defaults, **inputs}
        length, least = given["length"], sum(given[f"min{one}"] for one in ("Lower", "Upper", "Numeric", "Special"))
        if isinstance(length, int) and length < max(1, least):
            yield Problem(
                "length", f"length is {length}; it must be at least 1 and at least the sum of all min values, {least}"
            )
        if not any(given[one] for one in ("lower", "upper", "special")) and not (given["numeric"] and given["number"]):
            yield Problem(
                "length", "at least one of lower, upper, numeric, special must be true: there is nothing to draw from"
            )

    def draw(self, inputs: Mapping[str, Any]) -> str:
        """Uniform over the allowed characters after each minimum is met, in random order."""
        given = {**self.defaults, **inputs}
        alphabets = {
            "Lower": string.ascii_lowercase if given["lower"] else "",
            "Upper": string.ascii_uppercase if given["upper"] else "",
            "Numeric": string.digits if given["numeric"] and given["number"] else "",
            "Special": (given.get("overrideSpecial") or SPECIAL) if given["special"] else "",
        }
        least = {"Lower": string.ascii_lowercase, "Upper": string.ascii_uppercase, "Numeric": string.digits}
        least["Special"] = given.get("overrideSpecial") or SPECIAL
        drawn = [secrets.choice(least[one]) for one in alphabets for _ in range(given[f"min{one}"])]
        everything = "".join(alphabets.values())
        drawn += [secrets.choice(everything) for _ in range(given["length"] - len(drawn))]
        secrets.SystemRandom().shuffle(drawn)
        return "".join(drawn)


def bcrypt_hash(password: str) -> str:
    """Cost 10, as the provider's; of the first 72 bytes, which is all that bcrypt reads."""
    import bcrypt

    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(10)).decode()
