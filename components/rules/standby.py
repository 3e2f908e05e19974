"""Refusals about the standby site on Azure: its network, its database, its application machine. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..guest import ownership
from ..guest.backup import target
from . import addresses, twice_problems
from .backup import Operator, operator_problems, schedule_problems
from .hosts import gate_problems
from .intent import Intent, Part
from .my_cnf import settings_problems
from .names import HOST, as_dns_has_it

CUSTOM_DATA_LIMIT = 65535
"""Bytes of custom data that Azure takes, before base64 (Azure's documentation of custom data)."""

GATE_LIMIT_SECONDS = 5400
"""Run-command ends a script after 90 minutes."""

LONGEST_MANAGED_NAME = 63 - len("-0123abcd")

IMAGE = "Canonical:ubuntu-26_04-lts:server:latest"
SIZE = "Standard_B2s"
"""Of the standby's machines, unless told otherwise."""

VERSIONS = ("8.0.21", "8.4")
"""Azure's names of the MySQL series that the Flexible Server has; 8.0.21 stands for all of 8.0."""

RESTORES_WITH = {
    # The restore loads chunks with LOAD DATA LOCAL, and creates routines and triggers without SUPER.
    "local_infile": "ON",
    "log_bin_trust_function_creators": "ON",
    # Tables would get a column that the source's have not, and checksums would differ (Azure's limitations page).
    "sql_generate_invisible_primary_key": "OFF",
}
"""Server parameters without which a dump does not come back as it was."""

_OUT_OF_SUPPORT = {
    r"\b(?:16_04|xenial)": "Ubuntu 16.04 (April 2021)",
    r"\b(?:18_04|bionic)": "Ubuntu 18.04 (May 2023)",
    r"\b(?:20_04|focal)": "Ubuntu 20.04 (May 2025)",
    r"\bdebian-?10\b": "Debian 10 (2024)",
    r"\bdebian-?11\b": "Debian 11 (August 2026)",
}
_ADMINS = ("admin", "administrator", "guest", "public")
"""What the Flexible Server refuses besides MySQL's and Azure's own names."""

_RESERVED_SECRET_WORDS = re.compile(r"password|passwd|secret|token|credential|private_?key", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class AzureNetworkIntent(Intent):
    """What an AzureNetwork is meant to be."""

    resource_group: str = ""
    location: str = ""
    vnet_range: str = ""
    application_range: str = ""
    database_range: str = ""
    managed_database: bool = False
    client_ranges: tuple[str, ...] = ("Internet",)
    database_client_ranges: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        """Why this network cannot carry the standby."""
        problems: list[str] = []
        vnet = addresses.parse_range("vnet_range", self.vnet_range, problems)
        ranges = {
            "application_range": addresses.parse_range("application_range", self.application_range, problems),
            "database_range": addresses.parse_range("database_range", self.database_range, problems),
        }
        if vnet is not None:
            problems += addresses.protected_range_problems("vnet_range", vnet)
            for name, found in ranges.items():
                if found is not None and not found.subnet_of(vnet):
                    problems.append(f"{name} {found} is not inside vnet_range {vnet}: choose a part of {vnet}")
        for name, found in ranges.items():
            if found is not None and found.prefixlen > 29:
                problems.append(f"{name} {found} is smaller than Azure's smallest subnet: choose /29 or larger")
        problems += addresses.overlap_problems({name: found for name, found in ranges.items() if found is not None})
        if not re.fullmatch(r"[\w.()-]{0,89}[\w()-]", self.resource_group):
            problems.append(
                f"resource_group is {self.resource_group!r}: give 1 to 90 letters, digits and ._-() without a dot at "
                "the end"
            )
        return [
            *problems,
            *_client_problems(self.client_ranges),
            *_database_client_problems(self.database_client_ranges),
        ]


def _database_client_problems(clients: Sequence[str]) -> list[str]:
    problems = twice_problems("database_client_ranges", clients)
    for text in clients:
        found = addresses.parse_range("database_client_ranges", text, problems)
        if found is None:
            continue
        wide = addresses.open_range_problems("database_client_ranges", found, "MySQL")
        problems += wide
        if not wide and not any(found.subnet_of(private) for private in addresses.PRIVATE):
            problems.append(
                f"database_client_ranges {found} is public, and the database has no public address: list private "
                "ranges that reach its network, for instance by peering"
            )
    return problems


def _client_problems(clients: Sequence[str]) -> list[str]:
    if not clients:
        return ["client_ranges is empty, so nobody could reach the standby: leave it out, or list ranges"]
    tags = [client for client in clients if re.fullmatch(r"[A-Za-z][A-Za-z0-9.]*", client)]
    if tags and len(clients) > 1:
        return [
            f"client_ranges mixes the service tag {tags[0]} with others, which Azure refuses: give one tag or ranges"
        ]
    problems: list[str] = []
    for client in clients:
        if client not in tags:
            addresses.parse_range("client_ranges", client, problems)
    return problems


def _zone_tag_problems(tags: Mapping[str, str]) -> Iterator[str]:
    # Seen on private zones and their links: taken without an error, and not there afterwards
    # (Azure/azure-rest-api-specs#11748; spaces: Azure/azure-resource-manager-schemas#3367).
    for key in tags:
        if ":" in key or " " in key or key[:1].isdigit():
            better = re.sub(r"[: ]+", "-", key).lstrip("0123456789-") or "owner"
            yield (
                f"tag {key!r}: Azure's DNS zones drop tags whose name has a colon or a space or begins with a digit, "
                f"without an error, so every refresh would want it again: name it like {better!r}"
            )


@dataclass(frozen=True, kw_only=True)
class StandbyDatabaseIntent(Intent):
    """What a StandbyDatabase is meant to be."""

    dr_mode: str = "cold"
    kind: str = "flexible"
    server: str = ""
    location: str = ""
    subnet_range: str = ""
    user: str = ""
    password_secret: str = ""
    application_user: str = "application"
    application_password_secret: str = ""
    schema: str = ""
    version: str | None = None
    """None: of the source's series."""
    source_version: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    size: str = SIZE
    storage_gib: int = 32
    address: str | None = None
    image: str = IMAGE
    which: str = "latest"
    gate_timeout_seconds: int | None = None
    site_is_active: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    """Azure's DNS zones drop some."""

    @property
    def managed(self) -> bool:
        """SQL only, no SUPER."""
        return self.kind == "flexible"

    @property
    def series(self) -> str:
        """Azure's name of the MySQL series."""
        return self.version or version_for(self.source_version or "")

    def problems(self) -> list[str]:
        """Why this standby database cannot be, or could not be restored into."""
        own = (
            _zone_tag_problems(self.tags)
            if self.managed
            else [*settings_problems("settings", self.settings), *image_problems(self.image)]
        )
        return [
            *_server_problems(self.server, self.managed),
            *_login_problems(self),
            *_schema_problems(self),
            *_setting_problems(self.settings),
            *gate_problems(self.gate_timeout_seconds),
            *_place_problems(self),
            *own,
        ]


def _server_problems(server: str, managed: bool) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", server):
        yield f"server is {server!r}: give 3 to 63 lower-case letters, digits and hyphens, none at the ends"
    elif managed and len(server) > LONGEST_MANAGED_NAME:
        yield (
            f"server is {server!r} ({len(server)} letters): a managed server gets a hyphen and 8 hex digits behind it, "
            f"since Azure keeps the names of deleted ones, and takes 63 in all: give {LONGEST_MANAGED_NAME} or fewer"
        )


def _login_problems(known: StandbyDatabaseIntent) -> Iterator[str]:
    user, own = known.user, known.application_user
    if _taken(user) or user.startswith("pg_") or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", user):
        yield f"user is {user!r}, which the server refuses: choose a login like dbadmin"
    if own == user:
        yield (
            f"application_user is {own}, the administrator: the application could then change every schema and login "
            "of the server; give it a login of its own, like application"
        )
    elif _taken(own) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", own):
        yield f"application_user is {own!r}, which the server refuses: choose a login like application"
    if known.application_password_secret and known.application_password_secret == known.password_secret:
        yield (
            "application_password_secret and password_secret are the same: whoever reads the application's password "
            "would be administrator; give two names"
        )


def _schema_problems(known: StandbyDatabaseIntent) -> Iterator[str]:
    schema = known.schema
    if not re.fullmatch(r"[A-Za-z0-9_$]{1,64}", schema):
        yield f"schema is {schema!r}: give the name of the database that is backed up"
    elif schema in ("mysql", "sys", "information_schema", "performance_schema"):
        yield f"schema {schema} belongs to MySQL itself: give the application's database"
    if known.managed and known.series not in VERSIONS:
        yield f"version is {known.series!r}: the Flexible Server has {', '.join(VERSIONS)}"
    runs = known.series if known.managed else _of_image(known.image, known.series)
    yield from _series_problems(known.source_version or "", runs)


def _place_problems(known: StandbyDatabaseIntent) -> list[str]:
    problems: list[str] = []
    if known.storage_gib < 20:
        problems.append(
            f"storage_gib is {known.storage_gib}: the smallest is 20; the restore needs the data's size and a third "
            "more"
        )
    subnet = addresses.parse_range("subnet_range", known.subnet_range, problems)
    if known.address and subnet is not None:
        address = addresses.parse_address("address", known.address, problems)
        if address is not None:
            # Azure keeps the same five of a subnet as AWS: network, .1 to .3, broadcast.
            problems += addresses.subnet_address_problems("address", address, subnet)
    return problems


def _taken(user: str) -> bool:
    return user in _ADMINS or ownership.is_system(user)


def version_for(source: str) -> str:
    """Azure's name of a primary's MySQL series; the newest when there is none of it, which the rule then refuses."""
    wanted = target.series(source)
    return next((version for version in VERSIONS if target.series(version) == wanted), VERSIONS[-1])


def way_home_problems(home: Mapping[str, Any], away: Mapping[str, Any]) -> list[str]:
    """Why what users write at `away` could not come home: {"version", "lower_case_table_names", "names"} of each."""
    return target.way_home(home, away)


def _of_image(image: str, version: str) -> str:
    """A machine runs what its image has: 8.4 in Ubuntu 26.04 (the default); of an image of one's own only its owner
    knows."""
    return "8.4" if "26_04" in image else version


def _series_problems(source: str, standby: str) -> Iterator[str]:
    """Data go to the standby and come home again, and no dump loads into an older series: so they are of one."""
    if not source:
        return
    theirs, ours = target.series(source), target.series(standby)
    if not theirs:
        yield f"source_version is {source!r}: give the primary's MySQL version, like 8.0.43 (`SELECT @@version`)"
    elif theirs > ours:
        yield (
            f"the source runs MySQL {source} and the standby would run {standby}: a dump does not load into an older "
            "series; set version to the source's"
        )
    elif theirs < ours:
        yield (
            f"the source runs MySQL {source} and the standby would run {standby}: users' data could go there and never "
            "come home, because a dump does not load into an older series; set version to the source's "
            f"({version_for(source)}), or upgrade the source first"
        )


def _setting_problems(settings: Mapping[str, Any]) -> Iterator[str]:
    """Why these server parameters are not the standby's to have."""
    for name, value in settings.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)) or not isinstance(value, str) or "\n" in value:
            yield f"settings has {name!r}: {value!r}: give a server parameter and its value as text"
        elif name in RESTORES_WITH:
            yield f"settings has {name}, which a restore needs as it is ({RESTORES_WITH[name]}): leave it out"
        elif name == "lower_case_table_names":
            yield (
                "settings has lower_case_table_names, which a server has from its first start on: leave it out; where "
                "capital letters in tables' names matter, take kind machine, which keeps them"
            )


