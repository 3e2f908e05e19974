"""Networks of the box on real machines: routes, security groups, NAT, names of addresses, faults of links."""

import dataclasses
import ipaddress
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.box import BoxError
from lab.model import Route, Rule, World
from lab.services.netns import inside

from .box_world import (
    ALL_OUT,
    DATABASE,
    DATABASE_ADDRESS,
    EVERYWHERE,
    GATEWAY,
    GATEWAY_ADDRESS,
    PUBLIC,
    Bench,
    eventually,
    running_world,
    world,
)
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_world(tmp_path_factory.mktemp("box"), "tn") as bench:
        yield bench


@pytest.fixture(autouse=True)
def as_it_was(bench: Bench) -> Iterator[None]:
    """Each test may change the world; the next finds the first one again."""
    yield
    for link in (*bench.box.links(), *bench.box.site_machines(), GATEWAY, DATABASE):
        bench.box.cut(link, False)
    bench.box.apply(world(bench.key))


def listen(namespace: str, kind: socket.SocketKind, address: tuple[str, int]) -> socket.socket:
    def make() -> socket.socket:
        one = socket.socket(socket.AF_INET, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(address)
        one.settimeout(15)
        if kind is socket.SOCK_STREAM:
            one.listen()
        return one

    return inside(namespace, make)


def with_groups(base: World, **ingress: tuple[Rule, ...]) -> World:
    """The world with the ingress rules of some groups replaced: `database=…` is sg-0database."""
    groups = tuple(
        dataclasses.replace(group, ingress=ingress.get(group.id.removeprefix("sg-0"), group.ingress))
        for group in base.groups
    )
    return dataclasses.replace(base, groups=groups)


def answers(bench: Bench, machine: str, address: str, port: int) -> bool:
    """A TCP connection from a machine opens or is refused: either shows that packets pass both ways."""
    probe = (
        "python3 - <<'EOF'\n"
        "import socket\n"
        "try:\n"
        f"    socket.create_connection(('{address}', {port}), 1.5)\n"
        "except ConnectionRefusedError:\n"
        "    pass\n"
        "except OSError:\n"
        "    raise SystemExit(7)\n"
        "EOF"
    )
    code = bench.on(machine, probe).returncode
    assert code in {0, 7}, f"the probe on {machine} ended with {code}"
    return code == 0


def caught_on_gateway(bench: Bench, what: str, send: str) -> bool:
    """Whether a packet matching `what` (tcpdump) reaches the gateway's device when the database runs `send`."""
    sniffer = bench.start(GATEWAY, f"sudo timeout 4 tcpdump -n -c 1 -i ens5 '{what}' 2>&1")
    assert sniffer.stdout is not None
    for line in sniffer.stdout:
        if "listening on" in line:
            break
    bench.on(DATABASE, send)
    rest = sniffer.stdout.read()
    sniffer.wait(10)
    return "1 packet captured" in rest


def test_a_group_reference_admits_its_members_and_nothing_else(bench: Bench) -> None:
    assert answers(bench, GATEWAY, DATABASE_ADDRESS, 22)
    assert not answers(bench, GATEWAY, DATABASE_ADDRESS, 3306)


def test_a_changed_rule_applies_within_a_second_and_keeps_open_connections(bench: Bench) -> None:
    open_connection = bench.start(DATABASE, "while read line; do echo got $line; done")
    assert open_connection.stdin is not None
    assert open_connection.stdout is not None
    open_connection.stdin.write("one\n")
    open_connection.stdin.flush()
    assert open_connection.stdout.readline() == "got one\n"
    began = time.monotonic()
    bench.box.apply(with_groups(world(bench.key), database=(Rule("tcp", 3306, 3306, f"{GATEWAY_ADDRESS}/32"),)))
    assert time.monotonic() - began < 1.0
    assert answers(bench, GATEWAY, DATABASE_ADDRESS, 3306)
    assert not answers(bench, GATEWAY, DATABASE_ADDRESS, 22), "the rule for port 22 is gone"
    open_connection.stdin.write("two\n")
    open_connection.stdin.flush()
    assert open_connection.stdout.readline() == "got two\n", "a tracked connection outlives its rule, as in EC2"
    open_connection.stdin.close()
    open_connection.wait(10)


def test_what_the_egress_rules_do_not_name_does_not_leave(bench: Bench) -> None:
    base = world(bench.key)
    assert answers(bench, DATABASE, GATEWAY_ADDRESS, 22)
    groups = tuple(
        dataclasses.replace(group, egress=(Rule("tcp", 443, 443, EVERYWHERE),) if "database" in group.id else ALL_OUT)
        for group in base.groups
    )
    bench.box.apply(dataclasses.replace(base, groups=groups))
    assert not answers(bench, DATABASE, GATEWAY_ADDRESS, 22)
    assert answers(bench, DATABASE, GATEWAY_ADDRESS, 443)


def test_a_route_to_an_interface_brings_the_packet_to_that_machine(bench: Bench) -> None:
    ping = "ping -c 2 -i 0.3 -W 1 192.168.64.20"
    assert caught_on_gateway(bench, "icmp and src 10.20.2.20 and dst 192.168.64.20", ping)
    base = world(bench.key)
    subnets = tuple(
        dataclasses.replace(one, routes=tuple(route for route in one.routes if not route.target.startswith("nic:")))
        for one in base.subnets
    )
    bench.box.apply(dataclasses.replace(base, subnets=subnets))
    assert not caught_on_gateway(bench, "icmp and src 10.20.2.20 and dst 192.168.64.20", ping)


def test_a_machine_cannot_send_with_an_address_that_is_not_its_own(bench: Bench) -> None:
    base = world(bench.key)
    spoof = (
        "sudo ip addr add 10.20.2.99/32 dev ens5; ping -c 2 -i 0.3 -W 1 -I 10.20.2.99 10.20.1.10;"
        " sudo ip addr del 10.20.2.99/32 dev ens5"
    )
    assert not caught_on_gateway(bench, "icmp and src 10.20.2.99", spoof)
    unchecked = tuple(dataclasses.replace(face, source_dest_check=False) for face in base.interfaces)
    bench.box.apply(dataclasses.replace(base, interfaces=unchecked))
    assert caught_on_gateway(bench, "icmp and src 10.20.2.99", spoof), "without the check the same packet arrives"


def test_a_checked_gateway_is_given_nothing_that_is_not_for_itself(bench: Bench) -> None:
    base = world(bench.key)
    checked = tuple(dataclasses.replace(face, source_dest_check=True) for face in base.interfaces)
    bench.box.apply(dataclasses.replace(base, interfaces=checked))
    assert not caught_on_gateway(bench, "icmp and dst 192.168.64.20", "ping -c 2 -i 0.3 -W 1 192.168.64.20")


def test_an_elastic_address_is_one_to_one_both_ways(bench: Bench) -> None:
    assert bench.operator("bash", "-c", f"head -c 3 </dev/tcp/{PUBLIC}/22").stdout == "SSH"
    server = listen(bench.box.names.operator, socket.SOCK_STREAM, ("203.0.113.10", 8080))
    with server:
        bench.must(GATEWAY, "python3 -c \"import socket; socket.create_connection(('203.0.113.10', 8080), 5)\"")
        assert server.accept()[1][0] == PUBLIC


def test_without_a_public_address_the_internet_gateway_passes_nothing(bench: Bench) -> None:
    base = world(bench.key)
    subnets = tuple(
        dataclasses.replace(one, routes=(Route("10.20.0.0/16", "local"), Route(EVERYWHERE, "igw")))
        for one in base.subnets
    )
    bench.box.apply(dataclasses.replace(base, subnets=subnets))
    assert answers(bench, GATEWAY, "203.0.113.10", 9)
    assert not answers(bench, DATABASE, "203.0.113.10", 9)


def test_the_resolver_answers_machines_that_have_no_way_out(bench: Bench) -> None:
    base = world(bench.key)
    subnets = tuple(dataclasses.replace(one, routes=(Route("10.20.0.0/16", "local"),)) for one in base.subnets)
    server = listen(bench.box.names.services, socket.SOCK_DGRAM, ("198.51.100.53", 53))

    def answer_once() -> None:
        question, asker = server.recvfrom(512)
        server.sendto(question[::-1], asker)

    thread = threading.Thread(target=answer_once)
    thread.start()
    with server:
        ask = (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5);"
            "s.sendto(b'abc', ('10.20.0.2', 53)); print(s.recvfrom(9))"
        )
        script = f'python3 -c "{ask}"'
        # The way to the database leads through the gateway's own public address, so only its subnet loses its routes.
        private_only = dataclasses.replace(base, subnets=(base.subnets[0], subnets[1]))
        bench.box.apply(private_only)
        assert bench.must(DATABASE, script).strip() == "(b'cba', ('10.20.0.2', 53))"
        thread.join(5)


