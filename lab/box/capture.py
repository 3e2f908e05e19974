"""A sniffer on the internet bridge: which packets carry private addresses in clear, and how much crossed encrypted.

Two instruments. tcpdump keeps the packets that should not be there, as evidence; counters in the bridge count the
rest for nearly nothing (a capture of all traffic would cost more than the traffic).
"""

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from lab.box.host import BoxError, nft, run
from lab.box.layout import BRIDGE, PRIVATE_RANGES

CLEAR = "ip and (" + " or ".join(f"net {one}" for one in PRIVATE_RANGES) + ")"
"""tcpdump's filter: one private address is enough, because NAT may have replaced the other."""

COUNTERS = ("packets", "ike", "encrypted", "esp")
RULES = """table bridge capture
delete table bridge capture
table bridge capture {
    counter n_packets { }
    counter n_ike { }
    counter n_encrypted { }
    counter n_esp { }
    chain port_4500 {
        udp length 9 return comment "a NAT keepalive: one byte"
        @th,64,32 0 counter name n_ike return comment "the non-ESP marker, RFC 3948"
        counter name n_encrypted
    }
    chain forward {
        type filter hook forward priority -10; policy accept;
        ip version 4 counter name n_packets
        udp dport 500 counter name n_ike
        udp dport != 500 udp sport 500 counter name n_ike
        udp dport 4500 jump port_4500
        udp dport != 4500 udp sport 4500 jump port_4500
        ip protocol 50 counter name n_esp
    }
}
"""


class Capture:
    """One capture at a time."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self._namespace = namespace
        self._folder = folder
        self._tcpdump: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._filter = CLEAR

    def start(self, filter: str = CLEAR) -> dict[str, Any]:
        """Returns once packets are being caught: {"file", "filter"}. BoxError: one runs already, or a bad filter."""
        if self._tcpdump is not None:
            raise BoxError("a capture already runs: stop it first")
        self._folder.mkdir(parents=True, exist_ok=True)
        nft(RULES, self._namespace)
        self._filter = filter
        self._file.unlink(missing_ok=True)
        said = self._words.open("wb")
        with said:
            self._tcpdump = subprocess.Popen(
                [
                    *("ip", "netns", "exec", self._namespace, "tcpdump", "-n", "-U", "--immediate-mode", "-s", "160"),
                    *("-Z", "root", "-i", BRIDGE, "-w", str(self._file), filter),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        deadline = time.monotonic() + 10.0
        while "listening on" not in self._words.read_text():
            if self._tcpdump.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise BoxError(f"tcpdump does not catch anything: {self._words.read_text().strip()}")
            time.sleep(0.01)
        self._began = time.monotonic()
        return {"file": str(self._file), "filter": filter}

    def stop(self) -> dict[str, Any]:
        """{"cleartext_packets", "missed", "packets", "encrypted", "ike", "esp", "seconds", "examples", "filter",
        "file"}.

        `cleartext_packets` is what the filter caught; `missed` what the kernel caught and tcpdump did not get: a zero
        counts only when both are zero and `packets` is not. `examples` are the first five caught, as text.
        """
        if self._tcpdump is None:
            raise BoxError("no capture runs")
        seconds = time.monotonic() - self._began
        listed = json.loads(self._nft("-j", "list", "counters", "table", "bridge", "capture"))
        counts = {
            entry["counter"]["name"].removeprefix("n_"): int(entry["counter"]["packets"])
            for entry in listed["nftables"]
            if "counter" in entry
        }
        if set(counts) != set(COUNTERS):
            raise BoxError(f"the bridge has counters {sorted(counts)}, wanted {sorted(COUNTERS)}")
        self._end()
        words = self._words.read_text()
        caught = re.search(r"(\d+) packets? captured", words)
        missed = re.search(r"(\d+) packets? dropped by kernel", words)
        if caught is None or missed is None:
            raise BoxError(f"tcpdump ended without its counts: {words.strip()}")
        shown = run("tcpdump", "-n", "-c", "5", "-r", self._file).splitlines()
        return {
            "cleartext_packets": int(caught[1]),
            "missed": int(missed[1]),
            **counts,
            "seconds": round(seconds, 3),
            "examples": shown,
            "filter": self._filter,
            "file": str(self._file),
        }

    def close(self) -> None:
        """End a capture that nobody stopped."""
        if self._tcpdump is not None:
            self._end()

    @property
    def _file(self) -> Path:
        return self._folder / "internet.pcap"

    @property
    def _words(self) -> Path:
        return self._folder / "tcpdump.log"

    def _end(self) -> None:
        tcpdump, self._tcpdump = self._tcpdump, None
        if tcpdump is not None:
            if tcpdump.poll() is None:
                tcpdump.send_signal(signal.SIGINT)
            try:
                tcpdump.wait(5.0)
            except subprocess.TimeoutExpired:
                tcpdump.kill()
                tcpdump.wait()
            nft("table bridge capture\ndelete table bridge capture\n", self._namespace)

    def _nft(self, *words: str) -> str:
        return run("ip", "netns", "exec", self._namespace, "nft", *words)
