"""What the role puts on the host around MySQL: packages, the data volume, the route, files, the data directory."""

import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time
from typing import Any

from ..errors import Failed, Refused
from ..machine import put
from . import server
from .config import Config
from .settings import FOLDER, template

DATA = pathlib.Path("/var/lib/mysql")
STATE = pathlib.Path("/var/lib/twinsite/database.json")
UNITS = pathlib.Path("/etc/systemd/system")
MOUNT_UNIT = "var-lib-mysql.mount"
ROUTE_UNIT = "twinsite-route.service"
DROPIN = UNITS / "mysql.service.d/twinsite.conf"
# Left in an empty data directory before mysqld fills it, removed when it is complete. mysqld ignores dot files there.
UNFINISHED = DATA / ".twinsite-initialising"
_FIXED_AT_BIRTH = frozenset({"lower_case_table_names", "innodb_page_size", "innodb_data_file_path"})


def state() -> dict[str, Any]:
    """What twinsite did on this host and cannot see otherwise."""
    try:
        found: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
        return found
    except (FileNotFoundError, ValueError):
        return {}


def remember(**facts: object) -> None:
    """Merge facts into the state; on disk when this returns."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    put(STATE, json.dumps({**state(), **facts}, indent=1, sort_keys=True), 0o600)


def packages() -> list[str]:
    """Install MySQL from the distribution when it is missing, without letting the package start it."""
    if shutil.which("mysqld") and shutil.which("mysql"):
        return []
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        put(policy, "#!/bin/sh\nexit 101\n", 0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "mysql-server"]):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
            if done.returncode:
                raise Failed(f"{' '.join(command)} failed: {done.stderr.strip()[-1500:]}")
    finally:
        if ours:
            policy.unlink(missing_ok=True)
    return ["installed the distribution's mysql-server"]


def device_path(device: str) -> str:
    """Where a volume shows up. Nitro instances name EBS volumes by id, without the dash."""
    if device.startswith("azure-lun-"):
        # The first is azure-vm-utils' (Ubuntu 25.04 and later), the second the older agent's.
        number = device.removeprefix("azure-lun-")
        places = [f"/dev/disk/azure/data/by-lun/{number}", f"/dev/disk/azure/scsi1/lun{number}"]
        return next((place for place in places if os.path.exists(place)), places[0])
    if device.startswith("vol-"):
        return f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{device.replace('-', '')}"
    return device


def volume(config: Config) -> list[str]:
    """Mount the data volume at the data directory; format it only when it is blank."""
    if not config.data_device:
        return []
    deadline = time.monotonic() + 300
    while not os.path.exists(device := device_path(config.data_device)):
        if time.monotonic() > deadline:
            raise Failed(
                f"{device} did not appear within 300 s: is the volume {config.data_device} attached to this instance?"
            )
        time.sleep(0.5)
    sentences = []
    if not os.path.ismount(DATA):
        if _blank(device):
            _run(["mkfs.ext4", "-q", "-L", "twinsite-mysql", device])
            sentences.append(f"formatted the blank volume {config.data_device}")
        if server.running():
            server.systemctl("stop", server.UNIT)
    # An unreadable path would fail the mount with a mere "no such device" on machines that boot without udev.
    changed = put(UNITS / MOUNT_UNIT, template("volume.mount", {"device": device}))
    if changed:
        server.systemctl("daemon-reload")
    if changed or not os.path.ismount(DATA):
        DATA.mkdir(exist_ok=True)
        server.systemctl("enable", "-q", MOUNT_UNIT)
        server.systemctl("start", MOUNT_UNIT)
        sentences.append(f"mounted {config.data_device} at {DATA}")
    if not os.path.ismount(DATA):
        raise Failed(f"{DATA} is not a mount point although {MOUNT_UNIT} was started")
    _own(DATA)
    return [*sentences, *_grow(config, device, deadline)]


def _grow(config: Config, device: str, deadline: float) -> list[str]:
    """The file system as large as its volume, which may have grown; ext4 takes that while it is mounted. MySQL may be
    stopped after this."""
    while (found := _gib(device)) < config.data_gib:
        if time.monotonic() > deadline:
            raise Failed(
                f"{device} has {found:g} GiB and is to have {config.data_gib}: is the change of {config.data_device} "
                "still going on? This host tries again when it is told anything, or by `sudo twinsite-guest database "
                "apply`"
            )
        # SCSI disks (Azure's older machine types) are not looked at again by themselves, NVMe ones are.
        rescan = pathlib.Path("/sys/class/block", os.path.basename(os.path.realpath(device)), "device/rescan")
        with contextlib.suppress(OSError):
            rescan.write_text("1", encoding="ascii")
        time.sleep(0.5)
    before, how = os.statvfs(DATA).f_blocks, ""
    done = subprocess.run(["resize2fs", device], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode and "Permission denied" in done.stderr:
        # Growing a mounted one takes CAP_SYS_RESOURCE, which a container's root may lack; unmounted it takes nothing.
        how = ", with MySQL stopped, because this kernel lets nobody grow a mounted one"
        server.systemctl("stop", server.UNIT)
        server.systemctl("stop", MOUNT_UNIT)
        try:
            # resize2fs demands it. 1: mended, for instance by making lost+found, which data_directory took away.
            _run(["e2fsck", "-f", "-p", device], good=(0, 1))
            _run(["resize2fs", device])
        finally:
            server.systemctl("start", MOUNT_UNIT)
        with contextlib.suppress(OSError):  # what the check has put in there stays
            (DATA / "lost+found").rmdir()
    elif done.returncode:
        raise Failed(f"resize2fs {device} failed: {(done.stderr or done.stdout).strip()[-1500:]}")
    if os.statvfs(DATA).f_blocks == before:
        return []
    return [f"grew the file system at {DATA} to the {found:g} GiB of {config.data_device}{how}"]


def _gib(device: str) -> float:
    with open(device, "rb") as file:
        return file.seek(0, os.SEEK_END) / 2**30


def _blank(device: str) -> bool:
    """No file system, partition or other signature. Anything else is somebody's data and is never formatted."""
    done = subprocess.run(["blkid", "--probe", device], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        return True
    if done.returncode == 0 and 'TYPE="ext4"' in done.stdout:
        return False
    raise Refused(
        [
            f"{device} holds something that is no ext4 file system ({done.stdout.strip()}): give an empty volume or "
            "one that twinsite formatted"
        ]
    )


def _own(path: pathlib.Path) -> None:
    entry = pwd.getpwnam("mysql")
    if path.stat().st_uid != entry.pw_uid:
        os.chown(path, entry.pw_uid, entry.pw_gid)
    path.chmod(0o700)


def _run(command: list[str], good: "tuple[int, ...]" = (0,)) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode not in good:
        raise Failed(f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-1500:]}")


