"""The backup job's image: its packages, installed as the Containerfile says, and the pod's own command in them.

Not a container engine: mmdebstrap and chroot, in the distribution of the lab's machines. As the pod runs it: user
65532, a read-only root, nothing to write to but the work folder and /tmp, no new privileges.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.box.image import OPTIONS, SUITE
from tests import containerfile
from twinsite.payload import guest_file, payload

from .backup_world import PASSWORD, TARGET, World, running_world
from .database_pair import SOURCE
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]

PREFIX = "ti"
USER = 65532
ENTER = """set -eu
root=$1 told=$2 work=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$told" "$root/etc/twinsite" && mount -o remount,ro,bind "$root/etc/twinsite"
mount --bind "$work" "$root/var/lib/twinsite"
mount --bind "$work/tmp" "$root/tmp"
mount -o remount,ro,bind "$root"
exec setpriv --no-new-privs chroot --userspec=USER:USER "$root" \
  env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/var/lib/twinsite CRONJOB=rds-backup JOB_NAME=rds-backup-29390418 "$@"
""".replace("USER", str(USER))


class Image:
    """A root file system with the image's packages; `run` is a pod of it, `network` a namespace that it runs in."""

    network = ""

    def __init__(self, folder: Path) -> None:
        self.root, self.told, self.work = folder / "root", folder / "told", folder / "work"
        wanted = ",".join(containerfile.packages())
        made = ["mmdebstrap", *OPTIONS, '--aptopt=APT::Install-Recommends "false"']
        done = subprocess.run(
            [*made, f"--include={wanted}", SUITE, str(self.root)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        # Kubernetes makes the places of what it mounts.
        for place in ("etc/twinsite", "var/lib/twinsite"):
            (self.root / place).mkdir(parents=True)
        self.told.mkdir()
        for path in (self.work, self.work / "tmp", self.work / "store"):
            path.mkdir()
            os.chown(path, USER, USER)

    def tell(self, pem: str) -> None:
        """What the pod's ConfigMap and Secret hold, for its group."""
        config = {
            "store": "file:///var/lib/twinsite/store",
            "schema": "clinic",
            "database": {"address": SOURCE, "user": "job", "tls_ca": pem},
            "target": {"address": TARGET, "user": "administrator", "tls_ca": pem},
            "streams": 2,
            "spool": "/var/lib/twinsite/spool",
        }
        files = {
            "backup.json": json.dumps(config).encode(),
            "backup.secrets.json": json.dumps({"password": PASSWORD}).encode(),
            "in-container.sh": guest_file("agent/in-container.sh").encode(),
            "payload.tar.gz": payload("backup"),
        }
        for name, content in files.items():
            (self.told / name).write_bytes(content)
            (self.told / name).chmod(0o440)
            os.chown(self.told / name, 0, USER)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        enter = ["ip", "netns", "exec", self.network] if self.network else []
        enter += ["unshare", "--mount", "--pid", "--fork", "sh", "-c", ENTER]
        places = [str(place) for place in (self.root, self.told, self.work)]
        return subprocess.run(
            [*enter, "pod", *places, *words], capture_output=True, text=True, timeout=180, check=False
        )

    def backup(self, *words: str) -> dict[str, Any]:
        """The pod's own command with a verb of the job."""
        done = self.run("/bin/sh", "/etc/twinsite/in-container.sh", "python3", "-m", "backup", *words)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    folder.parent.chmod(0o755)  # pytest's own, which lets nobody else through
    folder.chmod(0o755)
    made = Image(folder)
    yield made
    shutil.rmtree(folder)


def test_the_builds_own_checks_pass_and_it_is_not_mariadbs_client(image: Image) -> None:
    done = image.run("sh", "-euc", containerfile.checks())
    assert done.returncode == 0, done.stderr
    for program in ("mysql", "mysqldump"):
        assert program in done.stdout
    assert "MariaDB" not in done.stdout


def test_the_root_is_read_only_and_the_user_is_nobody(image: Image) -> None:
    # Without this the next test would say nothing about a pod.
    done = image.run("sh", "-c", "id -u; touch /root-is-writable; touch /var/lib/twinsite/x /tmp/x && echo work")
    assert done.stdout.split() == [str(USER), "work"]
    assert "Read-only file system" in done.stderr


def test_the_pods_command_takes_a_backup_in_it_verifies_and_restores_it(
    image: Image, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_world(tmp_path_factory.mktemp("world"), PREFIX) as world:
        _there_and_back(image, world)


def _there_and_back(image: Image, world: World) -> None:
    image.network = f"{PREFIX}-adhoc"
    image.tell(world.pair.signer.pem)
    made = image.backup("run")
    assert made["scheduled"] is True
    assert made["rows"] > 50000
    assert image.backup("run", "--planned")["scheduled"] is False
    assert image.backup("verify", made["id"])
    done = image.backup("restore", made["id"])
    assert (done["divergent_tables"], done["restored_rows"]) == ([], made["rows"])
    assert world.dump(TARGET) == world.dump(SOURCE)
