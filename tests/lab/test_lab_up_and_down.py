"""The whole box on this machine: what works at its desk, services, faults; nothing is left. Needs root and nspawn."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from lab import lifecycle
from lab.client import Client
from lab.keys import read
from lab.methods import wait_until
from lab.operator.desk import Desk
from lab.paths import TREE

from .one_lab import OneLab
from .whole_box import PATHS, lab, must, needs_a_box

VPC, MACHINE = "vpc-0b0b0b0b0b0b0b0b0", "i-0b0b0b0b0b0b0b0b0"
BUCKET = "lab-test-bucket"

pytestmark = [needs_a_box, pytest.mark.usefixtures("box")]


@pytest.fixture(scope="module")
def box(one_lab: OneLab) -> Iterator[Client]:
    one_lab.up()
    yield Client(PATHS.socket)
    one_lab.spoil()  # with a network, roles and names of its own on it, the next module's first `up` failed


@pytest.fixture(scope="module")
def machine(box: Client) -> Iterator[str]:
    """A cloud machine with a role, made as a provider would; gives its id."""
    operator_key = read(Desk(PATHS, live=True).ssh_key).public
    login = {"users": [{"name": "ubuntu", "sudo": "ALL=(ALL) NOPASSWD:ALL", "ssh_authorized_keys": [operator_key]}]}
    may = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/mine/*"}
    anywhere = {"from_port": 0, "to_port": 0, "protocol": "-1", "cidr": "0.0.0.0/0"}
    ssh = {"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr": "0.0.0.0/0"}
    box.call("role_put", name="reader", policies=[{"Statement": [may]}])
    records: list[tuple[str, dict[str, Any]]] = [
        ("vpcs", {"id": VPC, "cidr": "10.30.0.0/16", "internet": True}),
        (
            "subnets",
            {
                "id": "subnet-0b",
                "vpc": VPC,
                "cidr": "10.30.1.0/24",
                "routes": [{"cidr": "10.30.0.0/16", "target": "local"}, {"cidr": "0.0.0.0/0", "target": "igw"}],
            },
        ),
        ("groups", {"id": "sg-0b", "vpc": VPC, "ingress": [ssh], "egress": [anywhere]}),
        (
            "interfaces",
            {
                "id": "eni-0b",
                "subnet": "subnet-0b",
                "address": "10.30.1.10",
                "groups": ["sg-0b"],
                "public_address": "203.0.113.130",
            },
        ),
        (
            "machines",
            {
                "id": MACHINE,
                "interface": "eni-0b",
                "role": "reader",
                "hostname": "ip-10-30-1-10",
                "user_data": "#cloud-config\n" + json.dumps(login),
            },
        ),
    ]
    for kind, record in records:
        box.call("world_put", kind=kind, record=record)
        box.call("apply")
    wait_until(lambda: bool(box.call("machine", id=MACHINE)["booted"]), 60, "the machine's boot")
    yield MACHINE
    for kind, record in reversed(records):
        box.call("world_delete", kind=kind, id=record["id"])
        box.call("apply")


def on_machine(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """As the operator, from the desk, over the internet and the elastic address."""
    trusting = [
        "-o",
        "ConnectTimeout=3",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
    ]
    return lab("exec", "--", "ssh", *trusting, "ubuntu@203.0.113.130", *words, stdin=stdin)


def test_status_names_the_onprem_machines_and_their_state(box: Client) -> None:
    status = json.loads(must("status", "--json"))
    site = {one["id"]: (one["running"], one["booted"]) for one in status["machines"] if one["id"].startswith("onprem")}
    assert site == {"onprem-gateway": (True, True), "onprem-database": (True, True)}
    assert (status["up"], status["mode"], status["problems"]) == (True, "live", [])


def test_a_second_up_says_so_and_changes_nothing(box: Client) -> None:
    pid = lifecycle.daemon_pid(PATHS)
    done = lab("up")
    assert (done.returncode, lifecycle.daemon_pid(PATHS)) == (0, pid)
    assert "already up" in done.stderr


@pytest.mark.parametrize("code", [0, 7])
def test_exec_passes_the_exit_code_through(box: Client, code: int) -> None:
    assert lab("exec", "--", "sh", "-c", f"exit {code}").returncode == code


def test_the_operator_logs_in_to_both_onprem_hosts_with_the_key_and_the_pinned_host_keys(box: Client) -> None:
    strict = ["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"]
    for port, name in (("2210", "onprem-gateway"), ("2220", "onprem-database")):
        said = must("exec", "--", "ssh", *strict, "-p", port, "ubuntu@203.0.113.64", "hostname; sudo -n id -u")
        assert said.split() == [name, "0"]


def test_only_the_labs_names_resolve_at_the_desk(box: Client) -> None:
    assert must("exec", "--", "getent", "hosts", "s3.ap-northeast-2.amazonaws.com").split()[0] == "198.51.100.60"
    assert lab("exec", "--", "getent", "hosts", "example.org").returncode == 2


def test_the_operators_boto3_works_with_nothing_but_the_environment(box: Client) -> None:
    code = (
        "import boto3; print(boto3.client('s3', 'ap-northeast-2').list_buckets()['ResponseMetadata']['HTTPStatusCode'])"
    )
    assert must("exec", "--", "python", "-c", code) == "200\n"


def test_a_machine_asks_metadata_and_a_reply_goes_one_hop(machine: str) -> None:
    base = "http://169.254.169.254/latest"
    token = f"$(curl -sf -m 5 -X PUT {base}/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')"
    ask = f'curl -sf -m 5 -H "X-aws-ec2-metadata-token: {token}" {base}/meta-data'
    said = on_machine(f"{ask}/instance-id; echo; {ask}/iam/security-credentials/; echo; {ask}/public-ipv4")
    assert said.stdout.split() == [machine, "reader", "203.0.113.130"], said.stderr
    refused = on_machine(f"curl -s -m 5 -o /dev/null -w '%{{http_code}}' {base}/meta-data/instance-id")
    assert refused.stdout == "401"


def test_a_process_one_hop_behind_a_machine_gets_no_token(machine: str) -> None:
    """A container's bridge on the machine is such a hop. The first request is the control: the way there works."""
    network = """set -e
sudo ip netns add c
sudo ip link add v0 type veth peer name v1 netns c
sudo ip addr add 172.31.9.1/30 dev v0
sudo ip link set v0 up
sudo ip -n c addr add 172.31.9.2/30 dev v1
sudo ip -n c link set v1 up
sudo ip -n c route add default via 172.31.9.1
sudo sysctl -qw net.ipv4.ip_forward=1
sudo nft add table ip hop
sudo nft add chain ip hop post '{ type nat hook postrouting priority 100; }'
sudo nft add rule ip hop post ip saddr 172.31.9.2 masquerade
"""
    assert on_machine("sh", "-s", stdin=network).returncode == 0
    base, behind = "http://169.254.169.254/latest", "sudo ip netns exec c curl -s -m 3 -o /dev/null -w '%{http_code}'"
    assert on_machine(f"{behind} {base}/meta-data/instance-id").stdout == "401", "an answer with a usual TTL arrives"
    token = f"{behind} -X PUT {base}/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60'"
    assert on_machine(token).stdout == "000", "the token's answer does not"


