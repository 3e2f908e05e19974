"""The source's data are on a volume of their own, which outlives crashes and machines and is never formatted twice."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.model import Machine, Volume
from twinsite.payload import payload

from .box_world import DATABASE, DATABASE_FACE, Bench, eventually, running_world, user_data, world
from .database_pair import UNPACK, authority
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]

VOLUME = "vol-0aaaaaaaaaaaaaaa1"
SUCCESSOR = "i-0aaaaaaaaaaaaaaa3"
CONFIG = "/etc/twinsite/database.json"
GUEST = "sudo /usr/local/sbin/twinsite-guest database"
SOURCE = "10.20.2.20"
READ = "sudo mysql -Ne 'SELECT v FROM app.t'"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_world(tmp_path_factory.mktemp("box"), "tv") as bench:
        install(bench)
        yield bench


def install(bench: Bench) -> None:
    """Payload and configuration of a source with a volume."""
    signer = authority()
    certificate, key = signer.certificate(SOURCE)
    config = {
        "role": "source",
        "server_id": 1,
        "source_address": SOURCE,
        "replica_address": "192.168.64.20",
        "tls_ca": signer.pem,
        "tls_cert": certificate,
        "data_device": VOLUME,
        "data_gib": 0,
    }
    secrets = {"replication_password": "r" * 32, "clone_password": "c" * 32, "tls_key": key}
    give(bench, f"sudo sh -c '{UNPACK}'", payload("database"))
    for name, told in (("database.json", config), ("database.secrets.json", secrets)):
        give(bench, f"sudo install -D -m 600 /dev/stdin /etc/twinsite/{name}", json.dumps(told).encode())


def give(bench: Bench, command: str, stdin: bytes) -> None:
    process = bench.start(DATABASE, command)
    assert process.stdin is not None
    process.stdin.buffer.write(stdin)
    process.communicate(timeout=60)
    assert process.returncode == 0


def back(bench: Bench) -> None:
    eventually(lambda: bench.reachable(DATABASE), 60, "SSH to the database")


def test_a_blank_volume_is_formatted_once_and_holds_the_data(bench: Bench) -> None:
    first = json.loads(bench.must(DATABASE, f"{GUEST} apply"))
    assert f"formatted the blank volume {VOLUME}" in first["changed"]
    assert bench.must(DATABASE, "findmnt -no FSTYPE /var/lib/mysql").strip() == "ext4"
    write = "CREATE DATABASE app; CREATE TABLE app.t (v INT PRIMARY KEY); INSERT INTO app.t VALUES (41)"
    bench.must(DATABASE, f"sudo mysql -e '{write}'")
    assert json.loads(bench.must(DATABASE, f"{GUEST} apply")) == {"changed": [], "disruption": "none"}


def test_after_a_crash_mysql_is_back_with_its_volume_and_nobody_does_anything(bench: Bench) -> None:
    bench.box.crash(DATABASE)
    bench.box.start(DATABASE)
    back(bench)
    eventually(lambda: bench.on(DATABASE, READ).stdout.strip() == "41", 60, "the row after the crash")
    assert bench.must(DATABASE, "findmnt -no FSTYPE /var/lib/mysql").strip() == "ext4"


def test_mysql_does_not_start_on_an_empty_directory_when_its_volume_is_missing(bench: Bench) -> None:
    bench.must(DATABASE, "sudo systemctl stop mysql")
    bench.must(DATABASE, "sudo systemctl stop var-lib-mysql.mount")
    unit = "/etc/systemd/system/var-lib-mysql.mount"
    bench.must(DATABASE, f"sudo sed -i s/{VOLUME.replace('-', '')}/gone/ {unit} && sudo systemctl daemon-reload")
    assert bench.on(DATABASE, "sudo systemctl start mysql").returncode != 0
    assert bench.must(DATABASE, "sudo ls -A /var/lib/mysql") == ""
    outcome = json.loads(bench.must(DATABASE, f"{GUEST} apply"))
    assert f"mounted {VOLUME} at /var/lib/mysql" in outcome["changed"]
    assert not any("formatted" in words for words in outcome["changed"])
    assert bench.must(DATABASE, READ).strip() == "41"


def test_a_volume_with_something_else_on_it_is_refused_and_left_alone(bench: Bench) -> None:
    bench.must(DATABASE, "sudo systemctl stop mysql var-lib-mysql.mount")
    device = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{VOLUME.replace('-', '')}"
    bench.must(DATABASE, f"sudo dd if={device} of=/var/tmp/head bs=4k count=64 status=none && sudo mkswap -q {device}")
    done = bench.on(DATABASE, f"{GUEST} apply")
    assert done.returncode == 2
    assert "no ext4 file system" in done.stderr
    assert 'TYPE="swap"' in bench.must(DATABASE, f"sudo blkid --probe {device}")
    bench.must(DATABASE, f"sudo dd if=/var/tmp/head of={device} conv=notrunc,fsync status=none")
    bench.must(DATABASE, f"{GUEST} apply")
    assert bench.must(DATABASE, READ).strip() == "41"


def test_the_file_system_grows_with_its_volume(bench: Bench) -> None:
    pid, size = "systemctl show -P MainPID mysql", "df --output=size -BM /var/lib/mysql | tail -n 1"
    install(bench)
    bench.must(DATABASE, f"{GUEST} apply")
    before = bench.must(DATABASE, pid)
    assert int(bench.must(DATABASE, size).strip(" M\n")) < 1024
    bench.must(DATABASE, f'sudo sed -i \'s/"data_gib": 0/"data_gib": 2/\' {CONFIG}')
    waiting = bench.start(DATABASE, f"{GUEST} apply")  # told before the cloud is done
    bench.box.apply(dataclasses.replace(world(bench.key), volumes=(Volume(VOLUME, 2),)))
    said, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, said
    (grown,) = [words for words in json.loads(said)["changed"] if "grew" in words]
    assert grown.startswith(f"grew the file system at /var/lib/mysql to the 2 GiB of {VOLUME}")
    assert int(bench.must(DATABASE, size).strip(" M\n")) > 1900
    assert bench.must(DATABASE, READ).strip() == "41"
    # Linux' CAP_SYS_RESOURCE; where this machine's root lacks it, nobody can grow what is mounted.
    capable = int(re.findall(r"CapBnd:\s+(\w+)", Path("/proc/self/status").read_text())[0], 16) >> 24 & 1
    assert (bench.must(DATABASE, pid) == before) == ("with MySQL stopped" not in grown) == bool(capable)
    assert json.loads(bench.must(DATABASE, f"{GUEST} apply"))["changed"] == []


def test_another_machine_gets_the_data_and_an_identity_of_its_own(bench: Bench) -> None:
    uuid = "sudo mysql -Ne 'SELECT @@server_uuid'"
    before = bench.must(DATABASE, uuid)
    base = dataclasses.replace(world(bench.key), volumes=(Volume(VOLUME, 2),))
    kept = tuple(machine for machine in base.machines if machine.id != DATABASE)
    bench.box.apply(dataclasses.replace(base, machines=kept))
    successor = Machine(SUCCESSOR, DATABASE_FACE, user_data(bench.key), (("/dev/sdf", VOLUME),))
    bench.box.apply(dataclasses.replace(base, machines=(*kept, successor)))
    back(bench)
    eventually(lambda: bench.booted(SUCCESSOR), 90, "the successor's boot")
    install(bench)
    outcome = json.loads(bench.must(DATABASE, f"{GUEST} apply"))
    assert not any("formatted" in words or "initialised" in words for words in outcome["changed"])
    assert bench.must(DATABASE, READ).strip() == "41"
    assert bench.must(DATABASE, uuid) != before
