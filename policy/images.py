"""Images that nobody repairs any more."""

from collections.abc import Iterator

from pulumi_policy import Severity

from twinsite.rules.standby import image_problems

from .judging import Resource, each

_PARTS = ("publisher", "offer", "sku", "version")


def _azure(one: Resource) -> Iterator[str]:
    image = one.get("storageProfile.imageReference", {})
    if all(image.get(part) for part in _PARTS):
        yield from image_problems(":".join(str(image[part]) for part in _PARTS))


POLICY = each(
    "image-out-of-support",
    Severity.MEDIUM,
    "A standby starts from an image whose packages are still repaired and still there (K25; Ubuntu release cycle).",
    {"azure-native:compute:VirtualMachine": _azure},
)