@dataclass(frozen=True, kw_only=True)
class Application(Part):
    """What is served; of its environment the names."""

    artefact: str = ""
    sha256: str = ""
    context: str = ""
    health_path: str = ""
    environment: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def problems(self) -> Iterator[str]:
        """Why it must not be served."""
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            yield (
                f"application.sha256 is {self.sha256!r}: without the artefact's SHA-256 (64 hex digits, `sha256sum "
                "FILE`) the standby could serve other code than the primary; give it (K25)"
            )
        if not self.artefact:
            yield "application.artefact is empty: give an https URL, or a blob's name in container guests"
        elif "://" in self.artefact:
            yield from _fetched_problems(self.artefact)
        if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+|/", self.context):
            yield f"application.context is {self.context!r}: give a path like /petclinic"
        if not self.health_path.startswith("/"):
            yield (
                f"application.health_path is {self.health_path!r}: give a path that answers 200 once the database "
                "answers (K24)"
            )
        for name in self.environment:
            if _RESERVED_SECRET_WORDS.search(name):
                yield (
                    f"application.environment holds {name}, which looks like a secret: it would be readable in state "
                    "and in the desired document; put it into the vault (K23)"
                )
            elif not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
                yield f"application.environment holds {name!r}: give names like JAVA_OPTS"


