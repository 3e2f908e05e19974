"""What a program asked of the engine in one `up`, as one fingerprint: two that are equal asked for the same. Pure.

An event shows a resource as the engine went on with it; the request, what the program wants, also of a property that is
ignored once it is set (a machine's first-boot text, ADR 26).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MONITOR = "/pulumirpc.ResourceMonitor/"
_QUESTIONS = ("Invoke", "GetDeploymentInfo", "SupportsFeature")
"""Of an answer what is made of it is seen. A hook of a creation asks, too, and runs only then."""
_WHERE = ("sourcePosition", "sourcePositions", "stackTrace")
"""Lines of the program; a comment moves them."""
_CREATE = ("beforeCreate", "afterCreate")
_ASSETS = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")
_SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class Asked:
    """Of one `up`."""

    fingerprint: str = ""
    """"" where it says nothing: a file is named by its path, whose content no request has, or nothing was traced."""
    hooked: bool = False
    """Whether functions of the program run when something is created: whose code no request has either."""


def read(lines: Iterable[str]) -> Asked:
    """Of the calls that PULUMI_DEBUG_GRPC writes, a JSON object a line: {"method", "request", "response"}."""
    asked: set[str] = set()
    hooked = files = False
    for line in lines:
        if f'"{MONITOR}' not in line:
            continue
        call = json.loads(line)
        request = call.get("request")
        # Each is there twice, when it begins and with its response.
        made = call["method"].startswith(MONITOR) and not call["method"].endswith(_QUESTIONS)
        if not made or not isinstance(request, dict) or call.get("response") is not None:
            continue
        files = files or any(_by_path(one) for one in _objects(request))
        hooked = hooked or any(request.get("hooks", {}).get(one) for one in _CREATE)
        asked.add(json.dumps([call["method"], _plain(request)], sort_keys=True))
    if not asked or files:
        return Asked("", hooked)
    return Asked(hashlib.sha256("\n".join(sorted(asked)).encode()).hexdigest(), hooked)


def _plain(request: dict[str, Any]) -> dict[str, Any]:
    """Without where it stands, and with what has no order in one order."""
    found = {key: value for key, value in request.items() if key not in _WHERE}
    found.pop("callback", None)  # of a hook: a port and a number that are others each time
    if "dependencies" in found:
        found["dependencies"] = sorted(found["dependencies"])
    if "propertyDependencies" in found:
        known = found["propertyDependencies"]
        found["propertyDependencies"] = {key: sorted(one.get("urns", ())) for key, one in known.items()}
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from _objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from _objects(one)


def _by_path(value: dict[str, Any]) -> bool:
    """Whether it is a file, an archive or an address; text is in the request itself."""
    return value.get(_SIGNATURE) in _ASSETS and "text" not in value
