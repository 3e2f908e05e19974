"""Google as the daemon holds it: its APIs, its host names, and who a machine or a pod is."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.services.api import Api
from lab.services.front import ADDRESS as FRONT
from lab.services.google import Operator, host
from lab.services.google.calls import Door
from lab.services.google.clusters import Clusters
from lab.services.google.compute import Compute, Vpn
from lab.services.google.federation import Exchange, Lender
from lab.services.google.login import Login
from lab.services.google.metadata import ADDRESS, NAME, Guest, Keeper, Metadata
from lab.services.google.monitoring import Monitoring
from lab.services.google.objects import Objects
from lab.services.google.pools import Pools
from lab.services.google.projects import PROJECT, Manager, Usage
from lab.services.google.rights import Records, Rights
from lab.services.google.servers import Servers
from lab.services.google.storage import Storage
from lab.services.google.tokens import Tokens
from lab.services.google.vaults import Vaults
from lab.services.netns import listen
from lab.services.signer import Signer

HOSTS = (
    "oauth2", "sts", "iamcredentials", "storage", "secretmanager", "container", "sqladmin", "compute", "monitoring",
    "cloudresourcemanager", "serviceusage",
)  # fmt: skip


class GoogleCloud:
    """One box's Google. `records` and `put` are the daemon's; `issuer` signs tokens of the other cloud's cluster."""

    def __init__(
        self,
        operator: Operator,
        records: Records,
        put: Callable[[str, str, Any], None],
        issuer: Signer,
        running: Callable[[str], int | None] = lambda pool: None,
        vpn: Callable[[], Vpn | None] = lambda: None,
        server: Callable[[str], str] = lambda name: "RUNNABLE",
    ) -> None:
        """`running`: how many nodes of a pool run (its id), None where nobody runs any; `vpn`: what runs of it;
        `server`: Google's word for how a database server is."""
        self._records = records
        self.tokens = Tokens()
        self.rights = Rights(operator.email, records)
        self.objects = Objects(records)
        self.pools = Pools(records, put, running)
        door = Door(self.tokens, self.rights)
        lender = Lender(self.tokens, self.rights, records)
        self._keeper = Keeper(self.tokens, lender)
        self.compute = Compute(door, records, put, self.pools, vpn)
        self.monitoring = Monitoring(door, records, self.compute.metrics)
        self.apis: Sequence[Api] = (
            Login(operator, self.tokens),
            Exchange(self.tokens, records, issuer),
            lender,
            Storage(self.objects, self.tokens, self.rights, records),
            Vaults(door, records),
            Clusters(door, self.pools),
            Servers(door, records, server),
            self.compute,
            self.monitoring,
            Manager(door, self._projects),
            Usage(door),
        )
        self._lock = threading.Lock()
        self._metadata: dict[str, Metadata] = {}

    def names(self) -> Mapping[str, str]:
        """Host names, with their addresses."""
        return {**dict.fromkeys(map(host, HOSTS), FRONT[0]), NAME: ADDRESS}

    def serve_metadata(self, namespace: str, whose: Callable[[str], Guest | None]) -> None:
        """From now on it answers at its address in a network namespace, once for each; `whose`: who asks, by address.

        `leave_metadata` before the namespace goes: a socket that listens keeps it alive.
        """
        with self._lock:
            if namespace not in self._metadata:
                server = Metadata(listen(namespace, (ADDRESS, 80)), whose, self._keeper)
                threading.Thread(target=server.serve_forever, args=(0.1,), name="gce-metadata", daemon=True).start()
                self._metadata[namespace] = server

    def leave_metadata(self, namespace: str) -> None:
        """Inverse of serve_metadata; fine when there is none."""
        with self._lock:
            server = self._metadata.pop(namespace, None)
        if server is not None:
            server.shutdown()
            server.server_close()

    def start(self) -> None:
        """What Google measures by itself."""
        self.monitoring.start()

    def stop(self) -> None:
        self.monitoring.stop()
        for namespace in list(self._metadata):
            self.leave_metadata(namespace)

    def report(self) -> dict[str, Any]:
        """For `status`."""
        return {
            "grants_that_do_nothing": self.rights.report(),
            "pools": self.pools.sizes(),
            "alarms": self.monitoring.speaking(),
        }

    def _projects(self) -> frozenset[str]:
        """Those that something is in, or that the scene has."""
        found = set(self._records(PROJECT))
        for token in ("gcp:storage/bucket:Bucket", "gcp:compute/network:Network"):
            found |= {str(one.get("project")) for one in self._records(token).values()}
        return frozenset(found)