def test_a_machine_reads_what_its_role_may_read_over_tls_that_it_trusts(box: Client, machine: str) -> None:
    put = f"""
import boto3
s3 = boto3.client('s3', 'ap-northeast-2')
s3.create_bucket(Bucket='{BUCKET}', CreateBucketConfiguration={{'LocationConstraint': 'ap-northeast-2'}})
s3.put_object(Bucket='{BUCKET}', Key='mine/a', Body=b'for me')
s3.put_object(Bucket='{BUCKET}', Key='other/a', Body=b'for another')
"""
    must("exec", "--", "python", "-c", put)
    source = (TREE / "components" / "guest" / "agent" / "aws.py").read_text()
    code = f"""{source}
keys = credentials()
print(s3_get('{BUCKET}', 'ap-northeast-2', 'mine/a', keys)[0].decode())
try:
    s3_get('{BUCKET}', 'ap-northeast-2', 'other/a', keys)
except CallError as error:
    print(error.status)
"""
    script = on_machine("python3", "-", stdin=code)
    assert script.stdout == "for me\n403\n", script.stderr


def test_shell_finds_a_cloud_machine_past_its_security_group(box: Client, machine: str) -> None:
    group = box.call("world_get", kind="groups", id="sg-0b")
    box.call("world_put", kind="groups", record=group | {"ingress": []})
    box.call("apply")
    try:
        assert on_machine("true").returncode == 255, "the group admits nobody now"
        done = lab("shell", "ip-10-30-1-10", stdin="hostname\n")
        assert "ip-10-30-1-10" in done.stdout.split(), done.stderr
    finally:
        box.call("world_put", kind="groups", record=group)
        box.call("apply")