def dropin(config: Config) -> list[str]:
    """systemd brings the server back, and never without its volume."""
    requires = f"RequiresMountsFor={DATA}\n" if config.data_device else ""
    if put(DROPIN, template("mysql-dropin.conf", {"requires_mount": requires.strip()})):
        server.systemctl("daemon-reload")
        return ["systemd restarts MySQL without limit"]
    return []


def route(config: Config) -> list[str]:
    """The way to the peer's range through this site's gateway, kept by a unit of its own."""
    unit = UNITS / ROUTE_UNIT
    if not config.route_range:
        return []
    values = {"range": config.route_range, "via": config.route_via}
    if put(unit, template("twinsite-route.service", values)):
        server.systemctl("daemon-reload")
        server.systemctl("enable", "-q", ROUTE_UNIT)
        server.systemctl("restart", ROUTE_UNIT)
        return [f"route to {config.route_range} through {config.route_via}"]
    if server.systemctl("is-active", ROUTE_UNIT, check=False) != "active":
        server.systemctl("start", ROUTE_UNIT)
        return [f"started {ROUTE_UNIT} again"]
    return []


def data_directory(config: Config) -> list[str]:
    """Initialise an empty data directory: root by auth_socket from the first moment, and no transaction of its own."""
    if UNFINISHED.exists():
        # Killed while mysqld filled a directory that was empty before: nothing in there is anybody's data.
        server.systemctl("stop", server.UNIT)
        for entry in DATA.iterdir():
            if entry.name not in ("lost+found", UNFINISHED.name):
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    if (DATA / "mysql.ibd").exists() or (DATA / "mysql").exists():
        return []
    DATA.mkdir(exist_ok=True)
    _own(DATA)
    left = sorted(entry.name for entry in DATA.iterdir() if entry.name not in ("lost+found", UNFINISHED.name))
    if left:
        raise Refused(
            [f"{DATA} holds {', '.join(left[:5])} but no MySQL system tables: move that away, then apply again"]
        )
    server.systemctl("stop", server.UNIT)
    UNFINISHED.touch()
    lost = DATA / "lost+found"
    if lost.exists():
        lost.rmdir()  # mysqld refuses a directory that is not empty; fsck makes it again when it needs it
    # Under /etc/mysql, because AppArmor lets mysqld read there. What cannot change later is set now.
    init = pathlib.Path("/etc/mysql/twinsite-init.sql")
    put(init, (FOLDER / "init.sql").read_text(encoding="utf-8"))
    fixed = [f"--{name}={value}" for name, value in sorted(config.settings.items()) if name in _FIXED_AT_BIRTH]
    try:
        command = ["mysqld", "--no-defaults", "--initialize-insecure", "--user=mysql", f"--datadir={DATA}"]
        _run([*command, f"--init-file={init}", *fixed])
    finally:
        init.unlink(missing_ok=True)
    UNFINISHED.unlink()
    return ["initialised an empty data directory"]


def identity() -> list[str]:
    """Once per machine: drop auto.cnf, which machines made from one image share; the server then invents its own uuid.

    Bound to the machine id, so that an image taken of a machine that twinsite served gets a new identity, too.
    """
    machine = pathlib.Path("/etc/machine-id").read_text(encoding="utf-8").strip()
    if state().get("identity") == machine:
        return []
    auto = DATA / "auto.cnf"
    sentences = []
    if auto.exists():
        server.systemctl("stop", server.UNIT)
        auto.unlink()
        sentences.append("removed auto.cnf: the server has a uuid of its own now")
    remember(identity=machine)
    return sentences


def relay_log() -> str:
    """Base name of the relay log: the one that is there, else a name without the host's."""
    known = state().get("relay_log")
    if known:
        return str(known)
    found = [entry.name[: -len(".index")] for entry in DATA.glob("*-relay-bin.index")] if DATA.exists() else []
    name = found[0] if len(found) == 1 and re.fullmatch(r"[\w.-]+", found[0]) else "twinsite-relay"
    remember(relay_log=name)
    return name
