"""What the daemon needs of the box, and nothing more. `lab.box` fulfils it; unit tests put a fake in its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from lab.model import SiteMachine, World
from lab.services.google.compute import Vpn


class BoxLike(Protocol):
    """Synchronous; one call at a time (the daemon holds a lock). Raises BoxError with a sentence."""

    @property
    def vpns(self) -> Vpn:
        """What runs of the clouds' own VPN."""
        ...

    def up_site(self, machines: Mapping[SiteMachine, str], trust: str = "") -> None:
        """Networks and the on-prem site; `machines` with their user data (none: that site is empty), `trust` (PEM)
        into every machine's bundle."""
        ...

    def apply(self, world: World) -> None: ...

    def machine_state(self, identity: str) -> Mapping[str, Any]:
        """{"running", "booted", "leader_pid", "logins", "address"}"""
        ...

    def site_machines(self) -> tuple[str, ...]:
        """Names of the on-prem machines."""
        ...

    def links(self) -> tuple[str, ...]:
        """Names that `cut` takes besides machine ids."""
        ...

    def crash(self, identity: str) -> None: ...

    def stop(self, identity: str) -> None: ...

    def start(self, identity: str) -> None: ...

    def cut(self, link: str, down: bool) -> None: ...

    def loss(self, percent: float) -> None: ...

    def expire_nat(self) -> None: ...

    def capture_start(self) -> dict[str, Any]: ...

    def capture_stop(self) -> dict[str, Any]: ...

    def console(self, identity: str) -> Path: ...

    def place(self, identity: str, path: str, source: Path) -> None:
        """Put a file into a machine's file system, running or not."""
        ...

    def vpc_namespace(self, vpc: str) -> str:
        """Name of the VPC's router namespace; the metadata service listens inside it."""
        ...

    def down(self) -> None:
        """Remove everything, also what a killed daemon left."""
        ...
