"""Some machines on one bridge, for trying guest scripts by hand.

    python -m lab.box.adhoc --prefix e --count 3

Machines get 192.0.2.11, .12, … on one bridge, user `ubuntu` with sudo and your key. Prints how to reach each; Ctrl-C
takes everything away, also what an earlier run with the same prefix left.
"""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab.box import process
from lab.box.host import BoxError, ip, namespaces, run
from lab.box.image import ensure_image
from lab.box.machine import Machine, Spec, clean
from lab.paths import cache

NETWORK = "192.0.2"


def clear(prefix: str, folder: Path) -> None:
    """Take away whatever carries this prefix."""
    for nspawn in process.machines(f"{prefix}-adhoc-"):
        leader = process.leader(nspawn)
        process.kill_and_wait([pid for pid in (leader, nspawn) if pid is not None])
    for namespace in namespaces():
        if namespace.startswith(f"{prefix}-adhoc"):
            run("ip", "netns", "del", namespace)
    for machine in folder.glob(f"{prefix}-adhoc-*"):
        clean(machine.name, machine)
    shutil.rmtree(folder, ignore_errors=True)


def up(prefix: str, count: int, folder: Path, image: Path, key: str, log: list[str]) -> list[Machine]:
    """Plug and boot `count` machines."""
    hub = f"{prefix}-adhoc"
    run("ip", "netns", "add", hub)
    ip(["link set lo up", "link add br0 type bridge", "link set br0 up", f"addr add {NETWORK}.1/24 dev br0"], hub)
    machines: list[Machine] = []
    for number in range(1, count + 1):
        name = f"{prefix}-adhoc-{number}"
        run("ip", "netns", "add", name)
        ip([f"link add p{number} type veth peer name eth0 netns {name}"], hub)
        ip([f"link set p{number} master br0", f"link set p{number} up"], hub)
        user_data = f"#cloud-config\nusers:\n  - default\nssh_authorized_keys:\n  - {key}\n"
        spec = Spec(
            name=name,
            identity=name,
            hostname=f"{prefix}{number}",
            namespace=name,
            device="eth0",
            address=f"{NETWORK}.{10 + number}/24",
            gateway=f"{NETWORK}.1",
            resolver=f"{NETWORK}.1",
            user_data=user_data,
        )
        machine = Machine(spec, folder / name, image, log.append)
        machine.create()
        machine.start()
        machines.append(machine)
    return machines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.box.adhoc", description=__doc__)
    parser.add_argument("--prefix", required=True, help="one or two letters of yours")
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--down", action="store_true", help="only take away what carries the prefix")
    parser.add_argument("--cache", type=Path, default=cache())
    options = parser.parse_args()
    folder = options.cache / "lab" / f"adhoc-{options.prefix}"
    keys = Path(tempfile.gettempdir()) / f"twinsite-adhoc-{options.prefix}"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        image = ensure_image(options.cache, lambda line: print(line, flush=True))
        clear(options.prefix, folder)
        shutil.rmtree(keys, ignore_errors=True)
        if options.down:
            return 0
        keys.mkdir(mode=0o700)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "adhoc", "-f", keys / "key")
        began = time.monotonic()
        machines = up(options.prefix, options.count, folder, image, (keys / "key.pub").read_text().strip(), [])
        try:
            for machine in machines:
                machine.wait_booted(120)
            print(f"booted in {time.monotonic() - began:.1f} s", flush=True)
            for machine in machines:
                where = machine.spec.address.partition("/")[0]
                print(
                    f"ip netns exec {options.prefix}-adhoc ssh -i {keys}/key -o StrictHostKeyChecking=no "
                    f"-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR ubuntu@{where}",
                    flush=True,
                )
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
        finally:
            for machine in machines:
                machine.crash()
    except BoxError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        with contextlib.suppress(BoxError, subprocess.SubprocessError):
            clear(options.prefix, folder)
        shutil.rmtree(keys, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
