"""A statement in a DSSE envelope [DSSE protocol 1.0.0]. Pure.

A statement has one spelling (keys sorted, no spaces, ASCII, no NaN), and so has its envelope: a record whose bytes are
another spelling of the same is refused by who verifies.
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from .keys import Key

RECORD = "application/vnd.twinsite.record.v1+json"
APPROVAL = "application/vnd.twinsite.approval.v1+json"
"""Payload types: what is signed as the one is never taken for the other."""


def plain(value: Any) -> Any:
    """In JSON's own types; what JSON has no number for is null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int)) else str(value)


def canonical(value: Any) -> bytes:
    """The one spelling of plain JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest(content: bytes) -> str:
    """How one record names another, and a record what it is about."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _encoding(kind: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)


def sealed(statement: Mapping[str, Any], key: Key, kind: str = RECORD) -> bytes:
    """The envelope."""
    body = canonical(plain(statement))
    signature = key.sign(_encoding(kind, body))
    return canonical(
        {
            "payload": base64.b64encode(body).decode(),
            "payloadType": kind,
            "signatures": [{"keyid": key.id, "sig": base64.b64encode(signature).decode()}],
        }
    )


def statement(envelope: bytes) -> dict[str, Any]:
    """What an envelope holds, unverified. ValueError when it is none."""
    try:
        found = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    except (KeyError, TypeError) as problem:
        raise ValueError(f"it is no envelope: {problem}") from None
    if not isinstance(found, dict):
        raise ValueError("it holds no statement")
    return found
