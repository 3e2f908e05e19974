"""The box with its services: brought up in order by the daemon, kept in step with the world, taken down in reverse."""

import functools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import primary, standby
from lab.box import Box
from lab.client import LabError
from lab.methods import INSTANCE_TOKEN, wait_until
from lab.model import World
from lab.onprem import MACHINES, user_data
from lab.operator import keys
from lab.operator.desk import Desk
from lab.paths import TREE, Paths, cache
from lab.seam import BoxLike
from lab.services import front, kubectl, metadata
from lab.services.authority import Authority
from lab.services.azure_cloud import NETWORK_PREFIX, AzureCloud
from lab.services.cluster import Cluster
from lab.services.credentials import Credentials, Register
from lab.services.netns import inside
from lab.services.route53_api import Route53
from lab.state import State
from lab.topologies import AWS_AZURE, DEFAULT
from lab.traffic import Traffic

KEY_PAIR_TOKEN = "aws:ec2/keyPair:KeyPair"
SERVICES_NAMESPACE = "twservices"


class Site:
    """One box. `start` runs in a thread of its own; `report` says how far it is."""

    def __init__(self, paths: Paths, image: Path, state: State, topology: str = DEFAULT) -> None:
        self.paths = paths
        self.topology = topology
        self.state = state
        self.phase = "starting"
        self.error = ""
        self._began = time.time()
        self._desk = Desk(paths, live=True)
        self._authority = Authority(paths.authority)
        self._register = Register(self._desk.operator_credentials())
        # Here, in the daemon's main thread: the kernel's parent-death signal goes by thread, not by process.
        self._moto = self._start_moto()
        operator = self._desk.azure_operator()
        self.azure = AzureCloud(
            state, operator, cache() / "lab" / "azurite", self._authority.pem, self._running, self._power
        )
        self.traffic = Traffic(state, self._authority, SERVICES_NAMESPACE, self._other_names)
        self._front: front.Front | None = None
        self._metadata: dict[str, metadata.Metadata] = {}
        self._cluster: Cluster | None = None
        self._lock = threading.Lock()
        self._dark = False
        self.box: BoxLike = Box(paths.run, image, self.log)

    def log(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    def start(self) -> None:
        """Everything that `up` promises; what fails is kept for `report`."""
        try:
            self._phase("networks and the on-prem site")
            operator_key = keys.read(self._desk.ssh_key).public
            machines = () if self.topology == AWS_AZURE else MACHINES
            users = {
                one.name: user_data(one, operator_key, keys.read(self._desk.host_key(one.name))) for one in machines
            }
            self.box.up_site(users, trust=self._authority.certificate)
            self._desk.enter()
            self._phase("services")
            self._start_services()
            if self.topology == AWS_AZURE:
                self._start_primary(operator_key)
            self._phase("waiting for the machines of the site")
            for machine in machines:
                wait_until(functools.partial(self._booted, machine.name), 120, f"the first boot of {machine.name}")
            self._phase("ready")
        except Exception as error:  # the daemon lives on to tell it
            self.error = str(error) or type(error).__name__
            self._phase("failed")
            self.log(self.error)

    def applying(self, world: World) -> None:
        """Before the box makes a world real: a listening socket would keep a router's namespace alive."""
        with self._lock:
            for gone in set(self._metadata) - {vpc.id for vpc in world.vpcs}:
                server = self._metadata.pop(gone)
                server.shutdown()
                server.server_close()
        self.azure.applying(world)

    def applied(self, world: World) -> None:
        """After it: a metadata service in each VPC's router."""
        with self._lock:
            for vpc in {vpc.id for vpc in world.vpcs if not vpc.id.startswith(NETWORK_PREFIX)} - set(self._metadata):
                listening = inside(self.box.vpc_namespace(vpc), _metadata_socket)
                server = metadata.Metadata(listening, functools.partial(self._guest, vpc), self._issue)
                threading.Thread(target=server.serve_forever, args=(0.1,), name=f"imds-{vpc}", daemon=True).start()
                self._metadata[vpc] = server
        self.azure.applied(world, self.box.vpc_namespace)

    def report(self) -> dict[str, Any]:
        """For `status`."""
        return {
            "phase": self.phase,
            "error": self.error,
            "up_seconds": round(time.time() - self._began, 1),
            "services": {
                "dns": self.traffic.answers,
                "aws": self._front is not None and self._moto.poll() is None,
                "metadata": sorted(self._metadata),
                "aws_refusals": self._front.refusals if self._front is not None else 0,
            },
            "topology": self.topology,
            "dark": self._dark,
            "traffic": self.traffic.report(),
            "azure": self.azure.report(),
        }

    def stop(self) -> None:
        """Take everything away; each part also when another fails."""
        parts: list[Callable[[], object]] = [self._stop_services, self.box.down, self._desk.leave]
        for part in parts:
            try:
                part()
            except Exception as error:  # the rest must go, too; `lab down` looks again afterwards
                self.log(f"going down: {error}")

    def _phase(self, name: str) -> None:
        self.phase = name
        self.log(name)

    def _booted(self, machine: str) -> bool:
        return bool(self.box.machine_state(machine).get("booted"))

    def _other_names(self) -> dict[str, str]:
        """Of everything that the front answers for besides AWS."""
        return {**self.azure.names(), standby.RELEASES: front.ADDRESS[0]}

    def _running(self, machine: str) -> bool:
        return bool(self.box.machine_state(machine).get("running"))

    def _power(self, machine: str, what: str) -> None:
        if what in ("stop", "restart"):
            self.box.stop(machine)
        if what in ("start", "restart"):
            self.box.start(machine)

    def _start_moto(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "lab.services.moto_process", str(self.paths.moto), str(os.getpid())]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def _start_services(self) -> None:
        self.traffic.start()
        wait_until(self.paths.moto.exists, 60, "the start of moto (its words are in the daemon's log)")
        listening = inside(SERVICES_NAMESPACE, lambda: socket.create_server(front.ADDRESS, reuse_port=False))
        self.azure.start()
        self._front = front.Front(
            listening,
            self._authority,
            self._register,
            self.state.role,
            self.paths.moto,
            (*self.azure.apis, standby.Releases(lambda: primary.war(self.log))),
            Route53(self.state.records_list, self.state.records_put, self.state.records_delete),
        )
        front.serve(self._front)

    def _start_primary(self, operator_key: str) -> None:
        self._phase("the primary site in AWS")
        primary.put(self.state, self._authority, operator_key, self._desk.primary_passwords())
        world = self.state.world()[0]
        self.applying(world)
        self.box.apply(world)
        self.applied(world)
        self.box.place(primary.APPLICATION, "/var/lib/tomcat11/webapps/petclinic.war", primary.war(self.log))
        balancer = primary.balancer(self._authority, self.box.vpc_namespace(primary.VPC.id))
        self.traffic.add_balancer(primary.ALB, balancer)
        self.box.place(primary.APPLICATION, primary.KUBELET, TREE / "lab" / "services" / "pod.py")
        run = primary.node(self.box.vpc_namespace(primary.VPC.id), self._desk.ssh_key)
        self._cluster = Cluster(
            self.state.records_list, self.azure.tenant.cluster.sign, primary.OIDC_ISSUER, run
        )  # fmt: skip
        self._cluster.start()
        for machine, name in primary.NAMES.items():
            wait_until(functools.partial(self._booted, machine), 120, f"the first boot of {name}")
        self._phase("waiting for the application's first page")
        try:
            wait_until(lambda: balancer.healthy, 120, "a healthy target of the load balancer")
        except LabError as error:
            raise LabError(f"{error}; it last saw: {balancer.detail}") from None

    def kubectl(self, words: list[str], stdin: str) -> dict[str, Any]:
        """One command of `kubectl` at the desk."""
        if self._cluster is None:
            return {"code": 1, "out": "", "err": "error: this lab has no cluster; `lab up --topology aws-azure` has\n"}
        if self._dark:
            said = f"Unable to connect to the server: dial tcp: lookup {primary.CLUSTER_HOST}: i/o timeout\n"
            return {"code": 1, "out": "", "err": said}
        return kubectl.run(self._cluster, words, stdin)

    def dark(self, down: bool | None) -> bool:
        """Take AWS away or give it back; whether it is away."""
        if down is not None and down != self._dark:
            self._dark = down
            if self._front is not None:
                self._front.dark = down
            self.traffic.cut_balancers(down)
            for machine in self.state.world()[0].machines:
                if machine.id.startswith("i-"):
                    self.box.cut(machine.id, down)
            self.log("AWS is dark" if down else "AWS is back")
        return self._dark

    def _stop_services(self) -> None:
        if self._cluster is not None:
            self._cluster.stop()
        with self._lock:
            servers = [*self._metadata.values(), *([self._front] if self._front is not None else [])]
            self._metadata.clear()
        for server in servers:
            server.shutdown()
            server.server_close()
        self.traffic.stop()
        self.azure.stop()
        self._moto.kill()
        self._moto.wait()
        self.paths.moto.unlink(missing_ok=True)

    def _guest(self, vpc: str, address: str) -> metadata.Guest | None:
        world, _ = self.state.world()
        subnets = {subnet.id for subnet in world.subnets if subnet.vpc == vpc}
        face = next((one for one in world.interfaces if one.address == address and one.subnet in subnets), None)
        machine = next((one for one in world.machines if face is not None and one.interface == face.id), None)
        if face is None or machine is None:
            return None
        record = self.state.records_get(INSTANCE_TOKEN, machine.id)
        record = record if isinstance(record, dict) else {}
        pair = self.state.records_get(KEY_PAIR_TOKEN, str(record.get("keyName", "")))
        return metadata.Guest(
            id=machine.id,
            region=machine.region,
            address=face.address,
            public_address=face.public_address,
            user_data=machine.user_data,
            role=machine.role,
            hop_limit=machine.metadata_hop_limit,
            tokens_required=machine.metadata_tokens_required,
            enabled=(record.get("metadataOptions") or {}).get("httpEndpoint") != "disabled",
            public_key=str(pair.get("publicKey", "")) if isinstance(pair, dict) else "",
            record=record,
        )

    def _issue(self, role: str, machine: str) -> Credentials | None:
        return self._register.for_machine(role, machine) if self.state.role(role) is not None else None


def _metadata_socket() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(metadata.ADDRESS)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise LabError(f"the metadata service cannot listen on {metadata.ADDRESS[0]}: {error}") from error
    return listening
