"""The box with its services and what a scene has there before `up`: brought up in order by the daemon, kept in step
with the world, taken down in reverse."""

import dataclasses
import functools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab import outside
from lab.box import Box, BoxError
from lab.client import LabError
from lab.cloud_config import cloud_config
from lab.clusters import Clusters
from lab.google_ground import GoogleGround
from lab.methods import INSTANCE_TOKEN, wait_until
from lab.model import World
from lab.operator import stack
from lab.operator.desk import Desk
from lab.paths import Paths, cache
from lab.providers.gcp.topology import DESK
from lab.scenes import Existing, ExistingBalancer, Given, Scene
from lab.seam import BoxLike
from lab.services import cloud_vpn, front, metadata
from lab.services.alb import LoadBalancer
from lab.services.authority import Authority
from lab.services.azure_cloud import NETWORK_PREFIX, AzureCloud
from lab.services.credentials import Credentials, Register
from lab.services.downloads import Downloads
from lab.services.ec2 import Ec2
from lab.services.google.cloud import GoogleCloud
from lab.services.netns import inside, listen
from lab.services.route53_api import Route53
from lab.services.targets import Target
from lab.services.web_identity import WebIdentity
from lab.state import KINDS, State
from lab.traffic import Traffic

KEY_PAIR_TOKEN = "aws:ec2/keyPair:KeyPair"
SERVICES_NAMESPACE = "twservices"


