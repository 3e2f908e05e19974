"""The zones that the lab's account has, and what EC2 offers there. It lacks zone b, as an account may."""

_LACKING = {"c": ("t2.",)}
"""Letter of a zone → types that it has not, by their beginnings."""


def zones(region: str) -> list[str]:
    """The account's zones of a region."""
    return [f"{region}a", f"{region}c"]


def offering(region: str, kind: str) -> list[str]:
    """Those that have this instance type."""
    return [zone for zone in zones(region) if not kind.startswith(_LACKING.get(zone[-1], ()))]