def _fetched_problems(artefact: str) -> Iterator[str]:
    parts = urlsplit(artefact)
    if parts.scheme != "https":
        yield f"application.artefact {artefact} is not fetched by https: give an https URL (K25)"
    if parts.username or parts.password or re.search(r"[?&]sig=", artefact):
        yield (
            f"application.artefact on {parts.hostname} carries a credential in its URL, which lands in state and on "
            "the machine: put the artefact into container guests and give the blob's name (K23)"
        )


@dataclass(frozen=True, kw_only=True)
class Origin(Part):
    """How front door and machine recognise each other; of secrets the names."""

    host: str = ""
    certificate_secret: str = ""
    header_secret: str = ""
    header: str = "X-Twinsite-Origin"
    direct_hosts: tuple[str, ...] = ()

    def problems(self) -> Iterator[str]:
        """Why the front door could not trust the machine, or the machine the front door."""
        if not HOST.fullmatch(self.host):
            yield (
                f"origin.host is {self.host!r}: give a name of your zone, for instance origin-dr.example.com; an "
                "address or one of Azure's names has no certificate of yours, and CloudFront refuses an origin without "
                f"a valid one{as_dns_has_it(self.host)}"
            )
        if not self.certificate_secret:
            yield "origin.certificate_secret is empty: name the vault's secret"
        if not self.header_secret:
            yield "origin.header_secret is empty: name the vault's secret"
        header = self.header
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,63}", header) or header.lower().startswith(("x-amz-", "x-edge-")):
            yield (f"origin.header is {header!r}, which CloudFront does not add: choose a name like X-Twinsite-Origin")