def test_the_metadata_address_sees_which_machine_asks(bench: Bench) -> None:
    namespace = bench.box.vpc_namespace("vpc-0a")
    server = listen(namespace, socket.SOCK_STREAM, ("169.254.169.254", 80))
    with server:
        connect = "python3 -c \"import socket; socket.create_connection(('169.254.169.254', 80), 5)\""
        for machine, address in ((GATEWAY, GATEWAY_ADDRESS), (DATABASE, DATABASE_ADDRESS)):
            bench.must(machine, connect)
            assert server.accept()[1][0] == address


def test_the_on_prem_site_goes_out_behind_one_address(bench: Bench) -> None:
    server = listen(bench.box.names.operator, socket.SOCK_STREAM, ("203.0.113.10", 8081))
    with server:
        bench.must(
            "onprem-database", "python3 -c \"import socket; socket.create_connection(('203.0.113.10', 8081), 5)\""
        )
        assert server.accept()[1][0] == "203.0.113.64"
    assert answers(bench, "onprem-database", "192.168.64.10", 22), "the LAN is one switch"


def test_the_sniffer_counts_a_clear_packet_that_was_made_on_purpose(bench: Bench) -> None:
    bench.box.capture_start()
    with pytest.raises(BoxError, match="already runs"):
        bench.box.capture_start()
    bench.must(GATEWAY, "true")
    quiet = bench.box.capture_stop()
    assert quiet["cleartext_packets"] == 0
    assert quiet["missed"] == 0
    assert quiet["packets"] > 10, "the bridge was not silent"
    bench.box.capture_start()
    # The on-prem gateway has no route for the VPC's range and sends it to its router, which passes it on: a leak.
    bench.on("onprem-gateway", "ping -c 3 -i 0.2 -W 1 10.20.1.10")
    eventually(lambda: Path(bench.folder / "captures" / "internet.pcap").stat().st_size > 24, 5, "a caught packet")
    leaking = bench.box.capture_stop()
    assert leaking["cleartext_packets"] == 3
    assert "10.20.1.10" in leaking["examples"][0]


