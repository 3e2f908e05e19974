"""Where resources may be, as the pack's configuration says."""

from collections.abc import Iterator

from pulumi_policy import PolicyConfigSchema, Severity

from .aws_regions import region_of
from .judging import Resource, each

_PLACELESS = ("global", "")


def problems(one: Resource) -> Iterator[str]:
    allowed = one.config.get("allowed")
    if not allowed:
        return
    what, place = _place(one)
    # Azure writes a region in two ways, `Korea Central` and `koreacentral`.
    spelt = place.lower().replace(" ", "")
    if what == "zone":
        spelt = spelt.rpartition("-")[0]
    if spelt not in _PLACELESS and spelt not in allowed:
        yield (f"{what} is {place}, and allowed are {', '.join(allowed)}: move it, or add {spelt} to `allowed`")


def _place(one: Resource) -> tuple[str, str]:
    """(what says where it is, what it says)."""
    package = one.type.partition(":")[0]
    if package == "aws":
        return ("region" if one.given("region") else "region of its provider"), region_of(one)
    for path in {"azure-native": ("location",), "gcp": ("region", "location", "zone")}.get(package, ()):
        if one.given(path):
            return path, str(one.get(path))
    return "", ""


POLICY = each(
    "region-not-allowed",
    Severity.MEDIUM,
    "Data stays where it may lie by law and contract: `allowed` in the pack's configuration; without it, everywhere "
    "(GDPR chapter V; AWS REL13-BP02, Azure paired regions).",
    problems,
    PolicyConfigSchema({"allowed": {"type": "array", "items": {"type": "string"}, "default": []}}),
)
