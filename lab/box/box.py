"""The box: makes a World real and keeps it so. Used by the lab's daemon only: one process, root, synchronous.

`apply` compares with what was made and changes only the difference; one that failed half-way is finished by the next.
Calls are serialised by one lock; supervisors of machines never need it.
"""

import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.box import conntrack, requirements
from lab.box.capture import CLEAR, Capture
from lab.box.check import problems
from lab.box.host import BoxError
from lab.box.internet import Internet
from lab.box.layout import (
    DNS,
    ONPREM_LAN,
    ONPREM_ROUTER,
    UPLINKS,
    Names,
)
from lab.box.leftovers import clear, leftovers
from lab.box.machine import Log, Machine, Spec
from lab.box.onprem import DEVICE as ONPREM_DEVICE
from lab.box.onprem import WAN_PORT, OnPrem
from lab.box.router import Router
from lab.box.volumes import Volumes
from lab.box.vpc import DEVICE, UPLINK, plan, ports, resolver
from lab.box.vpn import CloudVpns
from lab.model import Machine as MachineRecord
from lab.model import SiteMachine, World
from lab.paths import cache

AGENT = Path(__file__).parent / "azure_agent.py"
"""What the images of Azure's marketplace carry as walinuxagent."""

ONPREM_WAN = "onprem-wan"
"""The link between the on-prem router and the internet."""


