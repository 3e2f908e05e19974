"""Refusals about the standby site on Azure: its network, its database, its application machine. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..guest import ownership
from ..guest.backup import target
from . import addresses
from .names import HOST, as_dns_has_it

CUSTOM_DATA_LIMIT = 65535
"""Bytes of custom data that Azure takes, before base64 (Azure's documentation of custom data)."""

GATE_LIMIT_SECONDS = 5400
"""Run-command ends a script after 90 minutes."""

LONGEST_MANAGED_NAME = 63 - len("-0123abcd")

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


def network_problems(args: Mapping[str, Any]) -> list[str]:
    """Why this network cannot carry the standby."""
    problems: list[str] = []
    ranges = {
        name: addresses.parse_range(name, str(args.get(name) or ""), problems)
        for name in ("vnet_range", "application_range", "database_range")
    }
    vnet = ranges.pop("vnet_range")
    if vnet is not None:
        problems += addresses.protected_range_problems("vnet_range", vnet)
        for name, found in ranges.items():
            if found is not None and not found.subnet_of(vnet):
                problems.append(f"{name} {found} is not inside vnet_range {vnet}: choose a part of {vnet}")
    for name, found in ranges.items():
        if found is not None and found.prefixlen > 29:
            problems.append(f"{name} {found} is smaller than Azure's smallest subnet: choose /29 or larger")
    problems += addresses.overlap_problems({name: found for name, found in ranges.items() if found is not None})
    if not re.fullmatch(r"[\w.()-]{0,89}[\w()-]", str(args.get("resource_group") or "")):
        problems.append(
            f"resource_group is {args.get('resource_group')!r}: give 1 to 90 letters, digits and ._-() without a dot "
            "at "
            "the end"
        )
    problems += _client_problems(args.get("client_ranges", ["Internet"]))
    return problems


def _client_problems(clients: Any) -> list[str]:
    if not clients:
        return ["client_ranges is empty, so nobody could reach the standby: leave it out, or list ranges"]
    tags = [client for client in clients if re.fullmatch(r"[A-Za-z][A-Za-z0-9.]*", str(client))]
    if tags and len(clients) > 1:
        return [
            f"client_ranges mixes the service tag {tags[0]} with others, which Azure refuses: give one tag or ranges"
        ]
    problems: list[str] = []
    for client in clients:
        if client not in tags and addresses.parse_range("client_ranges", str(client), problems) is not None:
            continue
    return problems


def database_problems(args: Mapping[str, Any]) -> list[str]:
    """Why this standby database cannot be, or could not be restored into."""
    problems: list[str] = []
    managed = _value(args.get("kind")) == "flexible"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", str(args.get("server") or "")):
        problems.append(
            f"server is {args.get('server')!r}: give 3 to 63 lower-case letters, digits and hyphens, none at the ends"
        )
    elif managed and len(str(args["server"])) > LONGEST_MANAGED_NAME:
        problems.append(
            f"server is {args['server']!r} ({len(str(args['server']))} letters): a managed server gets a hyphen and 8 "
            "hex digits behind it, since Azure keeps the names of deleted ones, and takes 63 in all: give "
            f"{LONGEST_MANAGED_NAME} or fewer"
        )
    user = str(args.get("user") or "")
    if _taken(user) or user.startswith("pg_") or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", user):
        problems.append(f"user is {user!r}, which the server refuses: choose a login like dbadmin")
    own = str(args.get("application_user", "application"))
    if own == user:
        problems.append(
            f"application_user is {own}, the administrator: the application could then change every schema and login "
            "of the server; give it a login of its own, like application"
        )
    elif _taken(own) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", own):
        problems.append(f"application_user is {own!r}, which the server refuses: choose a login like application")
    if args.get("application_password_secret") and args["application_password_secret"] == args.get("password_secret"):
        problems.append(
            "application_password_secret and password_secret are the same: whoever reads the application's password "
            "would be administrator; give two names"
        )
    if not re.fullmatch(r"[A-Za-z0-9_$]{1,64}", str(args.get("schema") or "")):
        problems.append(f"schema is {args.get('schema')!r}: give the name of the database that is backed up")
    elif args.get("schema") in ("mysql", "sys", "information_schema", "performance_schema"):
        problems.append(f"schema {args.get('schema')} belongs to MySQL itself: give the application's database")
    version = str(args.get("version") or version_for(str(args.get("source_version") or "")))
    if managed and version not in VERSIONS:
        problems.append(f"version is {version!r}: the Flexible Server has {', '.join(VERSIONS)}")
    runs = version if managed else _of_image(str(args.get("image") or ""), version)
    problems += _series_problems(str(args.get("source_version") or ""), runs)
    problems += _setting_problems(args.get("settings") or {})
    storage = args.get("storage_gib", 32)
    if isinstance(storage, int) and storage < 20:
        problems.append(
            f"storage_gib is {storage}: the smallest is 20; the restore needs the data's size and a third more"
        )
    subnet = addresses.parse_range("subnet_range", str(args.get("subnet_range") or ""), problems)
    if args.get("address") and subnet is not None:
        address = addresses.parse_address("address", str(args["address"]), problems)
        if address is not None:
            # Azure keeps the same five of a subnet as AWS: network, .1 to .3, broadcast.
            problems += addresses.subnet_address_problems("address", address, subnet)
    if not managed:
        problems += list(image_problems(args))
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
    return "8.4" if not image or "26_04" in image else version


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


def machine_problems(args: Mapping[str, Any]) -> list[str]:
    """Why this standby machine cannot be, or why its `up` would lie."""
    problems = list(image_problems(args))
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", str(args.get("host") or "")):
        problems.append(f"host is {args.get('host')!r}: give lower-case letters, digits and hyphens, at most 63")
    problems += application_problems(args.get("application") or {})
    problems += origin_problems(args.get("origin") or {})
    gate = args.get("gate_timeout_seconds", 1800)
    if isinstance(gate, int) and not 60 <= gate <= GATE_LIMIT_SECONDS:
        problems.append(
            f"gate_timeout_seconds is {gate}: Azure calls a machine ready while its bootstrap still runs or has "
            "failed, "
            f"so `up` waits for the real verdict; set it from 60 to {GATE_LIMIT_SECONDS} (run-command's limit) (K24)"
        )
    streams = args.get("streams", 4)
    if isinstance(streams, int) and not 1 <= streams <= 64:
        problems.append(f"streams is {streams}: set it from 1 to 64")
    which = str(args.get("which", "latest"))
    if which != "latest" and not re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", which):
        problems.append(
            f"which is {which!r}: give latest (the greatest time among complete manifests) or a backup's id; a file's "
            "position in a listing says nothing, sorted names begin with the oldest (K20)"
        )
    return problems


def image_problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Why this image is none, or must not be used any more."""
    image = str(args.get("image", "Canonical:ubuntu-26_04-lts:server:latest"))
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


def application_problems(application: Mapping[str, Any]) -> Iterator[str]:
    """Why this artefact must not be served."""
    artefact, sha256 = str(application.get("artefact") or ""), str(application.get("sha256") or "")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        yield (
            f"application.sha256 is {sha256!r}: without the artefact's SHA-256 (64 hex digits, `sha256sum FILE`) the "
            "standby could serve other code than the primary; give it (K25)"
        )
    if not artefact:
        yield "application.artefact is empty: give an https URL, or a blob's name in container guests"
    elif "://" in artefact:
        parts = urlsplit(artefact)
        if parts.scheme != "https":
            yield f"application.artefact {artefact} is not fetched by https: give an https URL (K25)"
        if parts.username or parts.password or re.search(r"[?&]sig=", artefact):
            yield (
                f"application.artefact on {parts.hostname} carries a credential in its URL, which lands in state and "
                "on "
                "the machine: put the artefact into container guests and give the blob's name (K23)"
            )
    context = str(application.get("context") or "")
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+|/", context):
        yield f"application.context is {context!r}: give a path like /petclinic"
    health = str(application.get("health_path") or "")
    if not health.startswith("/"):
        yield f"application.health_path is {health!r}: give a path that answers 200 once the database answers (K24)"
    for name in application.get("environment") or {}:
        if _RESERVED_SECRET_WORDS.search(name):
            yield (
                f"application.environment holds {name}, which looks like a secret: it would be readable in state and "
                "in "
                "the desired document; put it into the vault (K23)"
            )
        elif not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            yield f"application.environment holds {name!r}: give names like JAVA_OPTS"


def origin_problems(origin: Mapping[str, Any]) -> Iterator[str]:
    """Why the front door could not trust the machine, or the machine the front door."""
    host = str(origin.get("host") or "")
    if not HOST.fullmatch(host):
        yield (
            f"origin.host is {host!r}: give a name of your zone, for instance origin-dr.example.com; an address or "
            "one of "
            "Azure's names has no certificate of yours, and CloudFront refuses an origin without a valid one"
            f"{as_dns_has_it(host)}"
        )
    for field in ("certificate_secret", "header_secret"):
        if not origin.get(field):
            yield f"origin.{field} is empty: name the vault's secret"
    header = str(origin.get("header", "X-Twinsite-Origin"))
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,63}", header) or header.lower().startswith(("x-amz-", "x-edge-")):
        yield f"origin.header is {header!r}, which CloudFront does not add: choose a name like X-Twinsite-Origin"


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


def _value(kind: object) -> str:
    return str(getattr(kind, "value", kind))
