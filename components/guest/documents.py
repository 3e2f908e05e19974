"""The JSON documents that tell a host its role, as every role reads them."""

import json
import pathlib
from typing import Any

from .errors import Refused


def read(path: str) -> dict[str, Any]:
    """A document's object; Refused when it is missing or unreadable."""
    try:
        found = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused([f"{path} is missing: run `pulumi up`, or the bundle's install.sh, which write it"]) from None
    except (OSError, ValueError) as error:
        raise Refused([f"{path} cannot be read: {error}"]) from None
    if not isinstance(found, dict):
        raise Refused([f"{path} holds no JSON object"])
    return found


def whole_number(
    data: dict[str, Any], name: str, default: int | None, low: int, high: int, problems: list[str], of: str = ""
) -> int:
    """A whole number from `low` to `high`, else one more problem. `of`: what the name is a part of, with a dot."""
    value = data.get(name, default)
    # JSON from Pulumi may carry 7 as 7.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        problems.append(f"{of}{name} is {value!r}: give a whole number from {low} to {high}")
        return low if default is None else default
    return value
