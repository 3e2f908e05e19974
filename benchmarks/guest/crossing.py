#!/usr/bin/env python3
"""Sends echoes through the tunnel from this gateway for a while and says what became of them and of the IKE SAs.

crossing.py SECONDS [terminate]    with `terminate`, the IKE SA is closed once in the middle

One JSON object: {"sent", "answered", "ike_before": newest unique id, "ike_after", "up": is a CHILD_SA installed}.
charon numbers its IKE SAs in the order in which it makes them, so the difference counts every new one, failed or not.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, "/opt/twinsite")  # where the payload is package `current`


def _sas(connection: str) -> "tuple[int, bool]":
    """(newest IKE unique id, whether a CHILD_SA is installed)."""
    from current.drill import vici  # type: ignore[import-not-found]

    link = vici.Vici()
    try:
        found = vici.summary(link.sas(), connection)
    finally:
        link.close()
    newest = max((int(sa["unique_id"]) for sa in found["ike"]), default=0)
    return newest, any(child["state"] == "INSTALLED" for child in found["children"])


def _echoes(config: "dict[str, str]", seconds: float) -> "tuple[int, int]":
    """(sent, answered), five a second."""
    command = ["ping", "-n", "-q", "-i", "0.2", "-w", str(max(1, round(seconds)))]
    command += ["-I", config["local_address"], config["peer_private_address"]]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    if found is None:
        raise SystemExit(f"ping said nothing usable: {text.strip() or command}")
    return int(found[1]), int(found[2])


def main(seconds: str, *rest: str) -> int:
    config = json.loads(pathlib.Path("/etc/twinsite/gateway.json").read_text(encoding="utf-8"))
    connection = config["connection"]
    before, _ = _sas(connection)
    sent, answered = _echoes(config, float(seconds) / 2)
    if rest == ("terminate",):
        command = ["swanctl", "--terminate", "--ike", connection, "--timeout", "5"]
        subprocess.run(command, capture_output=True, check=True)
    more = _echoes(config, float(seconds) / 2)
    sent, answered = sent + more[0], answered + more[1]
    deadline = time.monotonic() + 30
    after, up = _sas(connection)
    while not up and time.monotonic() < deadline:
        time.sleep(0.2)
        after, up = _sas(connection)
    print(json.dumps({"sent": sent, "answered": answered, "ike_before": before, "ike_after": after, "up": up}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
