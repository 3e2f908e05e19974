"""What `gcloud container clusters resize` asks, at the desk: PROJECT LOCATION CLUSTER POOL NODES. Waits for the end."""

import json
import sys
import time
import urllib.request
from typing import Any

from operations.google import Identity

SECONDS = 150


def call(identity: Identity, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One call of GKE's API."""
    data = None if body is None else json.dumps(body).encode()
    url = identity.endpoints.url("container", f"v1/{path}")
    with urllib.request.urlopen(urllib.request.Request(url, data, identity.headers()), timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def main(project: str, location: str, cluster: str, pool: str, nodes: str) -> None:
    identity, place = Identity(), f"projects/{project}/locations/{location}"
    pools = f"{place}/clusters/{cluster}/nodePools/{pool}"
    began = call(identity, f"{pools}:setSize", {"nodeCount": int(nodes)})
    deadline = time.monotonic() + SECONDS
    while (said := call(identity, f"{place}/operations/{began['name']}"))["status"] != "DONE":
        if time.monotonic() > deadline:
            sys.exit(f"not done within {SECONDS} s: {said}")
        time.sleep(0.3)
    if "error" in said:
        sys.exit(str(said["error"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
