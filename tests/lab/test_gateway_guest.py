"""The gateway role on two real machines: one behind its elastic address, one behind the on-prem masquerade."""

import base64
import contextlib
import dataclasses
import json
import secrets
import string
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.model import Rule, World
from twinsite.payload import payload

from .box_world import ALL_OUT, EVERYWHERE, GATEWAY, GATEWAY_ADDRESS, PUBLIC, Bench, eventually, running_world, world
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

ONPREM = "onprem-gateway"
ONPREM_ADDRESS = "192.168.64.10"
NAME = "onprem-aws"
GUEST = "sudo /usr/local/sbin/twinsite-guest"
KEYS = {n: "p" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(47)) for n in range(1, 7)}
SIDES: dict[str, dict[str, Any]] = {
    ONPREM: {
        "connection": NAME,
        "role": "initiator",
        "local_id": f"onprem.{NAME}",
        "remote_id": f"aws.{NAME}",
        "local_range": "192.168.64.0/24",
        "remote_range": "10.20.0.0/16",
        "remote_address": PUBLIC,
        "local_address": ONPREM_ADDRESS,
        "peer_private_address": GATEWAY_ADDRESS,
    },
    GATEWAY: {
        "connection": NAME,
        "role": "responder",
        "local_id": f"aws.{NAME}",
        "remote_id": f"onprem.{NAME}",
        "local_range": "10.20.0.0/16",
        "remote_range": "192.168.64.0/24",
        "remote_address": "%any",
        "local_address": GATEWAY_ADDRESS,
        "peer_private_address": ONPREM_ADDRESS,
        "nat_range": "10.20.2.0/24",
    },
}
TRACES = (
    "sudo sh -c 'ls -1 /etc/swanctl/conf.d /etc/strongswan.d /etc/sysctl.d /etc/systemd/system /etc/twinsite "
    "/var/lib/twinsite 2>/dev/null; nft list tables; ip route; sysctl -n net.ipv4.ip_forward; "
    "systemctl is-active strongswan'"
)


def opened(base: World) -> World:
    """The world with IKE's port open as well."""
    groups = tuple(
        dataclasses.replace(group, ingress=(*group.ingress, Rule("udp", 500, 500, EVERYWHERE)), egress=ALL_OUT)
        if group.id == "sg-0gateway"
        else group
        for group in base.groups
    )
    return dataclasses.replace(base, groups=groups)


@dataclasses.dataclass(frozen=True)
class Tunnel:
    """The two gateways."""

    bench: Bench

    def tell(self, machine: str, sign: int = 1, **change: Any) -> None:
        """Put configuration and keys where the installer puts them."""
        config = {**SIDES[machine], "psk_sign": sign, **change}
        held = {str(n): KEYS[n] for n in (sign - 1, sign, sign + 1) if n >= 1}
        for name, content in {"gateway.json": config, "gateway.secrets.json": {"psk": held}}.items():
            text = base64.b64encode(json.dumps(content).encode()).decode()
            self.bench.must(
                machine, f"echo {text} | base64 -d | sudo install -D -m 600 /dev/stdin /etc/twinsite/{name}"
            )

    def guest(self, machine: str, verb: str, *words: str) -> Any:
        """Run a verb that has to work; its JSON."""
        done = self.bench.on(machine, f"{GUEST} gateway {verb} {' '.join(words)}", seconds=150)
        assert done.returncode == 0, f"{machine} {verb}: {done.stderr}"
        return json.loads(done.stdout)

    def apply(self, machine: str, sign: int = 1, **change: Any) -> Any:
        self.tell(machine, sign, **change)
        return self.guest(machine, "apply")

    def gate(self) -> None:
        self.guest(ONPREM, "gate", "--timeout 30")

    def report(self, machine: str = ONPREM) -> Any:
        return self.guest(machine, "report")

    def sa(self) -> int:
        """Unique id of the one IKE_SA."""
        (ike,) = self.report()["ike"]
        return int(ike["unique_id"])

    def crosses(self) -> bool:
        return bool(self.report()["crossing"]["ok"])

    def reconnect(self) -> None:
        """Both ends have to authenticate anew."""
        self.bench.on(ONPREM, f"sudo swanctl --terminate --ike {NAME}")
        self.gate()