class Box:
    """All machines and networks of one lab. Methods raise BoxError with one sentence."""

    def __init__(self, run_dir: Path, image_dir: Path, log: Log, prefix: str = "tw") -> None:
        """`image_dir` is the image's root file system. Disks are in the cache; `run_dir` holds captures only.

        Boxes with different prefixes do not meet: everything of theirs is in namespaces of their own.
        """
        self.names = Names(prefix)
        self._image = image_dir
        self._log = log
        self._disks = cache() / "lab" / ("run" if prefix == "tw" else f"run-{prefix}")
        self._lock = threading.RLock()
        self._internet = Internet(self.names)
        self._onprem = OnPrem(self.names, self._internet)
        self._capture = Capture(self.names.internet, run_dir / "captures")
        self._volumes = Volumes(self._disks / "volumes")
        self.vpns = CloudVpns(self.names, image_dir, self._disks / "vpns", self._relearn)
        self._world = World()
        self._routers: dict[str, Router] = {}
        self._machines: dict[str, Machine] = {}
        self._site: dict[str, Machine] = {}
        self._running_wanted: dict[str, bool] = {}
        self._cut: frozenset[str] = frozenset()
        self._lost: frozenset[str] = frozenset()
        """Tunnels that are cut, as `links` names them."""
        self._trust = ""

    @staticmethod
    def why_not() -> list[str]:
        """What keeps this machine from having a box, each sentence with its fix."""
        return requirements.why_not()

    def vpc_namespace(self, vpc: str) -> str:
        """The VPC's router: 169.254.169.254 is on its loopback; machines' packets arrive with their own addresses."""
        return self.names.vpc(vpc)

    def up_site(self, machines: Mapping[SiteMachine, str], trust: str = "") -> None:
        """Internet, services, operator and the on-prem site, whose machines boot without being waited for.

        `machines` with their user data; none: the site is empty. `trust` (PEM) goes into every machine's certificate
        bundle before its first boot.
        """
        with self._lock:
            left = leftovers(self.names, self._disks)
            if left:
                raise BoxError(f"another box is or was here ({left[0]} and {len(left) - 1} more): take it down first")
            self._trust = trust
            self._internet.up()
            self._onprem.up(machines)
            for one, user_data in machines.items():
                spec = Spec(
                    name=self.names.machine(one.name),
                    identity=one.name,
                    hostname=one.name,
                    namespace=self.names.machine(one.name),
                    device=ONPREM_DEVICE,
                    address=f"{one.address}/{ONPREM_LAN.prefixlen}",
                    gateway=ONPREM_ROUTER,
                    resolver=DNS,
                    user_data=user_data,
                    trust=trust,
                )
                machine = Machine(spec, self._disks / "machines" / one.name, self._image, self._log)
                machine.create()
                machine.start()
                self._site[one.name] = machine

    def apply(self, world: World) -> None:
        """Make it real; does not wait for boots. BoxError, before any change, when the world contradicts itself."""
        with self._lock:
            found = problems(world) or self._moved(world)
            if found:
                raise BoxError("; ".join(found))
            self._remove_machines({machine.id for machine in world.machines})
            for volume in world.volumes:
                self._volumes.create(volume)
            self._apply_networks(world)
            self._world = world
            self._detach(world)
            for record in world.machines:
                self._apply_machine(world, record)
            for gone in self._volumes.existing() - {volume.id for volume in world.volumes}:
                self._volumes.delete(gone)

    def machine_state(self, identity: str) -> dict[str, Any]:
        """{"running", "booted", "leader_pid" (None: none), "logins", "address", "boots", "console"}; not running when
        unknown."""
        machine = self._machines.get(identity) or self._site.get(identity)
        if machine is None:
            return {
                "running": False, "booted": False, "leader_pid": None, "logins": [], "address": "", "boots": 0,
                "console": "",
            }  # fmt: skip
        return {
            "running": machine.running,
            "booted": machine.booted,
            "leader_pid": machine.leader,
            "logins": machine.logins,
            "address": machine.spec.address.partition("/")[0],
            "boots": machine.boots,
            "console": str(machine.console),
        }

    def site_machines(self) -> tuple[str, ...]:
        return tuple(self._site)

    def links(self) -> tuple[str, ...]:
        """What `cut` takes besides machine ids: ends of the clouds' own VPN, with `:out` what one of them sends, and
        with `:in` what is sent to it."""
        ends = [end.id for router in self._world.vpns for end in router.ends]
        return (
            *((ONPREM_WAN,) if self._site else ()),
            *ends,
            *(f"{end}:{way}" for end in ends for way in ("out", "in")),
        )

    def crash(self, identity: str) -> None:
        """Cut the machine's power. It stays off until `start`."""
        with self._lock:
            self._find(identity).crash()

    def stop(self, identity: str) -> None:
        """Shut it down and wait for its end."""
        with self._lock:
            self._find(identity).stop()

    def start(self, identity: str) -> None:
        """Boot it again from its disk; does nothing to a running one."""
        with self._lock:
            self._find(identity).start()

    def cut(self, link: str, down: bool) -> None:
        """Let no packet through a link (`onprem-wan`, or a machine's own cable) until called with False.

        Nobody sees a carrier go: the far side just falls silent, as when a cable breaks behind a switch.
        """
        with self._lock:
            if link == ONPREM_WAN:
                self._internet.cut(WAN_PORT, down)
            elif link in self.links():
                self._lost = self._lost | {link} if down else self._lost - {link}
                self._cut_tunnels()
            elif link in self._site:
                self._onprem.cut(link, down)
            else:
                self._find(link)
                self._cut = self._cut | {link} if down else self._cut - {link}
                self._apply_networks(self._world)

    def _cut_tunnels(self) -> None:
        ways = []
        for router in self._world.vpns:
            for end in router.ends:
                if {end.id, f"{end.id}:out"} & self._lost:
                    ways.append((end.outside, end.peer))
                if {end.id, f"{end.id}:in"} & self._lost:
                    ways.append((end.peer, end.outside))
        self.vpns.cut(ways)

    def loss(self, percent: float) -> None:
        """Drop this share of the packets through the on-prem site's port on the internet, each way; 0 ends it."""
        with self._lock:
            self._internet.loss(percent, WAN_PORT)

    def expire_nat(self) -> None:
        """The on-prem router forgets its connections and mappings, as after its timeouts or its own restart."""
        with self._lock:
            conntrack.flush(self.names.onprem)

    def capture_start(self, filter: str = CLEAR) -> dict[str, Any]:
        """Catch what the filter (tcpdump's language; default: any private address) meets on the internet bridge."""
        with self._lock:
            return self._capture.start(filter)

    def capture_stop(self) -> dict[str, Any]:
        """See Capture.stop."""
        with self._lock:
            return self._capture.stop()

    def place(self, identity: str, path: str, source: Path) -> None:
        """Put a file into a machine's file system, whole or not at all, for all to read."""
        target = self._find(identity).root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        shutil.copyfile(source, partial)
        partial.chmod(0o644)
        partial.replace(target)

    def console(self, identity: str) -> Path:
        return self._find(identity).console

    def leftovers(self) -> list[str]:
        """What this box, or a killed one of its prefix, has on this machine. Empty after `down`."""
        return leftovers(self.names, self._disks)

    def down(self) -> None:
        """Remove everything, also what a killed daemon left. Does nothing when there is nothing."""
        with self._lock:
            self._capture.close()
            self.vpns.down()
            everything = [*self._machines.values(), *self._site.values()]
            if everything:
                with ThreadPoolExecutor(len(everything)) as pool:
                    list(pool.map(Machine.crash, everything))
            clear(self.names, self._disks)
            self._machines, self._site, self._routers = {}, {}, {}
            self._running_wanted, self._cut, self._lost, self._world = {}, frozenset(), frozenset(), World()
            self._volumes = Volumes(self._disks / "volumes")
            left = self.leftovers()
            if left:
                raise BoxError(f"these would not go: {'; '.join(left)}")

    def _find(self, identity: str) -> Machine:
        machine = self._machines.get(identity) or self._site.get(identity)
        if machine is None:
            raise BoxError(f"the box has no machine {identity}")
        return machine

    def _moved(self, world: World) -> list[str]:
        """A machine's place in the network is for life, as its first interface is in EC2."""
        found: list[str] = []
        for record in world.machines:
            if record.id in self._machines:
                now, wanted = self._machines[record.id].spec, self._spec(world, record)
                if (now.address, now.resolver) != (wanted.address, wanted.resolver):
                    found.append(f"{record.id} is at {now.address} and cannot move to {wanted.address}: replace it")
        return found

    def _remove_machines(self, wanted: set[str]) -> None:
        gone = [machine for identity, machine in self._machines.items() if identity not in wanted]
        if not gone:
            return
        # Terminated as EC2 does it: shut down first, so that file systems on volumes that stay are clean.
        with ThreadPoolExecutor(len(gone)) as pool:
            list(pool.map(Machine.stop, gone))
        for machine in gone:
            self._volumes.set_attached(machine.spec.identity, [], None)
            machine.remove()
            del self._machines[machine.spec.identity]
            self._running_wanted.pop(machine.spec.identity, None)
            self._cut -= {machine.spec.identity}

    def _apply_networks(self, world: World) -> None:
        vpcs = {vpc.id: vpc for vpc in world.vpcs}
        for identity in [one for one in self._routers if one not in vpcs]:
            self._routers.pop(identity).down()
        for vpc in vpcs.values():
            if vpc.id not in self._routers:
                taken = {router.address for router in self._routers.values()}
                free = next((address for address in UPLINKS if address not in taken), None)
                if free is None:
                    raise BoxError(f"the lab's internet has room for {len(UPLINKS)} VPCs")
                router = Router(self.names, vpc.id, free, self._internet)
                router.up(vpc.resolver)
                self._routers[vpc.id] = router
        if {one.id for one in self._world.vpns} - {one.id for one in world.vpns}:
            # What leads through one that goes is withdrawn first: with its cable the kernel would take it away, too.
            self._apply_routers(world)
        self.vpns.apply(world.vpns)
        moved = self._apply_routers(world)
        if moved:
            holders = {self.names.operator: "eth0", self.names.services: "eth0", self.names.onprem: "wan"}
            holders |= {router.namespace: UPLINK for router in self._routers.values()}
            self._internet.forget(holders)

    def _apply_routers(self, world: World) -> bool:
        """True when elastic addresses moved."""
        learnt = {one.id: self.vpns.learnt(one.id) for one in world.vpns}
        plans = [(self._routers[vpc.id], vpc) for vpc in world.vpcs]
        moved = [router.apply(plan(world, vpc, router.tables, self._cut, learnt)) for router, vpc in plans]
        return any(moved)

    def _relearn(self) -> None:
        """A session brought or took a route: it is in the tables that learn, and no other is touched."""
        with self._lock:
            if {vpc.id for vpc in self._world.vpcs} <= set(self._routers):
                try:
                    self._apply_routers(self._world)
                except BoxError as error:
                    self._log(f"routes of a VPN: {error}")

    def _detach(self, world: World) -> None:
        """Before anything is attached: a volume may go from one machine to another in one apply."""
        for record in world.machines:
            machine = self._machines.get(record.id)
            if machine is not None:
                held = self._volumes.held(record.id)
                keep = [volume for volume in held if volume in {identity for _, identity in record.volumes}]
                self._volumes.set_attached(record.id, keep, machine.leader)

    def _apply_machine(self, world: World, record: MachineRecord) -> None:
        machine = self._machines.get(record.id)
        if machine is None:
            machine = Machine(
                self._spec(world, record),
                self._disks / "machines" / record.id,
                self._image,
                self._log,
                on_boot=lambda leader: self._volumes.show(record.id, leader),
            )
            machine.create()
            self._machines[record.id] = machine
        volumes = [identity for _, identity in record.volumes]
        # azure-vm-utils names data disks by their number, as Canonical's images for Azure have it.
        luns = {disk: f"disk/azure/data/by-lun/{name[3:]}" for name, disk in record.volumes if name.startswith("lun")}
        self._volumes.set_attached(record.id, volumes, machine.leader, luns)
        # Only a change of mind moves it: a machine that crashed stays off whatever else changes in the world.
        if self._running_wanted.get(record.id) != record.running:
            if record.running:
                machine.start()
            else:
                machine.stop()
            self._running_wanted[record.id] = record.running

    def _spec(self, world: World, record: MachineRecord) -> Spec:
        for vpc in world.vpcs:
            for port in ports(world, vpc):
                if port.machine == record.id:
                    return Spec(
                        name=self.names.machine(record.id),
                        identity=record.id,
                        hostname=record.hostname or record.id,
                        namespace=self.names.machine(record.id),
                        device=DEVICE,
                        address=f"{port.address}/{port.prefix_length}",
                        gateway=port.gateway,
                        resolver=resolver(vpc),
                        user_data=record.user_data,
                        trust=self._trust,
                        agent=AGENT.read_text() if record.agent else "",
                    )
        raise BoxError(f"{record.id} has no place in any VPC")
