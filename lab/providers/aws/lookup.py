"""What the package's functions share: records by id, in the provider's words when there is none."""

from typing import Any

from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal


def record(box: Box | None, token: str, identity: str, what: str) -> dict[str, Any]:
    """One record. Refusal as terraform-provider-aws has it (tfresource.SingularDataSourceFindError)."""
    found = the(box).record(token, identity)
    if found is None:
        raise Refusal(f"no matching {what} found")
    return found


def the(box: Box | None) -> Box:
    """The box. Refusal without one: there is no account that could answer."""
    if box is None:
        raise Refusal("this is the twinsite lab without a box, which has no account to ask")
    return box