@dataclass(frozen=True, kw_only=True)
class OwnBackups(Part):
    """How the standby backs itself up while it serves."""

    schedule: str = ""
    primary_site: str = ""


@dataclass(frozen=True, kw_only=True)
class ColdWarmVmIntent(Intent):
    """What a ColdWarmVm is meant to be."""

    dr_mode: str = "cold"
    host: str = ""
    location: str = ""
    application: Application = Application()
    origin: Origin = Origin()
    size: str = SIZE
    image: str = IMAGE
    which: str = "latest"
    streams: int = 4
    operators: tuple[Operator, ...] = ()
    backups: OwnBackups | None = None
    gate_timeout_seconds: int = 1800
    site_is_active: bool = False

    def problems(self) -> list[str]:
        """Why this standby machine cannot be, or why its `up` would lie."""
        problems = list(image_problems(self.image))
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", self.host):
            problems.append(f"host is {self.host!r}: give lower-case letters, digits and hyphens, at most 63")
        problems += [*self.application.problems(), *self.origin.problems()]
        if not 60 <= self.gate_timeout_seconds <= GATE_LIMIT_SECONDS:
            problems.append(
                f"gate_timeout_seconds is {self.gate_timeout_seconds}: Azure calls a machine ready while its bootstrap "
                "still runs or has failed, so `up` waits for the real verdict; set it from 60 to "
                f"{GATE_LIMIT_SECONDS} (run-command's limit) (K24)"
            )
        if not 1 <= self.streams <= 64:
            problems.append(f"streams is {self.streams}: set it from 1 to 64")
        if self.which != "latest" and not re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", self.which):
            problems.append(
                f"which is {self.which!r}: give latest (the greatest time among complete manifests) or a backup's id; "
                "a file's position in a listing says nothing, sorted names begin with the oldest (K20)"
            )
        if self.backups is not None:
            problems += schedule_problems(self.backups.schedule)
        return [*problems, *operator_problems(self.operators)]


def image_problems(image: str) -> Iterator[str]:
    """Why this image is none, or must not be used any more."""
    own = re.fullmatch(r"/subscriptions/[^/]+/.*/(?:images|galleries)/.+", image)
    if not own and len([part for part in image.split(":") if part]) != 4:
        yield (
            f"image is {image!r}: give publisher:offer:sku:version, for instance "
            "Canonical:ubuntu-26_04-lts:server:latest, or the resource id of an image of your own"
        )
    for pattern, what in _OUT_OF_SUPPORT.items():
        if re.search(pattern, image.replace(":", " ").replace("-lts", " ")):
            yield (
                f"image {image} is {what}, out of standard support: its packages are not repaired any more and vanish "
                "from the archive; use Canonical:ubuntu-26_04-lts:server:latest (K25)"
            )


def custom_data_problems(text: str, secrets: tuple[str, ...] = ()) -> Iterator[str]:
    """Why Azure, or reason, refuses this custom data. `secrets` are values that must not be in it."""
    size = len(text.encode())
    if size > CUSTOM_DATA_LIMIT:
        yield (
            f"custom data has {size} bytes and Azure takes {CUSTOM_DATA_LIMIT}: move code into the payload, which the "
            "machine fetches by its SHA-256"
        )
    if any(secret and secret in text for secret in secrets) or "PRIVATE KEY-----" in text:
        yield (
            "custom data holds a secret, which everyone who may read the machine's model or its disk can read: put it "
            "into the vault, the machine fetches it with its own identity (K23)"
        )


def mode_problems(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Why a change of mode must not be made: {"dr_mode", "active_site", "standby_site"} before and after (K52)."""
    order = ("cold", "pilot-light", "warm")
    down = order.index(str(after["dr_mode"])) < order.index(str(before["dr_mode"]))
    if down and after.get("active_site") == after.get("standby_site"):
        yield (
            f"dr_mode {after['dr_mode']} would take the site {after['active_site']} down, which serves now and holds "
            "the "
            "only current data: run `twinsite failback` first, then lower the mode"
        )
