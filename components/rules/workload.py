"""Refusals for an application's pods at two sites (FACTS K55), and how many there are by mode. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..modes import DrMode, StandbyData, keeps
from .intent import Intent, Part
from .names import HOST

LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
NAME_LIMIT = 40
"""Kubernetes takes 63, and names of pods, ConfigMaps and Secrets add to it."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
QUANTITY = {"cpu": re.compile(r"\d+m?|\d+\.\d+"), "memory": re.compile(r"\d+(Ki|Mi|Gi)")}
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
OURS = ("CACHE_", "DATABASE_", "ROLE", "SITE")
"""What variables of the component's own begin with."""
LEAST_SERVING = 2
"""With one, every update and every lost node is an outage (K55)."""


@dataclass(frozen=True, kw_only=True)
class Definition(Part):
    """What is the same at every site."""

    name: str = ""
    digest: str = ""
    port: int = 8080
    live_path: str = "/health"
    ready_path: str = "/ready"
    writer_path: str = "/writer"
    cpu: str = "250m"
    memory: str = "512Mi"
    user: int = 65532
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WorkloadIntent(Intent):
    """What a Workload is meant to be in one cluster."""

    dr_mode: str = DrMode.COLD.value
    standby: bool = False
    site: str = ""
    definition: Definition = Definition()
    namespace: str = ""
    repository: str = ""
    role: str = ""
    serving_replicas: int = 3
    warm_replicas: int = 1
    secrets: tuple[str, ...] = ()
    """Names; what they hold is secret."""
    ingress_host: str = ""
    site_is_active: bool = False

    @property
    def exists(self) -> bool:
        """Whether the mode has pods' surroundings here: at home always, at the standby with its cluster."""
        return not self.standby or keeps(DrMode(self.dr_mode), StandbyData.REPLICA).database

    @property
    def warm(self) -> bool:
        """Whether the mode keeps reduced pods here."""
        return self.standby and keeps(DrMode(self.dr_mode), StandbyData.REPLICA).application

    @property
    def image(self) -> str:
        """The same bytes from whichever registry."""
        return f"{self.repository}@{self.definition.digest}"

    def problems(self) -> list[str]:
        """Why there must be no such pods."""
        return [*_names(self), *_image(self), *_paths(self.definition), *_sizes(self), *_variables(self)]


def _names(known: WorkloadIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    if not known.site:
        yield "site is empty: set the site's name as the inventory has it, like gcp"
    for what, text in (("definition name", known.definition.name), ("namespace", known.namespace)):
        if not LABEL.fullmatch(text) or len(text) > NAME_LIMIT:
            yield (
                f"{what} {text!r} is no name for Kubernetes: use lower-case letters, digits and -, a letter first, at "
                f"most {NAME_LIMIT}"
            )
    if known.role not in ("reader", "writer"):
        yield f"role {known.role!r} is what pods begin with: set reader at the standby, writer where the data live"
    elif known.standby and known.role == "writer":
        yield (
            "role is writer at the standby, whose pods would come up writing beside the primary's (K55): set reader; a "
            "failover flips it together with the database"
        )
    if known.ingress_host and not HOST.fullmatch(known.ingress_host):
        yield f"ingress host {known.ingress_host!r} is no machine's name: write it like crm.example.com"


def _image(known: WorkloadIntent) -> Iterator[str]:
    digest, repository = known.definition.digest, known.repository
    if not DIGEST.fullmatch(digest):
        yield (
            f"definition digest {digest!r} is no digest, and a tag is another image at each site: set what "
            "`crane digest IMAGE` says, sha256: and 64 digits"
        )
    last = repository.rpartition("/")[2]
    if not repository or "@" in repository or ":" in last or "/" not in repository:
        yield (
            f"repository {repository!r} names no repository without a tag: write it like "
            "REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE"
        )


def _paths(known: Definition) -> Iterator[str]:
    paths = {name: getattr(known, name) for name in ("live_path", "ready_path", "writer_path")}
    for name, path in paths.items():
        if not PATH.fullmatch(path):
            yield f"definition {name} {path!r} is no path: write it like /{name.removesuffix('_path')}"
    if known.live_path == known.ready_path:
        yield (
            f"definition live_path and ready_path are both {known.live_path}, so a pod whose database is away would be "
            "restarted again and again instead of left out: give each its own"
        )
    if known.writer_path in (known.live_path, known.ready_path):
        yield (
            f"definition writer_path is {known.writer_path}, as one of the probes: readers would be restarted or never "
            "be ready, for /writer answers 200 at one site only: give it a path of its own"
        )
    if not 1 <= known.port <= 65535 or isinstance(known.port, bool):
        yield f"definition port {known.port!r} is no TCP port: set 1 to 65535, like 8080"


def _sizes(known: WorkloadIntent) -> Iterator[str]:
    for name, form in QUANTITY.items():
        text = getattr(known.definition, name)
        if not form.fullmatch(text):
            example = "250m" if name == "cpu" else "512Mi"
            yield f"definition {name} {text!r} is no amount: write it like {example}"
    if known.definition.user < 1:
        yield "definition user is root: set the number of the user that the image is made for, like 65532"
    if known.serving_replicas < LEAST_SERVING:
        yield (
            f"serving_replicas is {known.serving_replicas}, so every update and every lost node is an outage (K55): "
            f"set {LEAST_SERVING} or more"
        )
    if known.warm_replicas < 1:
        yield f"warm_replicas is {known.warm_replicas}, and warm is with pods: set 1 or more, or dr_mode to pilot-light"
    elif known.standby and known.warm_replicas > known.serving_replicas:
        yield (
            f"warm_replicas {known.warm_replicas} is more than serving_replicas {known.serving_replicas}: a failover "
            "would leave fewer than wait for it: lower it"
        )


def _variables(known: WorkloadIntent) -> Iterator[str]:
    for name in (*known.definition.env, *known.secrets):
        if not VARIABLE.fullmatch(name):
            yield f"{name!r} is no variable's name: use letters, digits and _"
    for name in known.definition.env:
        if name.startswith(OURS):
            yield (
                f"env has {name}, which would be fixed and the same at both sites (K55): take it out; database, cache "
                "and role come from their ConfigMaps"
            )
    for name in sorted(set(known.definition.env) & set(known.secrets)):
        yield f"{name} is in env and in secrets: leave it in one of them"