class Stage:
    """One box. `start` runs in a thread of its own; `report` says how far it is."""

    def __init__(self, paths: Paths, image: Path, state: State, scene: Scene) -> None:
        self.paths = paths
        self.scene = scene
        self.state = state
        self._ami = stack.machine_image(image.parent.name)
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
        issuer = self.azure.tenant.cluster
        self.ground = GoogleGround(state, lambda: self.box, self.log)
        self.google = self.ground.cloud = GoogleCloud(
            self._desk.google_operator(),
            state.records_list,
            self.ground.put,
            issuer,
            self.ground.running,
            lambda: self.box.vpns,
            self.ground.server,
        )
        self.traffic = Traffic(
            state, self._authority, SERVICES_NAMESPACE, self._other_names, self._desk.cloudflare_token()
        )
        built = {url: functools.partial(build, self.log) for url, build in scene.downloads.items()}
        self._downloads = Downloads(built)
        self._front: front.Front | None = None
        self._metadata: dict[str, metadata.Metadata] = {}
        self._clusters = Clusters(
            state, lambda: self.box, self._desk.ssh_key, self.azure.tenant.cluster.sign, self.traffic, self.log
        )
        self.ground.account = self._clusters.account
        self._existing = Existing()
        self._lock = threading.Lock()
        self._dark: set[str] = set()
        self.box: BoxLike = Box(paths.run, image, self.log)

    def log(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    def start(self) -> None:
        """Everything that `up` promises; what fails is kept for `report`."""
        try:
            self._phase("networks and the on-prem site")
            given = self._desk.given(self.scene, self._ami)
            machines = {
                one: cloud_config(one.name, given.operator.public, given.hosts[one.name]) for one in self.scene.machines
            }
            self.box.up_site(machines, trust=self._authority.certificate)
            self._desk.enter()
            self._phase("services")
            self._start_services()
            self._start_existing(given)
            self._start_outside(self.scene.settings(given))
            self._phase("waiting for the machines of the sites")
            booting = {one.id: one.hostname for one in self._existing.world.machines}
            booting |= {one.name: one.name for one in machines}
            for machine, name in booting.items():
                wait_until(functools.partial(self._booted, machine), 120, f"the first boot of {name}")
            for balancer in self.traffic.balancers.values():
                self._wait_for_page(balancer)
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
        self.ground.applying(world)

    def applied(self, world: World) -> None:
        """After it: a metadata service in each VPC's router."""
        others = (NETWORK_PREFIX, cloud_vpn.NETWORK_PREFIX)
        with self._lock:
            for vpc in {vpc.id for vpc in world.vpcs if not vpc.id.startswith(others)} - set(self._metadata):
                listening = listen(self.box.vpc_namespace(vpc), metadata.ADDRESS)
                server = metadata.Metadata(listening, functools.partial(self._guest, vpc), self._issue)
                threading.Thread(target=server.serve_forever, args=(0.1,), name=f"imds-{vpc}", daemon=True).start()
                self._metadata[vpc] = server
        self.azure.applied(world, self.box.vpc_namespace)
        self.ground.applied(world)

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
            "topology": self.scene.topology,
            "dark": bool(self._dark),
            "dark_sites": sorted(self._dark),
            "traffic": self.traffic.report(),
            "clusters": self._clusters.report(),
            "azure": self.azure.report(),
            "google": self.google.report(),
            "tunnels": self._tunnels(),
        }

    def _tunnels(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Ends of the clouds' own VPN by router, each with the state of its BGP session and since when it is up."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for router in self.state.world()[0].vpns:
            try:
                said = self.box.vpns.sessions(router.id)
            except (BoxError, KeyError):  # it is being made, or taken away
                said = {}
            found[router.id] = {
                end.id: {
                    "state": said.get(end.id, {}).get("bgpState", "down"),
                    "up_seconds": float(said.get(end.id, {}).get("bgpTimerUpMsec") or 0) / 1000,
                }
                for end in router.ends
            }
        return found

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
        at_front = {*self._downloads.hosts, self.traffic.cloudflare.host}
        return {**self.azure.names(), **self.google.names(), **dict.fromkeys(at_front, front.ADDRESS[0])}

    def _running(self, machine: str) -> bool:
        return bool(self.box.machine_state(machine).get("running"))

    def _power(self, machine: str, what: str) -> None:
        if what in ("stop", "restart"):
            self.box.stop(machine)
        if what in ("start", "restart"):
            self.box.start(machine)

    def _start_outside(self, settings: Mapping[str, Any]) -> None:
        """What is in no site, as its owner has it."""
        for token, identity, record in outside.records(settings):
            self.state.records_put(token, identity, record)
        if (page := outside.page(settings)) is not None:
            self.state.world_put("names", {"id": page.host, "address": outside.NOTICE})
            self.traffic.add_page(page)

    def _start_moto(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "lab.services.moto_process", str(self.paths.moto), str(os.getpid())]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def _start_services(self) -> None:
        self.traffic.start()
        wait_until(self.paths.moto.exists, 60, "the start of moto (its words are in the daemon's log)")
        listening = listen(SERVICES_NAMESPACE, front.ADDRESS)
        self.azure.start()
        self.google.start()
        self._front = front.Front(
            listening,
            self._authority,
            self._register,
            self.state.role,
            self.paths.moto,
            (*self.azure.apis, *self.google.apis, *self.traffic.cloudflare.apis, self._downloads),
            Route53(self.state.records_list, self.state.records_change),
            Ec2(self.state.records_list, lambda: self.box.vpns),
            WebIdentity(self._register, self.state.records_list, self.azure.tenant.cluster),
        )
        front.serve(self._front)

    def _start_existing(self, given: Given) -> None:
        """What the sites' owner has in the clouds; its machines boot without being waited for."""
        there = self._existing = self.scene.exists(given)
        self.state.records_put(DESK, "operator", {"publicKey": given.operator.public})
        for kind in KINDS:
            for one in getattr(there.world, kind):
                self.state.world_put(kind, dataclasses.asdict(one))
        for name, address in there.world.names.items():
            self.state.world_put("names", {"id": name, "address": address})
        for token, identity, record in there.records:
            self.state.records_put(token, identity, record)
        world = self.state.world()[0]
        self.applying(world)
        self.box.apply(world)
        self.applied(world)
        for machine, path, source in there.files:
            self.box.place(machine, path, source)
        # Before load balancers, whose targets may be pods.
        for cluster in there.clusters:
            self._clusters.add(cluster)
        self._clusters.start()
        for balancer in there.balancers:
            own = LoadBalancer(
                balancer.known.name,
                balancer.domain,
                self._authority,
                functools.partial(self._targets, balancer),
                balancer.health_path,
                {
                    path: (functools.partial(self._clusters.pods, balancer.context, service), health_path)
                    for path, (service, health_path) in balancer.paths.items()
                },
            )
            self.traffic.add_balancer(balancer.known, own)

    def _wait_for_page(self, balancer: LoadBalancer) -> None:
        self._phase("waiting for the application's first page")
        try:
            wait_until(lambda: balancer.healthy, 120, f"a healthy target of {balancer.name}")
        except LabError as error:
            raise LabError(f"{error}; it last saw: {balancer.detail}") from None

    def _targets(self, balancer: ExistingBalancer) -> list[Target]:
        if balancer.service:
            return self._clusters.pods(balancer.context, balancer.service)
        return [Target(f"{balancer.machine}:{balancer.port}", functools.partial(self._dial, balancer))]

    def _dial(self, balancer: ExistingBalancer, seconds: float) -> socket.socket:
        address, namespace = self._clusters.where(balancer.machine)
        return inside(namespace, functools.partial(socket.create_connection, (address, balancer.port), seconds))

    def shelf(self, context: str) -> str:
        """What is added to tokens where a cluster's records are."""
        return self._clusters.shelf(context)

    def kubectl(self, words: list[str], stdin: str) -> dict[str, Any]:
        """One command of `kubectl` at the desk."""
        return self._clusters.kubectl(words, stdin)

    def dark(self, name: str, down: bool) -> None:
        """Take a site away or give it back; the scene says what is there. LabError for no such site."""
        site = self.scene.site(name)
        if down == (site.name in self._dark):
            return
        self._dark ^= {site.name}
        dark = [one for one in self.scene.sites if one.name in self._dark]
        if self._front is not None:
            self._front.dark = tuple(ending for one in dark for ending in one.apis)
        cut = [one.known.v4 for one in self._existing.balancers if one.site in self._dark]
        self.traffic.cut_balancers([*cut, *self._clusters.edges(self._dark)])
        self._clusters.dark(self._dark)
        world = self.state.world()[0]
        there = [machine.id for machine in world.machines if site.machines(machine)]
        there += [end.id for router in world.vpns if site.vpns(router) for end in router.ends]
        for cable in (*there, *site.links):
            self.box.cut(cable, down)
        self.log(f"site {site.name} is {'dark' if down else 'back'}")

    def is_dark(self, package: str, place: str) -> bool:
        """Whether a provider would reach nothing there."""
        return any(site.name in self._dark and site.has(package, place) for site in self.scene.sites)

    def _stop_services(self) -> None:
        self._clusters.stop()
        with self._lock:
            servers = [*self._metadata.values(), *([self._front] if self._front is not None else [])]
            self._metadata.clear()
        for server in servers:
            server.shutdown()
            server.server_close()
        self.traffic.stop()
        self.azure.stop()
        self.google.stop()
        self._moto.kill()
        self._moto.wait()
        self.paths.moto.unlink(missing_ok=True)

    def _guest(self, vpc: str, address: str) -> metadata.Guest | None:
        found = self.state.world()[0].at(vpc, address)
        if found is None:
            return None
        machine, face = found
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