def test_a_crashed_machine_is_off_and_starts_again(box: Client) -> None:
    must("crash", "onprem-database")
    assert box.call("machine", id="onprem-database")["running"] is False
    must("start", "onprem-database")
    wait_until(lambda: bool(box.call("machine", id="onprem-database")["booted"]), 60, "the boot")


def answers(count: int) -> int:
    """How many of so many echo requests from the desk to the on-prem router are answered."""
    code = """
import socket, struct, sys, time
count, got = int(sys.argv[1]), set()
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for number in range(count):
    head = struct.pack("!BBHHH", 8, 0, 0, 77, number)
    total = sum(struct.unpack("!4H", head))
    check = ~((total >> 16) + (total & 0xFFFF)) & 0xFFFF
    raw.sendto(struct.pack("!BBHHH", 8, 0, check, 77, number), ("203.0.113.64", 0))
raw.settimeout(1)
try:
    while len(got) < count:
        kind, _, _, identity, number = struct.unpack("!BBHHH", raw.recv(2048)[20:28])
        if (kind, identity) == (0, 77):
            got.add(number)
except TimeoutError:
    pass
print(len(got))
"""
    return int(must("exec", "--", "python", "-c", code, str(count)))


def test_a_cut_cable_separates_the_site_and_a_whole_one_joins_it() -> None:
    assert answers(1) == 1
    must("cut", "onprem-wan", "on")
    try:
        assert answers(5) == 0
    finally:
        must("cut", "onprem-wan", "off")
    wait_until(lambda: answers(1) == 1, 10, "the way back")


def test_each_site_goes_dark_by_its_name_and_the_other_stays(box: Client, machine: str) -> None:
    def reached(name: str) -> bool:
        return lab("shell", f"ubuntu@{name}", "--", "-o", "ConnectTimeout=3", "true", timeout=60).returncode == 0

    sts = ["curl", "-s", "-o", "/dev/null", "-m", "5", "https://sts.us-east-1.amazonaws.com/"]
    for dark, other in (("onprem", "aws"), ("aws", "onprem")):
        must("dark", dark, "on")
        try:
            assert json.loads(must("status", "--json"))["dark_sites"] == [dark]
            seen = {"onprem": answers(1) == 1, "aws": reached(machine) and lab("exec", "--", *sts).returncode == 0}
            assert seen == {dark: False, other: True}
        finally:
            must("dark", dark, "off")
    wait_until(lambda: answers(1) == 1 and reached(machine), 20, "the way back")
    assert json.loads(must("status", "--json"))["dark"] is False
    done = lab("dark", "moon", "on")
    assert (done.returncode, "these can: aws, onprem" in done.stderr) == (1, True)


def test_loss_loses_about_its_share_in_each_direction() -> None:
    must("loss", "40")
    try:
        through = answers(200)
    finally:
        must("loss", "0")
    # 0.6 × 0.6 of 200 are 72; five standard deviations are 34
    assert 38 <= through <= 106
    assert answers(200) == 200


def test_a_capture_counts_clear_text_and_nothing_else(box: Client, machine: str) -> None:
    must("capture", "start")
    on_machine("true")
    clean = json.loads(must("capture", "stop", "--json"))
    assert clean["packets"] > 0, "SSH crossed the bridge"
    assert clean["cleartext_packets"] == 0, "between public addresses"
