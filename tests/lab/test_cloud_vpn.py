"""The clouds' own VPN on real charons and BGP: what the program asks for comes up, what is told wrongly does not."""

import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.box import Box, BoxError, process
from lab.box.host import namespaces, nft
from lab.box.image import ensure_image
from lab.paths import TREE, cache
from twinsite.rules.vpn import one_way_cut_seconds, silent_cut_seconds

from .box_world import eventually
from .cloud_vpn_bed import (
    IN_SERVICES,
    IN_SUBNET,
    IN_VPC,
    WRONG,
    answers,
    associations,
    exchanged_ranges,
    joined,
)
from .cloud_vpn_flows import Flows
from .cloud_vpn_world import Records, routers, told
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

PREFIX = "tc"
UP_SECONDS = 40
"""For what takes two seconds on a quiet machine."""


@pytest.fixture(scope="module")
def records() -> Records:
    return told()


def test_four_tunnels_come_up_from_what_the_program_asked_for(records: Records, tmp_path: Path) -> None:
    with joined(tmp_path, PREFIX, *routers(records)) as bed:
        took = eventually(bed.up_but, UP_SECONDS, "four sessions")
        print(f"4 x BGP {took:.1f} s after the last daemon's start")
        ends = [end.id for end in (*bed.aws.ends, *bed.google.ends)]
        assert associations(bed, ends) == dict.fromkeys(ends, 1)
        for target in (IN_SUBNET, IN_SERVICES):
            eventually(lambda target=target: answers(bed, target), 10, f"an answer of {target}")
        eventually(lambda: bed.paths == (1, 4), 10, "one path at the VPN gateway, four at the Cloud Router")
        bed.box.vpns.cut([(end.outside, end.peer) for end in bed.aws.ends])
        assert not answers(bed, IN_SUBNET), "there is no other way than through the tunnels"


def test_a_session_that_google_is_told_to_shut_goes_alone_and_comes_back(records: Records, tmp_path: Path) -> None:
    aws, google = routers(records)
    first = google.ends[0].id
    with joined(tmp_path, PREFIX, aws, google) as bed:
        eventually(bed.up_but, UP_SECONDS, "four sessions")
        came = {end: said["connectionsEstablished"] for end, said in bed.box.vpns.sessions(google.id).items()}
        bed.box.vpns.apply([aws, dataclasses.replace(google, shut=(first,))])
        eventually(lambda: bed.up_but(first), UP_SECONDS, "three sessions")
        eventually(lambda: answers(bed, IN_SUBNET), 60, "an answer through the others")
        assert bed.box.vpns.associations(first) == 1, "its tunnel stays up"
        bed.box.vpns.apply([aws, google])
        eventually(bed.up_but, UP_SECONDS, "four sessions again")
        again = {end: said["connectionsEstablished"] for end, said in bed.box.vpns.sessions(google.id).items()}
    assert again == {**came, first: came[first] + 1}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_told_wrongly_stays_down_and_the_others_carry_on(records: Records, tmp_path: Path, name: str) -> None:
    wrong = WRONG[name]
    with joined(tmp_path, PREFIX, *routers(wrong.change(records))) as bed:
        eventually(lambda: bed.up_but(*wrong.tunnels), UP_SECONDS, "the others' sessions")
        ends = [end for tunnel in wrong.tunnels for end in (tunnel, bed.meets(tunnel))]
        known = dict.fromkeys(ends, wrong.associations)
        eventually(
            lambda: associations(bed, ends) == known, UP_SECONDS, f"{wrong.associations} associations of each end"
        )
        eventually(lambda: wrong.refused(bed), 60, "two refusals")
        assert bed.up_but(*wrong.tunnels)
        assert associations(bed, ends) == known
        eventually(lambda: answers(bed, IN_SUBNET), 10, "an answer through the others")


def test_without_the_routers_filter_exchanged_ranges_would_look_right(records: Records, tmp_path: Path) -> None:
    with joined(tmp_path, PREFIX, *routers(exchanged_ranges(records))) as bed:
        for router in (bed.aws, bed.google):
            nft("delete table ip inside\n", bed.namespace(router))
        eventually(bed.up_but, UP_SECONDS, "four sessions that must not be")


LONG = pytest.mark.long