@contextlib.contextmanager
def running_gateways(folder: Path, prefix: str) -> Iterator[Bench]:
    """Two machines with the role's payload, and nothing applied."""
    with running_world(folder, prefix) as bench:
        bench.box.apply(opened(world(bench.key)))
        text = base64.b64encode(payload("gateway")).decode()
        for machine in (ONPREM, GATEWAY):
            unpack = bench.start(
                machine, "base64 -d | sudo sh -c 'mkdir -p /opt/twinsite/v && tar xz -C /opt/twinsite/v'"
            )
            assert unpack.communicate(text, timeout=30)[0] == ""
            bench.must(machine, "sudo ln -sfn v /opt/twinsite/current && sudo ln -sfn v /opt/twinsite/gateway")
            bench.must(
                machine,
                "sudo install -m 755 /opt/twinsite/current/agent/twinsite-guest /usr/local/sbin/twinsite-guest",
            )
        yield bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_gateways(tmp_path_factory.mktemp("gateways"), "tg") as bench:
        yield bench


@pytest.fixture
def tunnel(bench: Bench) -> Iterator[Tunnel]:
    """A tunnel that works, made from nothing; undone afterwards."""
    made = Tunnel(bench)
    for machine in (GATEWAY, ONPREM):
        made.apply(machine)
    made.gate()
    yield made
    bench.box.cut("onprem-wan", False)
    for machine in (GATEWAY, ONPREM):
        bench.on(machine, "sudo nft delete table inet cut 2>/dev/null")
        made.guest(machine, "undo")


def test_an_unchanged_apply_changes_and_disturbs_nothing(tunnel: Tunnel) -> None:
    charon = "systemctl show -p MainPID strongswan; systemctl show -p ActiveEnterTimestampMonotonic 'twinsite-gateway*'"
    before = tunnel.sa(), [tunnel.bench.must(machine, charon) for machine in (ONPREM, GATEWAY)]
    for machine in (ONPREM, GATEWAY):
        assert tunnel.guest(machine, "apply") == {"changed": [], "disruption": "none"}
    assert (tunnel.sa(), [tunnel.bench.must(machine, charon) for machine in (ONPREM, GATEWAY)]) == before


def test_the_gate_waits_until_the_peer_has_applied_its_new_configuration(tunnel: Tunnel) -> None:
    tunnel.apply(ONPREM, peer_digest="0123456789abcdef")
    done = tunnel.bench.on(ONPREM, f"{GUEST} gateway gate --timeout 2")
    assert done.returncode == 1
    assert "the peer has not applied its new configuration" in done.stderr
    assert "charon says:" in done.stderr
    tunnel.apply(ONPREM, peer_digest=tunnel.report(GATEWAY)["config_digest"])
    tunnel.gate()


def test_traffic_is_back_within_seconds_after_the_cable_and_one_child_sa_remains(tunnel: Tunnel) -> None:
    for seconds in (15.0, 21.0):
        tunnel.bench.box.cut("onprem-wan", True)
        time.sleep(seconds)  # the outage itself
        tunnel.bench.box.cut("onprem-wan", False)
        # Seen from the VPC's side, so that it does not need the SSH way over the link that was cut.
        eventually(
            lambda: bool(tunnel.report(GATEWAY)["crossing"]["ok"]), 5, f"crossing after {seconds:g} s without a cable"
        )
        tunnel.gate()
        for machine in (ONPREM, GATEWAY):
            found = tunnel.report(machine)
            assert [ike["state"] for ike in found["ike"]] == ["ESTABLISHED"], machine
            assert [child["state"] for child in found["children"]] == ["INSTALLED"], machine


def test_a_cut_towards_the_responder_only_is_noticed_by_the_initiator_first(tunnel: Tunnel) -> None:
    """With one dpd_delay on both ends traffic came back up to 10.6 s after such a cut."""
    drops = "udp dport 500 drop; udp dport 4500 drop;"
    rules = f"table inet cut {{ chain c {{ type filter hook prerouting priority -310; {drops} }}; }}"
    tunnel.bench.must(GATEWAY, f"echo '{rules}' | sudo nft -f -")
    time.sleep(15)  # the outage itself, ending where it used to take longest
    tunnel.bench.must(GATEWAY, "sudo nft delete table inet cut")
    eventually(tunnel.crosses, 5, "crossing after a one-way cut")


