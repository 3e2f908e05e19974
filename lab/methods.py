"""What the daemon can be asked: the whole table, one function a method. Parameters are the functions' own."""

import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

from lab.client import LabError
from lab.model import World
from lab.seam import BoxLike
from lab.services import iam
from lab.services.azure_cloud import AzureCloud
from lab.state import State

INSTANCE_TOKEN = "aws:ec2/instance:Instance"


class Methods:
    """Calls may come from many threads. The box does one thing at a time; records never wait for it."""

    def __init__(
        self,
        state: State,
        box: BoxLike | None,
        applying: Callable[[World], None] = lambda world: None,
        applied: Callable[[World], None] = lambda world: None,
        ask_down: Callable[[], None] = lambda: None,
        report: Callable[[], dict[str, Any]] = dict,
        azure: AzureCloud | None = None,
        dark: Callable[[str, bool], None] = lambda site, down: None,
        is_dark: Callable[[str, str], bool] = lambda package, place: False,
        kubectl: Callable[[list[str], str], dict[str, Any]] = lambda words, stdin: {},
        shelf: Callable[[str], str] = lambda context: "",
        objects: Callable[[str], int] = lambda bucket: 0,
    ) -> None:
        """`applying` and `applied` run before and after the box makes a world real; `report` adds to `status`; `dark`
        takes a site away (True) or gives it back, `is_dark` says whether a provider reaches nothing at a place."""
        self._state = state
        self._box = box
        self._applying = applying
        self._applied = applied
        self._ask_down = ask_down
        self._report = report
        self._azure = azure
        self._dark = dark
        self._is_dark = is_dark
        self._kubectl = kubectl
        self._shelf = shelf
        self._objects = objects
        self._box_lock = threading.Lock()
        self._real_generation = -1

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Run one method. LabError for a wrong name or parameters, and for whatever the box refuses."""
        function = getattr(self, f"do_{method}", None)
        if function is None:
            raise LabError(f"the box has no method {method!r}; it has {', '.join(self.names())}")
        try:
            bound = inspect.signature(function).bind(**params)
        except TypeError as error:
            raise LabError(f"{method}: {error}; it takes {inspect.signature(function)}") from error
        return function(*bound.args, **bound.kwargs)

    @classmethod
    def names(cls) -> list[str]:
        """Every method, sorted."""
        return sorted(name.removeprefix("do_") for name in dir(cls) if name.startswith("do_"))

    # The box as a whole

    def do_ping(self) -> dict[str, Any]:
        return {"box": self._state.box, "live": self._box is not None}

    def do_status(self) -> dict[str, Any]:
        world, _ = self._state.world()
        machines = [self._machine(site) for site in self._site_machines()]
        machines += [self._machine(machine.id) for machine in world.machines]
        networks = [{"id": vpc.id, "cidr": vpc.cidr, "internet": vpc.internet} for vpc in world.vpcs]
        return {
            "box": self._state.box,
            "live": self._box is not None,
            "machines": machines,
            "networks": networks,
        } | self._report()

    def do_down(self) -> None:
        self._ask_down()

    # The world

    def do_world_put(self, kind: str, record: Any) -> None:
        self._state.world_put(kind, record)

    def do_world_delete(self, kind: str, id: str) -> bool:
        return self._state.world_delete(kind, id)

    def do_world_get(self, kind: str, id: str) -> Any:
        return self._state.world_get(kind, id)

    def do_apply(self) -> None:
        """Make the world real. Callers that wait together share one pass when it covers what each of them put.

        After an error the caller takes back what it put (world_delete): the world would not become real otherwise.
        """
        box = self._live()
        _, wanted = self._state.world()
        with self._box_lock:
            if self._real_generation >= wanted:
                return
            world, generation = self._state.world()
            self._applying(world)
            box.apply(world)
            self._applied(world)
            self._real_generation = generation

    # Cloud records and roles

    def do_records_get(self, token: str, id: str) -> Any:
        return self._state.records_get(token, id)

    def do_records_put(self, token: str, id: str, record: Any) -> None:
        self._state.records_put(token, id, record)

    def do_records_delete(self, token: str, id: str) -> bool:
        return self._state.records_delete(token, id)

    def do_records_list(self, token: str) -> dict[str, Any]:
        return self._state.records_list(token)

    def do_role_put(self, name: str, policies: list[Any]) -> None:
        """All policy documents of a role, inline and attached, objects or JSON. Refused when one is not understood."""
        documents = [iam.document(policy) for policy in policies]
        problems = [problem for one in documents for problem in iam.problems(one)]
        if problems:
            raise LabError(f"role {name}: " + "; ".join(problems))
        self._state.role_put(name, documents)

    def do_role_delete(self, name: str) -> bool:
        return self._state.role_delete(name)

    # Azure

    def do_agent_run(self, machine: str, script: str, parameters: list[dict[str, str]], timeout: float) -> str:
        """Give a command to the agent of a machine (by the box's id); the command's id."""
        return self._cloud().commands.submit(machine, script, parameters, timeout)

    def do_agent_result(self, id: str, wait: float = 20.0) -> dict[str, Any] | None:
        """How a command ended; null when it has not within `wait` seconds."""
        return self._cloud().commands.result(id, wait)

    def do_service_account_token(self, namespace: str, name: str, audience: str, seconds: int = 3600) -> str:
        """What the EKS cluster projects into a pod."""
        return self._cloud().tenant.service_account(namespace, name, audience, seconds)

    def do_postgres(
        self, machine: str, user: str, password: str, statements: list[str], database: str = "postgres"
    ) -> list[list[str]]:
        """Rows of the last statement that a managed PostgreSQL's own administration gives it, in each its own
        transaction; waits for a server that comes up."""
        from lab.services.managed_postgres import administration

        self._live()
        there = self._machine(self.find(machine))
        where = (there["namespace"], there["address"])
        return administration.answered(*where, user, password, statements, database)

    def do_certificate(self, name: str) -> str:
        """Key and certificate (PEM) of the lab's authority for a server of the cloud's own."""
        return self._cloud().certificate(name)

    def _cloud(self) -> AzureCloud:
        if self._azure is None:
            raise LabError("this box records only: it has no Azure to ask")
        return self._azure

    # Machines and faults

    def do_machine(self, id: str) -> dict[str, Any]:
        """By id, on-prem name, host name or EC2 Name tag."""
        return self._machine(self.find(id))

    def do_crash(self, id: str) -> None:
        """As if its power were cut; it stays off until `start`."""
        with self._box_lock:
            self._live().crash(self.find(id))

    def do_stop(self, id: str) -> None:
        with self._box_lock:
            self._live().stop(self.find(id))

    def do_start(self, id: str) -> None:
        with self._box_lock:
            self._live().start(self.find(id))

    def do_cut(self, id: str, down: bool) -> None:
        """`id` is a link (onprem-wan) or a machine."""
        target = id if id in self._live().links() else self.find(id)
        with self._box_lock:
            self._live().cut(target, down)

    def do_loss(self, percent: float) -> None:
        """Drop this share of the packets on the on-prem site's way out, both directions; 0 takes it away."""
        if not 0 <= percent <= 100:
            raise LabError(f"loss is a percentage from 0 to 100, found {percent}")
        self._require_onprem()
        with self._box_lock:
            self._live().loss(percent)

    def do_dark(self, down: bool, site: str = "") -> None:
        """A site goes dark: its APIs, load balancers and machines. Route 53's answers and edges stay."""
        with self._box_lock:
            self._dark(site, down)

    def do_refuse(self, account: str, code: str) -> None:
        """A storage account of Azure answers 403 with this code where it would give or take a blob; `off` ends it."""
        self._cloud().blobs.refuse(account, code)

    def do_kubectl(self, words: list[str], stdin: str) -> dict[str, Any]:
        """{"code", "out", "err"} of one command to a cluster."""
        return self._kubectl(words, stdin)

    def do_shelf(self, context: str) -> str:
        """What is added to tokens where the records of a context's cluster are."""
        return self._shelf(context)

    def do_objects(self, bucket: str) -> int:
        """How many a bucket of Cloud Storage holds."""
        return self._objects(bucket)

    def do_is_dark(self, package: str, place: str = "") -> bool:
        """Whether calls of a provider's package to a region or a cluster's context go nowhere."""
        return self._is_dark(package, place)

    def do_expire_nat(self) -> None:
        """The on-prem router forgets its connections and mappings."""
        self._require_onprem()
        with self._box_lock:
            self._live().expire_nat()

    def do_capture_start(self) -> dict[str, Any]:
        with self._box_lock:
            return self._live().capture_start()

    def do_capture_stop(self) -> dict[str, Any]:
        """Counts of what crossed the internet bridge since capture_start."""
        with self._box_lock:
            return self._live().capture_stop()

    def do_console(self, id: str) -> str:
        """Path of the machine's console log."""
        return str(self._live().console(self.find(id)))

    def find(self, name: str) -> str:
        """The id of the machine that a person calls `name`. LabError lists what there is."""
        world, _ = self._state.world()
        tags = {
            str((record.get("tags") or {}).get("Name", "")): identity
            for identity, record in self._state.records_list(INSTANCE_TOKEN).items()
            if isinstance(record, dict)
        }
        hostnames = {machine.hostname: machine.id for machine in world.machines if machine.hostname}
        known = {name: name for name in [*self._site_machines(), *(machine.id for machine in world.machines)]}
        if self._azure is not None and self._azure.machine(name) in known:
            return self._azure.machine(name)
        for names in (known, tags, hostnames):
            if name in names and names[name] in known:
                return names[name]
        shown = sorted({*known, *(tag for tag, target in tags.items() if tag and target in known)})
        raise LabError(f"there is no machine {name!r}; there are: {', '.join(shown) or 'none'}")

    def _live(self) -> BoxLike:
        if self._box is None:
            raise LabError("this box records only: it has no machines (see `./scripts/lab status` for what is missing)")
        return self._box

    def _require_onprem(self) -> None:
        if not self._live().site_machines():
            raise LabError("this topology has no on-prem site: take another away with `./scripts/lab dark on`")

    def _site_machines(self) -> list[str]:
        return list(self._box.site_machines()) if self._box is not None else []

    def _machine(self, identity: str) -> dict[str, Any]:
        world, _ = self._state.world()
        found: dict[str, Any] = {"id": identity, "running": False, "booted": False, "address": ""}
        if self._box is not None:
            found |= self._box.machine_state(identity)
        for machine, face, vpc in world.placed():
            if machine.id == identity:
                found |= {"hostname": machine.hostname, "address": face.address, "public_address": face.public_address}
                if self._box is not None:
                    found |= {"vpc": vpc, "namespace": self._box.vpc_namespace(vpc)}
        record = self._state.records_get(INSTANCE_TOKEN, identity)
        if isinstance(record, dict):
            found["name"] = (record.get("tags") or {}).get("Name", "")
        return found


def wait_until(seen: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until `seen`; LabError with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.05)
