"""Chains of records for tests, and the verifier as whoever audits runs it."""

import base64
import importlib.machinery
import importlib.util
import io
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from operations import chain
from operations.chain.envelope import RECORD, canonical, digest, sealed
from operations.console import Plain

SCRIPT = pathlib.Path(__file__).parents[1] / "scripts" / "verify-evidence"
STEPS = ({"title": "take the operation lock"}, {"title": "restore the newest backup"})
PASSED = {
    "verdict": "passed",
    "figures": {"rto_seconds": 41.5, "rpo_seconds": 60},
    "checks": [{"name": "nothing is lost", "passed": True}, {"name": "quick enough", "passed": False}],
    "steps": [{"name": "restore", "started": "2026-11-29T10:00:00.000Z", "seconds": 3.2, "outcome": "done"}],
    "clocks": {"aws-database": {"offset_seconds": 0.002}},
    "problems": ["the standby's clock is late"],
}


def _loaded() -> Any:
    loader = importlib.machinery.SourceFileLoader("verify_evidence", str(SCRIPT))
    spec = importlib.util.spec_from_loader("verify_evidence", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


VERIFIER = _loaded()


def key(folder: pathlib.Path, person: str) -> chain.Key:
    """A person's, made at its first use."""
    return chain.mine({"TWINSITE_EVIDENCE_KEY": str(folder / f"{person}.pem")})


def trust(folder: pathlib.Path, *keys: chain.Key) -> pathlib.Path:
    """An auditor's list."""
    path = folder / "keys.json"
    path.write_text(json.dumps({one.path.stem: one.public for one in keys}))
    return path


def subject(folder: pathlib.Path, place: str = "") -> chain.Subject:
    return chain.Subject("dev", folder / "dev", "onprem-aws", "cold", "digest-1", place, {"rto_seconds": 60.0})


def attempt(about: chain.Subject, given: chain.Approval | None = None) -> chain.Attempt:
    return chain.begun(about, "drill restore", {"planned": True}, Plain(io.StringIO()), given)


def whole(about: chain.Subject) -> dict[str, Any]:
    """An attempt from beginning to end; its result."""

    def work(tell: chain.Planned) -> dict[str, Any]:
        tell(STEPS, {"backup": "b1"})
        return dict(PASSED)

    return chain.recorded(attempt(about), work)


def records(folder: pathlib.Path) -> dict[str, bytes]:
    """Name → content, in their order."""
    return {one.name: one.read_bytes() for one in sorted((folder / "records").glob("[0-9]*.json"))}


def told(content: bytes) -> dict[str, Any]:
    """What a record says."""
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(content)["payload"]))
    return found


def signed(said: Mapping[str, Any], by: chain.Key, claimed: str = "") -> bytes:
    """A record of these words; `claimed`: under another key's id."""
    envelope = json.loads(sealed(said, by, RECORD))
    if claimed:
        envelope["signatures"][0]["keyid"] = claimed
    return canonical(envelope)


def rechained(every: list[dict[str, Any]], by: chain.Key, claimed: str = "") -> list[bytes]:
    """The whole chain made anew: each follows the one before it."""
    found: list[bytes] = []
    for number, said in enumerate(every, 1):
        found.append(signed({**said, "number": number, "previous": digest(found[-1]) if found else ""}, by, claimed))
    return found