def test_nothing_leaves_in_clear_while_the_tunnel_is_down(tunnel: Tunnel) -> None:
    tries = "for n in 1 2 3; do ping -c 1 -W 1 {0}; ping -c 1 -W 1 -I {1} {0}; done >/dev/null 2>&1; true"
    try:
        for machine in (ONPREM, GATEWAY):
            tunnel.bench.must(machine, "sudo systemctl stop strongswan")
        tunnel.bench.box.capture_start()
        tunnel.bench.must(ONPREM, tries.format(GATEWAY_ADDRESS, ONPREM_ADDRESS))
        tunnel.bench.must(GATEWAY, tries.format(ONPREM_ADDRESS, GATEWAY_ADDRESS))
        caught = tunnel.bench.box.capture_stop()
        assert (caught["cleartext_packets"], caught["missed"]) == (0, 0), caught["examples"]
        # Positive control: the same packets without the role's protection are seen.
        tunnel.bench.must(ONPREM, "sudo systemctl stop twinsite-gateway")
        tunnel.bench.box.capture_start()
        tunnel.bench.must(ONPREM, tries.format(GATEWAY_ADDRESS, ONPREM_ADDRESS))
        assert tunnel.bench.box.capture_stop()["cleartext_packets"] > 0
    finally:
        for machine in (ONPREM, GATEWAY):
            tunnel.guest(machine, "apply")
    tunnel.gate()


def test_reloading_the_hosts_own_firewall_leaves_the_protection_in_place(tunnel: Tunnel) -> None:
    for verb in ("start", "reload", "restart", "stop"):
        tunnel.bench.must(ONPREM, f"sudo systemctl {verb} nftables")
        assert tunnel.report()["guard"]["rules"] is True, verb


def test_protection_that_somebody_removed_is_put_back_and_said(tunnel: Tunnel) -> None:
    tunnel.bench.must(ONPREM, "sudo nft flush ruleset && sudo ip route flush type blackhole")
    assert tunnel.report()["guard"] == {"rules": False, "blackholes": [], "forwarding": True}
    (said,) = tunnel.guest(ONPREM, "apply")["changed"]
    assert said.startswith("put back the rules and routes")
    assert tunnel.report()["guard"] == {"rules": True, "blackholes": ["10.20.0.0/16"], "forwarding": True}


def test_a_key_rotates_with_one_reestablishment_and_both_ends_can_authenticate_after_every_step(tunnel: Tunnel) -> None:
    before = tunnel.sa()
    for machine in (ONPREM, GATEWAY):
        assert tunnel.apply(machine, 2)["disruption"] == "none"
        assert tunnel.sa() == before
    tunnel.reconnect()
    before = tunnel.sa()
    proven = tunnel.apply(ONPREM, 2, psk_min=2, psk_prove=True)
    assert proven["changed"] == ["removed key generation 1: the peer signs with 2"]
    assert tunnel.sa() == before + 1
    tunnel.reconnect()
    tunnel.apply(GATEWAY, 2, psk_min=2)
    tunnel.reconnect()
    assert [tunnel.report(machine)["psk"]["held"] for machine in (ONPREM, GATEWAY)] == [[2, 3], [2, 3]]
    told = "sudo cat /etc/twinsite/gateway.secrets.json"
    assert [sorted(json.loads(tunnel.bench.must(host, told))["psk"]) for host in (ONPREM, GATEWAY)] == [["2", "3"]] * 2
    # Half-way only: one end moved on, and a fresh authentication works.
    tunnel.apply(GATEWAY, 3)
    tunnel.reconnect()
    tunnel.apply(ONPREM, 3)
    tunnel.reconnect()


def test_a_key_that_the_peer_still_signs_with_is_not_removed(tunnel: Tunnel) -> None:
    tunnel.apply(ONPREM, 2)
    before = tunnel.sa()
    tunnel.bench.must(
        ONPREM, "sudo sed -i 's/^PROOF_SECONDS = .*/PROOF_SECONDS = 1.0/' /opt/twinsite/v/gateway/rotation.py"
    )
    try:
        tunnel.tell(ONPREM, 2, psk_min=2, psk_prove=True)
        done = tunnel.bench.on(ONPREM, f"{GUEST} gateway apply")
    finally:
        tunnel.bench.must(
            ONPREM, "sudo sed -i 's/^PROOF_SECONDS = .*/PROOF_SECONDS = 60.0/' /opt/twinsite/v/gateway/rotation.py"
        )
    assert done.returncode == 1
    assert "the peer still signs with generation 1" in done.stderr
    assert tunnel.report()["psk"]["held"] == [1, 2, 3]
    assert tunnel.sa() == before


