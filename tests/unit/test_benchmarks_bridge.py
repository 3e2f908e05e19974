"""A zero on the internet bridge counts only when the sniffer is shown to see."""

import json
import subprocess

import pytest

from benchmarks.bridge import CONTROL, CONTROLS, watched
from benchmarks.context import NotMeasured


class Lab:
    """What `watched` asks of the live lab; `stop` is what `lab capture stop` answers."""

    def __init__(self, **stop):
        self.asked = []
        self.stop = {"missed": 0, "encrypted": 400, "file": "/pcap"} | stop

    def lab(self, *words):
        self.asked.append(" ".join(words))
        return json.dumps(self.stop if "stop" in words else {})

    def on(self, *words):
        self.asked.append(" ".join(words))


class Tcpdump:
    """Answers each tcpdump filter with its packets."""

    def __init__(self, **packets):
        self.packets = packets

    def command(self, _, words):
        kind = "controls" if words[-1] == CONTROL else "clear"
        return subprocess.CompletedProcess(words, 0, "".join(f"{one}\n" for one in self.packets[kind]))


def test_controls_are_told_apart_from_leaks():
    lab = Lab()
    with watched(Tcpdump(controls=["c"] * CONTROLS, clear=["192.168.64.20 > 10.20.2.20"]), lab) as caught:
        pass
    assert (caught().clear, caught().controls, caught().encrypted) == (1, CONTROLS, 400)
    assert lab.asked == ["capture start --json", f"initiator clear {CONTROLS}", "capture stop --json"]


@pytest.mark.parametrize(
    ("stop", "controls", "words"),
    [
        ({}, [], "did not catch the clear packets"),
        ({"missed": 3}, ["c"], "missed 3 packets"),
        ({"encrypted": 0}, ["c"], "saw 0 encrypted"),
    ],
)
def test_a_sniffer_that_may_be_blind_measures_nothing(stop, controls, words):
    with pytest.raises(NotMeasured, match=words), watched(Tcpdump(controls=controls, clear=[]), Lab(**stop)):
        pass


def test_the_capture_ends_also_when_what_it_watched_broke():
    lab = Lab()
    with pytest.raises(KeyError), watched(Tcpdump(controls=["c"], clear=[]), lab):
        raise KeyError("drill")
    assert lab.asked[-1] == "capture stop --json"