def test_a_cut_link_falls_silent_and_comes_back_with_its_addresses(bench: Bench) -> None:
    forwarded = ["timeout", "2", "bash", "-c", "head -c 3 </dev/tcp/203.0.113.64/2210"]
    assert bench.operator(*forwarded).stdout == "SSH"
    bench.box.cut("onprem-wan", True)
    assert bench.operator(*forwarded).stdout == ""
    bench.box.cut("onprem-wan", False)
    eventually(lambda: bench.operator(*forwarded).stdout == "SSH", 5, "the link's return")


@pytest.mark.parametrize("machine", ["onprem-gateway", DATABASE])
def test_a_machine_whose_cable_is_pulled_keeps_its_address(bench: Bench, machine: str) -> None:
    before = bench.must(machine, "ip -br -4 addr; cat /sys/class/net/*/carrier")
    bench.box.cut(machine, True)
    assert not bench.reachable(machine)
    bench.box.cut(machine, False)
    eventually(lambda: bench.reachable(machine), 10, f"{machine}'s return")
    assert bench.must(machine, "ip -br -4 addr; cat /sys/class/net/*/carrier") == before


def test_loss_drops_the_share_that_was_asked_for(bench: Bench) -> None:
    received = "ping -q -c 300 -i 0.005 -W 1 203.0.113.1 | grep -o '[0-9]* received'"
    # The internet's router answers pings: it is the services namespace's own address.
    assert bench.must("onprem-gateway", received).split()[0] == "300"
    # The login comes before the loss; only one word and one line cross while it lasts.
    ping = bench.start("onprem-gateway", f"echo ready; read go; {received}")
    assert ping.stdin is not None
    assert ping.stdout is not None
    assert ping.stdout.readline() == "ready\n"
    bench.box.loss(20)
    try:
        ping.stdin.write("go\n")
        ping.stdin.flush()
        arrived = int(ping.stdout.readline().split()[0])
    finally:
        bench.box.loss(0)
        ping.stdin.close()
        ping.wait(10)
    # Both ways pass the lossy port: 0.8² = 64 %, standard deviation 2.8 %; five of them either side.
    assert 150 <= arrived <= 234
    assert bench.must("onprem-gateway", received).split()[0] == "300"


def test_an_expired_nat_knows_no_connection(bench: Bench) -> None:
    count = ["ip", "netns", "exec", bench.box.names.onprem, "cat", "/proc/sys/net/netfilter/nf_conntrack_count"]

    def tracked() -> int:
        return int(subprocess.run(count, capture_output=True, text=True, check=True).stdout)

    bench.must("onprem-gateway", "true")
    assert tracked() > 0
    bench.box.expire_nat()
    assert tracked() == 0


def test_a_world_that_contradicts_itself_changes_nothing(bench: Bench) -> None:
    base = world(bench.key)
    broken = dataclasses.replace(base, vpcs=())
    with pytest.raises(BoxError, match="subnet-0public is in vpc-0a, which is not there"):
        bench.box.apply(broken)
    assert answers(bench, GATEWAY, DATABASE_ADDRESS, 22)


def test_the_same_world_again_is_quick_and_restarts_nothing(bench: Bench) -> None:
    before = {machine: bench.box.machine_state(machine) for machine in (GATEWAY, DATABASE)}
    changed = dataclasses.replace(
        world(bench.key),
        machines=tuple(dataclasses.replace(one, user_data="#cloud-config\n{}\n") for one in world(bench.key).machines),
    )
    began = time.monotonic()
    bench.box.apply(changed)
    assert time.monotonic() - began < 0.3
    assert {machine: bench.box.machine_state(machine) for machine in (GATEWAY, DATABASE)} == before


def test_two_vpcs_meet_on_the_internet_only(bench: Bench) -> None:
    base = world(bench.key)
    other = str(ipaddress.IPv4Network("10.30.0.0/16"))
    second = dataclasses.replace(base.vpcs[0], id="vpc-0b", cidr=other)
    bench.box.apply(dataclasses.replace(base, vpcs=(*base.vpcs, second)))
    namespaces = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert bench.box.vpc_namespace("vpc-0b") in namespaces
    bench.box.apply(base)
    namespaces = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert bench.box.vpc_namespace("vpc-0b") not in namespaces
    assert answers(bench, GATEWAY, DATABASE_ADDRESS, 22)