@pytest.mark.parametrize(("hold", "ways"), [(30, 2), pytest.param(30, 1, marks=LONG), pytest.param(60, 2, marks=LONG)])
def test_a_tunnel_that_is_cut_silently_loses_its_traffic_for_the_hold_time(
    records: Records, tmp_path: Path, hold: int, ways: int
) -> None:
    aws, google = routers(records)
    aws = dataclasses.replace(aws, hold_seconds=hold, keepalive_seconds=hold // 3)
    with joined(tmp_path, PREFIX, aws, google) as bed:
        eventually(lambda: bed.paths == (1, 4), UP_SECONDS, "all paths")
        here, there = (bed.namespace(aws), IN_VPC), (bed.namespace(google), IN_SUBNET)
        with Flows(here, there, 8) as out, Flows(there, here, 32) as back:
            eventually(lambda: out.whole and back.whole, 20, "traffic both ways")
            cut = bed.used
            bed.box.vpns.cut([(cut.outside, cut.peer), (cut.peer, cut.outside)][:ways])
            (met,) = (end.id for end in google.ends if bed.meets(end.id) == cut.id)
            eventually(lambda: bed.up_but(met), hold * 1.5 + 20, "the end of the session that was cut, and of no other")
            eventually(lambda: out.whole and back.whole, 20, "traffic both ways by the others")
            bed.box.vpns.cut([])
            again = eventually(bed.up_but, 40, "four sessions after the tunnel's return")
        out_lost, back_lost = out.lost_seconds(), back.lost_seconds()
        lost = f"lost {max(out_lost):.1f} s out, {max(back_lost):.1f} s back"
        print(f"cut {ways} way(s), hold {hold} s: {lost}; 4 x BGP {again:.1f} s after its return")
        assert min(out_lost) > hold / 2, "AWS uses one tunnel, and it was this"
        assert max(out_lost + back_lost) <= (one_way_cut_seconds if ways == 1 else silent_cut_seconds)(hold)
        if ways == 2:
            hit = [lost for lost in back_lost if lost > 1]
            assert 0 < len(hit) < len(back_lost), f"some of Google's flows were in it, and some were not: {back_lost}"
            assert min(hit) > hold / 2


MAKE = """
import json, sys
from pathlib import Path
from lab.box import Box
from lab.model import VpnRouter
from lab.state import read_record
prefix, folder, image, text = sys.argv[1:]
box = Box(Path(folder), Path(image), print, prefix=prefix)
try:
    box.up_site({})
    box.vpns.apply([read_record(VpnRouter, one, "router") for one in json.loads(text)])
    print("ready", flush=True)
    sys.stdin.read()
finally:
    box.down()
"""


def ours() -> dict[int, str]:
    """Processes in the box's namespaces, with their names."""
    found = {}
    for name in namespaces():
        for pid in process.inside_of(name) if name.startswith(PREFIX) else ():
            with contextlib.suppress(OSError):  # gone meanwhile
                found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
    return found


def state(pid: int) -> str:
    """In the kernel's letters; X when it is gone. Whoever adopted what a killed process left reaps it some time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def left() -> dict[str, set[str]]:
    """Of a box of ours, without asking it."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "namespaces": {name for name in namespaces() if name.startswith(PREFIX)},
        "links": {line for line in links.splitlines() if "ipsec" in line or "tun" in line.split(":")[1]},
        "files": {str(path) for path in (cache() / "lab").glob(f"run-{PREFIX}*")},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if f"run-{PREFIX}" in line},
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["while they start", "when they are up"])
def test_nothing_is_left_after_ctrl_c_and_of_a_killed_process_after_the_next_down(
    records: Records, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    image = ensure_image(cache(), print)
    Box(tmp_path, image, print, prefix=PREFIX).down()
    before = left()
    text = json.dumps([dataclasses.asdict(one) for one in routers(records)])
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKE, PREFIX, str(tmp_path), str(image), text],
        cwd=TREE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    box = Box(tmp_path, image, print, prefix=PREFIX)
    try:
        assert maker.stdout is not None
        if moment == "when they are up":
            assert maker.stdout.readline() == "ready\n"
            assert sorted(ours().values()) == sorted(["charon-systemd"] * 8 + ["zebra", "bgpd"] * 2)
        else:
            eventually(lambda: list(ours().values()).count("charon-systemd") >= 3, 60, "three charons")
        running = set(ours())
        maker.send_signal(number)
        maker.wait(60)
        if number == signal.SIGKILL:
            assert set(ours()) & running, "what it started lives on"
            assert box.leftovers() != []
            box.down()
        assert left() == before
        assert {pid: how for pid in running if (how := state(pid)) not in "ZX"} == {}
        assert box.leftovers() == []
    finally:
        maker.kill()
        maker.communicate()
        box.down()


def test_an_end_that_does_not_start_is_named_and_nothing_is_left(records: Records, tmp_path: Path) -> None:
    aws, google = routers(records)
    broken = dataclasses.replace(google.ends[1], ike="rot13-md5")
    google = dataclasses.replace(google, ends=(google.ends[0], broken, *google.ends[2:]))
    before = left()
    said = "twinsite-tunnel-2: charon does not take what it was told: .*invalid value for: proposals"
    with pytest.raises(BoxError, match=said), joined(tmp_path, PREFIX, aws, google):
        pass
    assert left() == before
