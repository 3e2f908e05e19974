"""Machines of the box: boot, reboot, crash, stop, volumes, and what they may not do to the host."""

import dataclasses
import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from lab.box import BoxError
from lab.model import Volume

from .box_world import DATABASE, DATABASE_FACE, GATEWAY, GATEWAY_FACE, Bench, eventually, running_world, world
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

VOLUME = "vol-0aaaaaaaaaaaaaaa1"
DEVICE = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0aaaaaaaaaaaaaaa1"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_world(tmp_path_factory.mktemp("box"), "tm") as bench:
        yield bench


def back(bench: Bench, machine: str) -> None:
    eventually(lambda: bench.booted(machine), 60, f"the boot of {machine}")
    eventually(lambda: bench.reachable(machine), 20, f"SSH to {machine}")


@pytest.mark.parametrize("machine", [GATEWAY, DATABASE, "onprem-gateway", "onprem-database"])
def test_a_machine_boots_without_a_failed_unit(bench: Bench, machine: str) -> None:
    assert bench.must(machine, "cloud-init status").strip() == "status: done"
    assert bench.must(machine, "systemctl list-units --failed --no-legend --plain") == ""
    assert bench.must(machine, "hostname").strip() == machine


def test_machines_have_identities_of_their_own(bench: Bench) -> None:
    identity = "cat /etc/machine-id; cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub; ls /etc/ssh/ssh_host_*_key"
    seen = [bench.must(machine, identity).splitlines() for machine in (GATEWAY, DATABASE, "onprem-gateway")]
    assert len({lines[0] for lines in seen}) == 3
    assert len({lines[1] for lines in seen}) == 3
    assert [lines[2:] for lines in seen] == [["/etc/ssh/ssh_host_ed25519_key"]] * 3


def test_no_machine_has_a_servers_data_or_runs_what_nobody_asked_for(bench: Bench) -> None:
    for folder in ("/var/lib/mysql", "/var/lib/valkey"):
        assert bench.must("onprem-database", f"sudo ls -A {folder}") == ""
    assert bench.must("onprem-database", "pg_lsclusters --no-header") == ""
    services = "mysql strongswan postgresql valkey-server"
    active = bench.on("onprem-database", f"systemctl is-active {services}; systemctl is-enabled {services}")
    assert active.stdout.split() == ["inactive"] * 4 + ["disabled"] * 4
    assert bench.must("onprem-database", "pgrep -c 'postgres|valkey' || true").strip() == "0"


def test_charon_starts_with_its_user_space_data_path(bench: Bench) -> None:
    bench.must("onprem-gateway", "sudo systemctl start strongswan")
    plugins = bench.must("onprem-gateway", "sudo swanctl --stats 2>/dev/null | grep 'loaded plugins'").split()
    bench.must("onprem-gateway", "sudo systemctl stop strongswan")
    assert "kernel-libipsec" in plugins
    assert "bypass-lan" not in plugins


