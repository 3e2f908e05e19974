"""Backups in a bucket of Google's, as components/guest/archive leaves them: a folder each, its manifest last.

A manifest says what there is to be; whether that is still there is asked of the youngest, for a failover takes it.
"""

import re
import urllib.parse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from .. import google
from ..bucket_store import READS, Place, explained, place
from . import manifests
from .away import Backup, Backups

ROOT = "backups/"
ENGINE = "postgresql"
_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
"""As components/guest/backup/manifest.py makes them: what else is below `backups/` is no run's."""
AT_ONCE = 8
LOOKED_THROUGH = 3
"""So many that are not whole, one after the other, end the search: then something else is wrong than one backup."""


def read(store: str, schema: str, api: google.Api) -> Backups:
    """All that is of this database. What is wrong with the bucket is `problem`."""
    there = place(store)
    try:
        return _read(there, schema, api)
    except google.GoogleError as error:
        return Backups(problem=explained(error, there, READS))


def _read(there: Place, schema: str, api: google.Api) -> Backups:
    folders = _folders(there, api)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        contents = dict(zip(folders, pool.map(lambda one: _manifest(there, one, api), folders), strict=True))
    known = {one: manifests.parse(one, content, str(there)) for one, content in contents.items() if content}
    ours = [one for one in known.values() if one and manifests.of(contents[one.id] or b"") == (ENGINE, schema)]
    ordered = sorted(ours, key=lambda one: one.began)
    broken = _broken(there, ordered, contents, api)
    complete = tuple(one for one in ordered if one.id not in broken)
    halves = tuple(one for one in folders if known.get(one) is None)
    return Backups(complete, halves, broken=tuple(broken.values()))


def _broken(
    there: Place, ordered: list[Backup], contents: Mapping[str, bytes | None], api: google.Api
) -> dict[str, str]:
    """Id → why it does not count, of the youngest ones down to one that is whole."""
    found: dict[str, str] = {}
    for one in reversed(ordered[-LOOKED_THROUGH:]):
        try:
            said = manifests.missing(contents[one.id] or b"", one.id, _sizes(there, one.id, api))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            said = [f"its manifest is not understood ({type(problem).__name__}: {problem})"]
        if not said:
            break
        more = f", and {len(said) - 1} more" if len(said) > 1 else ""
        found[one.id] = f"backup {one.id} is not whole and does not count: {said[0]}{more}"
    return found


def _objects(there: Place) -> str:
    return f"storage/v1/b/{urllib.parse.quote(there.bucket, safe='')}/o"


def _folder(there: Place, identity: str = "") -> str:
    return "".join((f"{there.folder}/" if there.folder else "", ROOT, f"{identity}/" if identity else ""))


def _folders(there: Place, api: google.Api) -> list[str]:
    """Their ids, not their parts: there may be a hundred thousand of these."""
    inside = _folder(there)
    shown = {"prefix": inside, "delimiter": "/", "fields": "prefixes,nextPageToken"}
    found = google.items(api, "storage", _objects(there), "prefixes", **shown)
    names = (str(one).removeprefix(inside).rstrip("/") for one in found)
    return sorted(name for name in names if _ID.fullmatch(name))


def _manifest(there: Place, identity: str, api: google.Api) -> bytes | None:
    """None: a run that did not come to its end, or that went a moment ago."""
    name = urllib.parse.quote(f"{_folder(there, identity)}manifest.json", safe="")
    url = api.identity.endpoints.url("storage", f"{_objects(there)}/{name}", {"alt": "media"})
    answer = api.call("GET", url, fine=(404,))
    return None if answer.status == 404 else answer.body


def _sizes(there: Place, identity: str, api: google.Api) -> dict[str, int]:
    inside = _folder(there, identity)
    shown = {"prefix": inside, "fields": "items(name,size),nextPageToken"}
    found = google.items(api, "storage", _objects(there), "items", **shown)
    return {str(one["name"]).removeprefix(inside): int(one["size"]) for one in found}