def test_a_generation_cannot_be_skipped_and_a_key_cannot_change_within_one(tunnel: Tunnel) -> None:
    tunnel.tell(ONPREM, 3)
    done = tunnel.bench.on(ONPREM, f"{GUEST} gateway apply")
    assert (done.returncode, "set psk_generation to 2" in done.stderr) == (2, True)
    tunnel.tell(ONPREM, 1)
    swapped = {str(n): KEYS[n + 3] for n in (1, 2)}
    text = base64.b64encode(json.dumps({"psk": swapped}).encode()).decode()
    tunnel.bench.must(
        ONPREM, f"echo {text} | base64 -d | sudo install -m 600 /dev/stdin /etc/twinsite/gateway.secrets.json"
    )
    done = tunnel.bench.on(ONPREM, f"{GUEST} gateway apply")
    assert (done.returncode, "never changes within its generation" in done.stderr) == (2, True)
    tunnel.tell(ONPREM, 1)
    tunnel.reconnect()


def test_undo_leaves_the_host_as_it_was_and_its_other_connection_up(tunnel: Tunnel) -> None:
    def other(machine: str, local: str, remote: str, own: str, peer: str, inner: tuple[str, str]) -> None:
        text = (
            f"connections {{ other {{\n version = 2\n local_addrs = {local}\n remote_addrs = {remote}\n"
            f" local {{ auth = psk\n id = {own}\n }}\n remote {{ auth = psk\n id = {peer}\n }}\n"
            f" children {{ other {{ local_ts = {inner[0]}\n remote_ts = {inner[1]}\n }} }}\n }} }}\n"
            f"secrets {{ ike-other {{ id-1 = {own}\n id-2 = {peer}\n secret = not-of-twinsite-but-theirs\n }} }}\n"
        )
        put = "base64 -d | sudo tee /etc/swanctl/conf.d/other.conf >/dev/null && sudo swanctl --load-all --noprompt"
        tunnel.bench.must(machine, f"echo {base64.b64encode(text.encode()).decode()} | {put}")

    ranges = ("172.31.1.1/32", "172.31.2.1/32")
    spi = "sudo swanctl --list-sas --ike other --raw | grep -o 'initiator-spi=[0-9a-f]*'"
    try:
        other(ONPREM, ONPREM_ADDRESS, PUBLIC, "one.other", "two.other", ranges)
        other(GATEWAY, GATEWAY_ADDRESS, "%any", "two.other", "one.other", (ranges[1], ranges[0]))
        tunnel.bench.must(ONPREM, "sudo swanctl --initiate --child other")
        before = tunnel.bench.must(ONPREM, spi)
        tunnel.guest(ONPREM, "undo")
        assert tunnel.bench.must(ONPREM, spi) == before
        left = tunnel.bench.must(ONPREM, TRACES)
        assert "twinsite_gateway" not in left and "blackhole" not in left and "twinsite-" not in left, left
        tunnel.bench.must(ONPREM, "sudo swanctl --rekey --ike other --reauth")
        eventually(lambda: tunnel.bench.on(ONPREM, spi).stdout.strip() not in ("", before.strip()), 10, "their own key")
        assert tunnel.guest(ONPREM, "undo") == {"changed": [], "disruption": "none"}
    finally:
        for machine in (ONPREM, GATEWAY):
            tunnel.bench.on(machine, "sudo rm /etc/swanctl/conf.d/other.conf; sudo swanctl --load-all --noprompt")
            tunnel.bench.on(machine, "sudo swanctl --terminate --ike other --force --timeout 2")


def test_no_key_is_in_a_log_an_argument_or_a_readable_file(tunnel: Tunnel) -> None:
    tunnel.apply(ONPREM, 2)
    tunnel.reconnect()
    for machine in (ONPREM, GATEWAY):
        seen = tunnel.bench.must(machine, f"sudo journalctl --no-pager; ps -eo args; {GUEST} gateway report")
        for key in KEYS.values():
            assert key not in seen, machine
        patterns = base64.b64encode("\n".join(KEYS.values()).encode()).decode()
        put = f"echo {patterns} | base64 -d >/tmp/keys; chmod 600 /tmp/keys"
        anyone = "sudo find /etc /var/lib /run /opt -xdev -type f -perm -o=r -exec grep -lFf /tmp/keys {} +; true"
        owner = "sudo grep -rlFf /tmp/keys /etc/swanctl"  # positive control: there they are
        tunnel.bench.must(machine, put)
        try:
            assert tunnel.bench.must(machine, anyone) == "", machine
            assert tunnel.bench.must(machine, owner).split() == [f"/etc/swanctl/conf.d/twinsite-{NAME}-secrets.conf"]
        finally:
            tunnel.bench.must(machine, "rm /tmp/keys")
