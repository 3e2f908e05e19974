"""The gateway role comes, is told another thing, meets another firewall and goes, on other distributions' userlands.

Debian 12 is the real one (Python 3.11.2). Of Ubuntu 26.04 no archive is reached from here: its userland is the image's
(a newer Python than 3.11) with uutils' coreutils in front, of Debian's sid and so newer than Ubuntu's.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.box.image import OPTIONS, ensure_image
from lab.box.machine import ENVIRONMENT
from lab.paths import cache
from twinsite.machine import documents, onprem_host
from twinsite.payload import guest_file

from .test_gateway_guest import KEYS, ONPREM, SIDES
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

HERE = Path(__file__).parent / "userland"
DEBIAN_12 = (
    "python3,systemd-sysv,dbus,sudo,procps,iproute2,iputils-ping,nftables,charon-systemd,strongswan-swanctl,"
    "libstrongswan-standard-plugins,libcharon-extra-plugins"
)
SECONDS = 60


def debian_12() -> Path:
    """Root file system of Debian 12, built once for a machine (half a minute beside a good mirror)."""
    command = ["mmdebstrap", *OPTIONS, f"--include={DEBIAN_12}", "bookworm"]
    folder = cache() / "lab" / "userland" / hashlib.sha256(repr(command).encode()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = folder.with_name(f".{folder.name}")
            shutil.rmtree(draft, ignore_errors=True)
            done = subprocess.run([*command, str(draft)], capture_output=True, text=True, check=False, timeout=900)
            assert done.returncode == 0, done.stderr[-2000:]
            (draft / "etc/hosts").write_text("127.0.0.1 localhost\n")
            (draft / "etc/resolv.conf").write_text("")  # the builder's
            draft.rename(folder)
    return folder


def told(folder: Path, uutils: bool) -> None:
    """What reaches the host, as the program sends it."""
    config, keys = SIDES[ONPREM], {"psk": {"1": KEYS[1]}}
    slower = {**config, "timers": {"dpd_delay_seconds": 4}}
    for name, text in {
        "first": documents.bundle("gateway", config, keys),
        "second": documents.bundle("gateway", slower, keys),
        "over-ssh.sh": guest_file("agent/over-ssh.sh"),
        "put.sh": onprem_host.put_command("/srv/a folder/it's.json"),
        "undo.sh": onprem_host.undo_command("gateway"),
        "run.sh": (HERE / "run.sh").read_text(),
        **({"uutils": ""} if uutils else {}),
    }.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize("userland", ["debian-12", "uutils"])
def test_a_role_comes_changes_and_goes(userland: str, tmp_path: Path) -> None:
    uutils = userland == "uutils"
    root = ensure_image(cache(), print) if uutils else debian_12()
    for name in ("test", "out"):
        (tmp_path / name).mkdir()
    told(tmp_path / "test", uutils)
    unit = "/etc/systemd/system/twinsite-test.service"
    command = [
        *(
            "systemd-nspawn",
            "-q",
            f"--directory={root}",
            "--volatile=overlay",
            "--boot",
            "--register=no",
            "--keep-unit",
        ),
        *("--private-network", "--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--bind=/dev/net/tun"),
        *(f"--machine=userland-{os.getpid()}", "--hostname=localhost"),
        *(
            "--resolv-conf=off",
            "--timezone=off",
            f"--bind-ro={tmp_path / 'test'}:/test",
            f"--bind={tmp_path / 'out'}:/out",
        ),
        *(f"--bind-ro={HERE / 'twinsite-test.service'}:{unit}", "systemd.unit=twinsite-test.service"),
    ]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False)
    out = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert "said" in out, done.stderr + done.stdout[-3000:]
    assert out["said"].splitlines() == [
        *("apply first: 0", "apply first: 0", "apply second: 0", "put former: 0", "put latter: 0", "report: 0"),
        *("services: 0", "apply behind another firewall: 2", "remove: 0"),
    ], done.stdout[-3000:]
    first, again, second = (json.loads(line) for line in out["applied"].splitlines())
    assert first["changed"] and again == {"changed": [], "disruption": "none"}
    assert second["disruption"].startswith("the connection changed")
    assert out["file"] == "latter\n"
    assert json.loads(out["report"])["guard"] == {"blackholes": ["10.20.0.0/16"], "forwarding": True, "rules": True}
    assert "table inet other: chain forward has policy drop" in out["refused"]
    assert out["left"] == ""
    version = tuple(int(part) for part in out["python"].split("."))
    assert version >= (3, 12) if uutils else version == (3, 11, 2)
    assert ("uutils" in out["install"]) == uutils
