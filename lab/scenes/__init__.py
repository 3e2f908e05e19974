"""All that the lab knows of a topology: each module here is one, with a SCENE, and nothing else knows its name.

Here: what a scene is, and how one is found. A new topology is a new module, or a folder when it is long (ADR 33). Not
here: how anything works (lab/box, lab/services), what a topology is to its users (stacks).
"""

import argparse
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.client import LabError
from lab.keys import KeyPair
from lab.model import Machine, SiteMachine, VpnRouter, World
from lab.services.authority import Authority
from lab.services.azure import Operator
from lab.services.kubernetes.descriptions import Records
from lab.services.kubernetes.image import Image
from lab.services.kubernetes.objects import Node
from lab.services.zones import Balancer
from lab.story import Tour

DEFAULT = "onprem-aws"
"""Where nobody said which."""

Build = Callable[[Callable[[str], None]], Path]
"""Gives a file, which it may have to build first; says so to its argument. LabError."""


@dataclass(frozen=True)
class Given:
    """What is made anew for each lab, for a scene to make settings and machines of."""

    ami: str
    operator: KeyPair
    azure: Operator
    hosts: Mapping[str, KeyPair]
    """Host keys, by the on-prem machines' names."""
    passwords: Mapping[str, str]
    """By the names that the scene asked for."""
    authority: Authority


@dataclass(frozen=True)
class Site:
    """One place of a topology, and what of the lab falls silent while it is dark. What the lab runs there runs on.

    A site that names nothing here cannot go dark.
    """

    name: str
    providers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Package → its regions or contexts that are this site (none: all of it); the stand-in's calls fail."""
    apis: tuple[str, ...] = ()
    """Ends of host names: nobody gets as far as a TLS session with them."""
    machines: Callable[[Machine], bool] = lambda machine: False
    """Whether a cloud's machine is here; no packet passes its cable."""
    links: tuple[str, ...] = ()
    """Other cables that are cut."""
    vpns: Callable[[VpnRouter], bool] = lambda router: False
    """Whether a router of a cloud's own VPN is here; its tunnels fall silent."""

    def has(self, package: str, place: str) -> bool:
        """Whether what a provider asks is here. `place` is a region or a context."""
        return package in self.providers and (not self.providers[package] or place in self.providers[package])


@dataclass(frozen=True)
class ExistingBalancer:
    """A load balancer in front of a machine, in the machine's VPC: one listener for a domain's names, one target; or in
    front of a cluster's pods."""

    site: str
    known: Balancer
    domain: str
    machine: str
    """Empty where it leads to pods."""
    port: int
    health_path: str
    context: str = ""
    service: str = ""
    """NAMESPACE/NAME: the ready pods of this Service of the context's cluster are its targets."""
    paths: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Path → another such Service, which answers it, and its health path. Nobody answers while there is none."""


@dataclass(frozen=True)
class ExistingCluster:
    """A Kubernetes cluster. With `node` it has one, a machine that runs jobs alone; with `nodes` it keeps Deployments
    on machines that come and go. The operator may log in to all of them, which is how the lab puts its agent there."""

    site: str
    context: str
    host: str
    issuer: str
    node: str = ""
    nodes: Callable[[Records], Sequence[Node]] | None = None
    """Those that there are by the clouds' records; their machines are in the world."""
    exists: Callable[[Records], bool] = lambda records: True
    """Whether there is such a cluster just now; else its API server's name leads nowhere."""
    services_range: str = "10.100.0.0/16"
    """Of Services' addresses; nobody outside sees them."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """What runs for an image, by repository."""


@dataclass(frozen=True)
class Existing:
    """What the sites' owner has in the clouds before `up`."""

    world: World = field(default_factory=World)
    records: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    """Of the clouds: type token, id, record."""
    files: tuple[tuple[str, str, Path], ...] = ()
    """To be put on machines: the machine's id, where, and the source."""
    balancers: tuple[ExistingBalancer, ...] = ()
    clusters: tuple[ExistingCluster, ...] = ()
    """Who names no context talks to the first."""


@dataclass(frozen=True)
class Scene:
    """One topology as the lab plays it."""

    topology: str
    stack: str
    """The stack that the desk makes ready."""
    sites: tuple[Site, ...]
    """The one that serves at first is first: `lab dark on` means it."""
    settings: Callable[[Given], Mapping[str, Any]]
    """What a user would write into the stack's configuration; keys with a colon are a provider's."""
    tell: Callable[[Tour, argparse.Namespace], dict[str, Any]]
    """The story of `./scripts/try`; its result."""
    options: Callable[[argparse.ArgumentParser], object] = lambda parser: None
    """Adds what the story may be told to the options of `./scripts/try`."""
    secrets: Callable[[Given], Mapping[str, str]] = lambda given: {}
    """The same, kept encrypted."""
    passwords: tuple[str, ...] = ()
    """Of these names; made for each lab."""
    machines: tuple[SiteMachine, ...] = ()
    """Of the on-prem site."""
    exists: Callable[[Given], Existing] = lambda given: Existing()
    downloads: Mapping[str, Build] = field(default_factory=dict)
    """URLs outside both clouds. Each file is built before a machine starts."""

    def site(self, name: str = "") -> Site:
        """A site that can go dark, by its name; the first without one. LabError when there is none."""
        dark = [site for site in self.sites if site.providers or site.links]
        found = next((site for site in dark if name in ("", site.name)), None)
        if found is None:
            known = ", ".join(site.name for site in dark)
            raise LabError(f"no site {name!r} of {self.topology} can go dark in this lab; these can: {known}")
        return found


def names() -> list[str]:
    """All topologies that there is a scene for, the default one first."""
    found = {module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)}
    return sorted(found, key=lambda name: (name != DEFAULT, name))


def named(topology: str = DEFAULT) -> Scene:
    """A topology's scene. LabError when there is none."""
    if topology not in names():
        raise LabError(f"the lab has no scene of topology {topology!r}; it has {', '.join(names())}")
    scene: Scene = importlib.import_module(f"{__name__}.{topology.replace('-', '_')}").SCENE
    return scene