def test_machines_trust_the_labs_authority_from_their_first_boot(bench: Bench) -> None:
    inside = ["ip", "netns", "exec", bench.box.names.services]
    served = ["openssl", "s_server", "-www", "-quiet", "-accept", "198.51.100.60:443"]
    files = ["-cert", str(bench.folder / "authority.pem"), "-key", str(bench.folder / "authority.key")]
    server = subprocess.Popen([*inside, *served, *files], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        url = "https://198.51.100.60/"
        eventually(lambda: bench.on(GATEWAY, f"curl -sk {url}").returncode == 0, 10, "the server")
        bench.must(GATEWAY, f"curl -sf {url} >/dev/null")
        fetch = f"import urllib.request; print(urllib.request.urlopen('{url}').status)"
        assert bench.must(GATEWAY, f'python3 -c "{fetch}"').strip() == "200"
        # Without the bundle it is refused: the server's certificate is really judged.
        assert bench.on(GATEWAY, f"curl -sf --cacert /dev/null {url}").returncode != 0
    finally:
        server.kill()
        server.wait()


def test_a_machine_cannot_set_the_hosts_clock(bench: Bench) -> None:
    before = time.time()
    assert bench.on(GATEWAY, "sudo date -s '2001-01-01 00:00:00' && date").returncode != 0
    assert abs(time.time() - before) < 60


def test_a_machine_forwards_packets_once_it_is_told_to(bench: Bench) -> None:
    assert bench.must(GATEWAY, "sudo sysctl -n -w net.ipv4.ip_forward=1").strip() == "1"


def test_each_machine_has_a_control_group_of_its_own(bench: Bench) -> None:
    groups = set()
    for machine in (GATEWAY, DATABASE, "onprem-gateway", "onprem-database"):
        leader = bench.box.machine_state(machine)["leader_pid"]
        with open(f"/proc/{leader}/cgroup") as file:
            groups.add(next(line.split("::")[1].strip() for line in file if line.startswith("0::")))
    assert len(groups) == 4
    assert all("/tmm-" in group for group in groups)


def test_a_reboot_from_inside_comes_back_with_disk_and_volume(bench: Bench) -> None:
    boots = bench.box.machine_state(DATABASE)["boots"]
    bench.must(DATABASE, f"test -b {DEVICE} && echo kept | sudo tee /root/mark && sync")
    bench.on(DATABASE, "sudo reboot")
    eventually(lambda: bench.box.machine_state(DATABASE)["boots"] == boots + 1, 30, "the next boot")
    back(bench, DATABASE)
    assert bench.must(DATABASE, f"sudo cat /root/mark; test -b {DEVICE} && echo volume").split() == ["kept", "volume"]


def test_a_crashed_machine_stays_off_whatever_else_changes_until_it_is_started(bench: Bench) -> None:
    bench.must(GATEWAY, "echo kept | sudo tee /root/mark && sync")
    leader = bench.box.machine_state(GATEWAY)["leader_pid"]
    began = time.monotonic()
    bench.box.crash(GATEWAY)
    assert time.monotonic() - began < 2.0
    assert not os.path.exists(f"/proc/{leader}")
    changed = dataclasses.replace(
        world(bench.key), volumes=(*world(bench.key).volumes, Volume("vol-0aaaaaaaaaaaaaaa2", 1))
    )
    bench.box.apply(changed)
    assert bench.box.machine_state(GATEWAY)["running"] is False
    assert bench.box.machine_state(GATEWAY)["address"] == "10.20.1.10"
    bench.box.start(GATEWAY)
    back(bench, GATEWAY)
    assert bench.must(GATEWAY, "sudo cat /root/mark").strip() == "kept"
    bench.box.apply(world(bench.key))


def test_a_stopped_machine_ends_cleanly_and_starts_again(bench: Bench) -> None:
    bench.box.stop("onprem-database")
    assert bench.box.machine_state("onprem-database")["running"] is False
    assert "Halting system." in bench.box.console("onprem-database").read_text(errors="replace")
    bench.box.start("onprem-database")
    back(bench, "onprem-database")


def test_the_world_can_stop_a_machine_and_start_it(bench: Bench) -> None:
    base = world(bench.key)
    off = tuple(dataclasses.replace(one, running=one.id != DATABASE) for one in base.machines)
    bench.box.apply(dataclasses.replace(base, machines=off))
    assert bench.box.machine_state(DATABASE)["running"] is False
    bench.box.apply(base)
    back(bench, DATABASE)


def test_a_volume_is_mounted_by_a_unit_and_survives_its_machine(bench: Bench) -> None:
    unit = f"[Mount]\\nWhat={DEVICE}\\nWhere=/srv/data\\nType=ext4\\n[Install]\\nWantedBy=multi-user.target\\n"
    bench.must(
        DATABASE,
        f"sudo mkfs.ext4 -q {DEVICE} && printf '{unit}' | sudo tee /etc/systemd/system/srv-data.mount >/dev/null"
        " && sudo systemctl daemon-reload && sudo systemctl enable --now srv-data.mount"
        " && echo precious | sudo tee /srv/data/file && sudo sync",
    )
    bench.box.crash(DATABASE)
    bench.box.start(DATABASE)
    back(bench, DATABASE)
    eventually(lambda: bench.on(DATABASE, "cat /srv/data/file").stdout == "precious\n", 10, "the mount after a crash")
    base = world(bench.key)
    # Detached while it runs: the node goes. What is mounted stays with the machine until it is unmounted.
    detached = tuple(dataclasses.replace(one, volumes=()) for one in base.machines)
    bench.must(DATABASE, "sudo systemctl stop srv-data.mount")
    bench.box.apply(dataclasses.replace(base, machines=detached))
    assert bench.on(DATABASE, f"test -e {DEVICE} || test -e /dev/nvme1n1").returncode == 1
    # Another machine in its place, with the old one's volume.
    successor = dataclasses.replace(base.machines[1], id="i-0aaaaaaaaaaaaaaa3", interface=DATABASE_FACE)
    bench.box.apply(dataclasses.replace(base, machines=(base.machines[0], successor)))
    eventually(lambda: bench.booted(successor.id), 60, "the successor's boot")
    eventually(lambda: bench.reachable(DATABASE), 20, "SSH to the successor")
    assert bench.must(DATABASE, "hostname").strip() == successor.id
    assert bench.must(DATABASE, f"sudo mount {DEVICE} /mnt && cat /mnt/file").strip() == "precious"
    bench.box.apply(base)
    back(bench, DATABASE)


def test_a_volume_serves_one_machine_and_never_shrinks(bench: Bench) -> None:
    base = world(bench.key)
    both = tuple(dataclasses.replace(one, volumes=(("/dev/sdf", VOLUME),)) for one in base.machines)
    with pytest.raises(BoxError, match=f"volume {VOLUME} is attached to 2 machines"):
        bench.box.apply(dataclasses.replace(base, machines=both))
    grown = dataclasses.replace(base, volumes=(Volume(VOLUME, 2),))
    bench.box.apply(grown)
    assert bench.must(DATABASE, f"sudo blockdev --getsize64 {DEVICE}").strip() == str(2 << 30)
    with pytest.raises(BoxError, match="cannot shrink"):
        bench.box.apply(base)
    bench.box.apply(grown)


def test_two_machines_do_not_share_an_interface(bench: Bench) -> None:
    base = world(bench.key)
    twins = tuple(dataclasses.replace(one, interface=GATEWAY_FACE) for one in base.machines)
    with pytest.raises(BoxError, match=f"interface {GATEWAY_FACE} belongs to 2 machines"):
        bench.box.apply(dataclasses.replace(base, machines=twins))


def test_a_machine_does_not_move(bench: Bench) -> None:
    base = world(bench.key)
    moved = tuple(
        dataclasses.replace(face, address="10.20.1.11") if face.id == GATEWAY_FACE else face for face in base.interfaces
    )
    with pytest.raises(BoxError, match=f"{GATEWAY} is at 10.20.1.10/24 and cannot move to 10.20.1.11/24"):
        bench.box.apply(dataclasses.replace(base, interfaces=moved))
    assert bench.reachable(GATEWAY)
