"""What a target must be for a backup: every problem at once, before the first write (ADR 21's way). Pure."""

from collections.abc import Iterator
from typing import Any

from . import concerns
from .config import Config


def problems(
    config: Config, chosen: "dict[str, Any]", there: "dict[str, Any]", client: int, begun: bool
) -> "list[str]":
    """Sentences, each with its fix. `there` is facts.target's; `begun`: this program has half filled the database."""
    source, needs = chosen["source"], chosen["needs"]
    return [
        *_versions(source, there, client),
        *_meaning(config, source, there),
        *_roles(needs, there),
        *_rights(config, there),
        *([] if begun else _contents(config, there)),
    ]


def _versions(source: "dict[str, Any]", there: "dict[str, Any]", client: int) -> Iterator[str]:
    if there["major"] < source["major"]:
        yield (
            f"the target is PostgreSQL {there['major']} and the backup of {source['major']}: an older server need not "
            "take a newer one's definitions: make the target's version the source's or a later one"
        )
    if client < source["client"]:
        yield (
            f"this job's client is PostgreSQL {client} and the backup was made by {source['client']}, whose archive "
            f"it does not read: put a client of {source['client']} or later into the image"
        )
    elif there["major"] < concerns.TIMEOUT_SINCE <= client:
        yield (
            f"this job's client is PostgreSQL {client}, which sets transaction_timeout, and the target of "
            f"{there['major']} does not know it: make the target {concerns.TIMEOUT_SINCE} or later"
            + ("" if source["client"] >= concerns.TIMEOUT_SINCE else ", or put a client of the target's version in")
        )
    if there["standby"]:
        yield "the target is a standby, which takes no writes: name its primary"


def _meaning(config: Config, source: "dict[str, Any]", there: "dict[str, Any]") -> Iterator[str]:
    ways, own = _ways(source), _ways(there)
    for name, wanted in ways.items():
        if name in own and own[name] != wanted and name not in config.may_differ:
            fix = "make the database anew with it" if name in ("encoding", "collation") else "set it at the target"
            yield (
                f"{name} is {own[name]!r} at the target and was {wanted!r} at the source, so the same data mean "
                f"another thing: {fix}, or, where the application does not mind, name it in `may_differ`"
            )


def _ways(about: "dict[str, Any]") -> "dict[str, str]":
    settings = dict(about["settings"])
    if settings.get("timezone") in _UTC:
        settings["timezone"] = "UTC"
    return {"encoding": about["encoding"], "collation": sorts(about), **settings}


_UTC = ("Etc/GMT", "Etc/UCT", "Etc/UTC", "GMT", "UCT")
"""Other names of it."""


def sorts(about: "dict[str, Any]") -> str:
    """What texts are sorted by, written alike: en_US.UTF-8 and en_US.utf8 are one locale."""
    names = {str(about[name]).replace("-", "").lower() for name in ("collate", "ctype")}
    own = f" {about['locale']}" if about.get("locale") and about["provider"] != "c" else ""
    return f"{about['provider']}: {' '.join(sorted(names))}{own}"


def _roles(needs: "dict[str, Any]", there: "dict[str, Any]") -> Iterator[str]:
    if lacking := sorted(set(needs["policy_roles"]) - set(there["all_roles"])):
        yield (
            f"policies of row security name {', '.join(lacking)}, which the target has not: CREATE ROLE there first; a "
            "backup carries no roles"
        )


def _rights(config: Config, there: "dict[str, Any]") -> Iterator[str]:
    user, database = config.target.user, there["database"]
    if not there["creates"]:
        yield f"{user} may make nothing in database {database}: GRANT CREATE ON DATABASE {database} TO {user}"
    if there["creates_in_public"] is False:
        yield f"{user} may make nothing in schema public of {database}: GRANT CREATE ON SCHEMA public TO {user}"


def _contents(config: Config, there: "dict[str, Any]") -> Iterator[str]:
    if there["objects"]:
        named = ", ".join(f"{one['type']} {one['identity']}" for one in there["objects"][:3])
        yield (
            f"database {there['database']} at {config.target.address} is not empty ({len(there['objects'])} objects, "
            f"such as {named}): restore into an empty one; what is there is never overwritten"
        )
