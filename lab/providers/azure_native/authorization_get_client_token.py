"""Function getClientToken: a token of the identity that the provider itself uses."""

from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.api import token
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal

_MANAGEMENT = "https://management.azure.com/"


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """The real provider makes the scope from `endpoint` as it is, and "/.default"."""
    if box is None:
        raise Refusal("this is the twinsite lab without a box, which has nobody to give tokens")
    return {"token": token(str(arguments.get("endpoint") or _MANAGEMENT))}
