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

from .. import packages
from ..errors import Failed, Refused
from ..machine import put, run
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
UPGRADES = {
    pathlib.Path("/etc/apt/apt.conf.d/52twinsite-mysql"): "unattended.conf",
    pathlib.Path("/etc/needrestart/conf.d/twinsite-mysql.conf"): "needrestart.conf",
}
SERVER = ("mysql-server", "mysql-community-server")
"""Packages that bring it, the distribution's or MySQL's own."""
WORK_SECONDS = 600
"""For one command that works on a whole volume."""
_FIXED_AT_BIRTH = frozenset({"lower_case_table_names", "innodb_page_size", "innodb_data_file_path"})


Files = dict[pathlib.Path, tuple[str, int, str]]
"""Path → (text, mode, owner)."""


def _upgrade_files() -> Files:
    return {path: ((FOLDER / name).read_text(encoding="utf-8"), 0o644, "root") for path, name in UPGRADES.items()}


def _dropin_text(config: Config) -> str:
    requires = f"RequiresMountsFor={DATA}" if config.data_device else ""
    return template("mysql-dropin.conf", {"requires_mount": requires})


def _route_text(config: Config) -> str:
    return template("twinsite-route.service", {"range": config.route_range, "via": config.route_via})


def _mount_text(config: Config) -> str:
    # An unreadable path would fail the mount with a mere "no such device" on machines that boot without udev.
    return template("volume.mount", {"device": device_path(config.data_device)})


def files(config: Config) -> Files:
    """What the role puts on the host around MySQL, besides its settings and certificates (settings.py)."""
    found = {**_upgrade_files(), DROPIN: (_dropin_text(config), 0o644, "root")}
    if config.route_range:
        found[UNITS / ROUTE_UNIT] = (_route_text(config), 0o644, "root")
    if config.data_device:
        found[UNITS / MOUNT_UNIT] = (_mount_text(config), 0o644, "root")
    return found


def units(config: Config) -> list[str]:
    """What runs, now and after each boot."""
    route = [ROUTE_UNIT] if config.route_range else []
    return [server.UNIT, *route, *([MOUNT_UNIT] if config.data_device else [])]


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


def programs() -> list[str]:
    """Install MySQL from the host's archives when it is missing, without letting the package start it."""
    return [f"installed {name}" for name in packages.install(packages.missing({"mysqld": SERVER, "mysql": SERVER}))]


def upgrades() -> list[str]:
    """MySQL is restarted by people, not by what upgrades packages at night; the rest of the host is upgraded as before.

    For unattended-upgrades the package, for needrestart the service; both read these files where they are installed.
    """
    written = [put(path, *told) for path, told in _upgrade_files().items()]
    return ["MySQL's package is upgraded, and its server restarted, by people only"] if any(written) else []


def device_path(device: str) -> str:
    """Where a volume shows up, or would first."""
    places = device_paths(device)
    return next((place for place in places if os.path.exists(place)), places[0])


def device_paths(device: str) -> list[str]:
    """Where a volume may show up, by the kinds of machines that there are; each place is that volume's only."""
    if device.startswith("azure-lun-"):
        # The first is azure-vm-utils' (Ubuntu 25.04 and later), the second the older agent's.
        number = device.removeprefix("azure-lun-")
        return [f"/dev/disk/azure/data/by-lun/{number}", f"/dev/disk/azure/scsi1/lun{number}"]
    if device.startswith("vol-"):
        # Nitro: NVMe, by its serial, which is the volume's id without the dash. Xen (t2, m4, …): by the name that
        # machine/ec2_host.py attaches it under, /dev/sdf, which kernels call xvdf (EC2 guide, device naming).
        return [f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{device.replace('-', '')}", "/dev/xvdf", "/dev/sdf"]
    return [device]


def volume(config: Config) -> list[str]:
    """Mount the data volume at the data directory; format it only when it is blank."""
    if not config.data_device:
        return []
    deadline = time.monotonic() + 300
    while not os.path.exists(device := device_path(config.data_device)):
        if time.monotonic() > deadline:
            raise Failed(
                f"{' or '.join(device_paths(config.data_device))} did not appear within 300 s: is the volume "
                f"{config.data_device} attached to this instance?"
            )
        time.sleep(0.5)
    sentences = []
    if not os.path.ismount(DATA):
        if _blank(device):
            run(["mkfs.ext4", "-q", "-L", "twinsite-mysql", device], WORK_SECONDS)
            sentences.append(f"formatted the blank volume {config.data_device}")
        if server.running():
            server.systemctl("stop", server.UNIT)
    changed = put(UNITS / MOUNT_UNIT, _mount_text(config))
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
    try:
        run(["resize2fs", device], WORK_SECONDS)
    except Failed as error:
        if "Permission denied" not in str(error):
            raise
        # Growing a mounted one takes CAP_SYS_RESOURCE, which a container's root may lack; unmounted it takes nothing.
        how = ", with MySQL stopped, because this kernel lets nobody grow a mounted one"
        server.systemctl("stop", server.UNIT)
        server.systemctl("stop", MOUNT_UNIT)
        try:
            # resize2fs demands it. 1: mended, for instance by making lost+found, which data_directory took away.
            run(["e2fsck", "-f", "-p", device], WORK_SECONDS, good=(0, 1))
            run(["resize2fs", device], WORK_SECONDS)
        finally:
            server.systemctl("start", MOUNT_UNIT)
        with contextlib.suppress(OSError):  # what the check has put in there stays
            (DATA / "lost+found").rmdir()
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


def dropin(config: Config) -> list[str]:
    """systemd brings the server back, and never without its volume."""
    if put(DROPIN, _dropin_text(config)):
        server.systemctl("daemon-reload")
        return ["systemd restarts MySQL without limit"]
    return []


def route(config: Config) -> list[str]:
    """The way to the peer's range through this site's gateway, kept by a unit of its own."""
    unit = UNITS / ROUTE_UNIT
    if not config.route_range:
        return []
    if put(unit, _route_text(config)):
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
        run([*command, f"--init-file={init}", *fixed], WORK_SECONDS)
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
