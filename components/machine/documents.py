"""The documents that tell a host what to be (guest/agent/install.py reads them)."""

import base64
import hashlib
import json
from typing import Any

from ..deflate import gzipped
from ..partition import partition
from ..payload import END, archived, guest_file, payload, payload_sha256


def canonical(document: Any) -> str:
    """JSON whose text depends on the content only."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def digest(*documents: Any) -> str:
    """16 hex digits over documents; changes when anything that a host is told changes. install.py computes the same."""
    return hashlib.sha256("\n".join(canonical(document) for document in documents).encode()).hexdigest()[:16]


def desired(role: str, config: dict[str, Any], operators: dict[str, Any] | None) -> dict[str, Any]:
    """desired.json without the places that only a store has."""
    return {"payload_sha256": payload_sha256(role), "role": role, "config": config, "operators": operators}


def bundle(role: str, config: dict[str, Any], secrets: dict[str, Any]) -> str:
    """Base64 of one tar.gz with everything an existing host needs; secret, because the role's secrets are in it."""
    parts = {
        "install.sh": (guest_file("agent/bundle-install.sh").encode(), 0o700),
        "payload.tar.gz": (payload(role), 0o600),
        "desired.json": (canonical(desired(role, config, None)).encode(), 0o600),
        "secrets.json": (canonical({"role": secrets}).encode(), 0o600),
    }
    return base64.b64encode(gzipped(archived(parts) + END)).decode()


def bootstrap(template: str = "user-data.yaml", cloud: str = "aws") -> str:
    """Cloud-init document that starts the agent of today, without where its documents are."""
    text = guest_file(f"agent/{template}")
    for name, file in (
        (f"{cloud}_py", f"{cloud}.py"),
        ("agent_py", "agent.py"),
        ("agent_service", "twinsite-agent.service"),
    ):
        text = text.replace("${" + name + "}", packed(f"agent/{file}"))
    return text


def placed(bootstrap: str, place: dict[str, str]) -> str:
    """A bootstrap with where the documents are."""
    return bootstrap.replace("${agent_json}", canonical(place))


def user_data(bootstrap: str, bucket: str, region: str, host: str, generation: int = 1) -> str:
    """Cloud-init user data; another generation's differs. ValueError above EC2's limit of 16 KiB
    raw (F16-user-data)."""
    place = {"bucket": bucket, "region": region, "host": host}
    if partition(region).dns_suffix != "amazonaws.com":  # left out where it is what agents take without it
        place["suffix"] = partition(region).dns_suffix
    text = placed(bootstrap, place)
    if generation > 1:
        text += f"# generation {generation}\n"
    if len(text.encode()) > 16384:
        raise ValueError(f"user data has {len(text.encode())} bytes, EC2 takes 16384: move code into the payload")
    return text


def packed(path: str) -> str:
    """A guest file for cloud-init's encoding gz+b64."""
    return base64.b64encode(gzipped(guest_file(path).encode())).decode()
