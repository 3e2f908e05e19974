"""storage.googleapis.com, the JSON API: objects get, list, insert (media), delete; buckets get.

[Cloud Storage JSON API, Objects and Buckets; Request preconditions; HTTP status and error codes for JSON; IAM
permissions for JSON methods]. Not played: resumable and multipart uploads, compose, copies, former versions, crc32c,
and the limit of a write a second to one object.
"""

import base64
import datetime
import re
import urllib.parse
from typing import Any

from lab.services.api import Answer, told
from lab.services.google import host
from lab.services.google.errors import Refusal, older, unsupported
from lab.services.google.fields import chosen
from lab.services.google.objects import BUCKET, Objects, PreconditionFailed, Stored
from lab.services.google.rights import Records, Rights, bucket_name, object_name
from lab.services.google.tokens import Caller, Tokens
from lab.services.signature import Request

READ, WRITE, FULL = (
    f"https://www.googleapis.com/auth/devstorage.{one}" for one in ("read_only", "read_write", "full_control")
)
MOST = 1000
"""Items of a page."""
_PATH = re.compile(r"(/upload)?/storage/v1/b/([^/]+)(/o(?:/(.+))?)?")
_NO_BUCKET = "The specified bucket does not exist."
_PRECONDITION = "At least one of the pre-conditions you specified did not hold."


class Storage:
    """Reads and writes `objects` for who may."""

    def __init__(self, objects: Objects, tokens: Tokens, rights: Rights, records: Records) -> None:
        self._objects, self._tokens, self._rights, self._records = objects, tokens, rights, records

    def owns(self, name: str) -> bool:
        return name == host("storage")

    def answer(self, request: Request) -> Answer:
        query = dict(urllib.parse.parse_qsl(request.query))
        media = query.get("alt") == "media"
        try:
            return self._answer(request, query)
        except Refusal as refusal:
            if media:
                # A download's errors are words alone.
                return refusal.status, [("Content-Type", "text/html; charset=UTF-8")], refusal.message.encode()
            return older(refusal)
        except PreconditionFailed:
            if media:
                return 412, [("Content-Type", "text/html; charset=UTF-8")], _PRECONDITION.encode()
            return older(Refusal(412, _PRECONDITION, "conditionNotMet"))

    def _answer(self, request: Request, query: dict[str, str]) -> Answer:
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise unsupported(request.host, request.method, request.path)
        upload, bucket, listing, name = bool(found[1]), found[2], bool(found[3]), found[4]
        writes = request.method in ("POST", "DELETE")
        caller = self._tokens.caller(request, WRITE, FULL, *([] if writes else [READ]))
        project = self._objects.project(bucket)
        if project is None:
            raise Refusal(404, _NO_BUCKET, "notFound")
        place = _Place(self._rights, caller, project, bucket)
        if request.method == "POST" and upload and listing and not name:
            return self._insert(request, query, place)
        if upload or (request.method not in ("GET", "DELETE")):
            raise unsupported(request.host, request.method, request.path)
        if not listing and request.method == "GET":
            place.must("storage.buckets.get")
            return told(200, chosen(self._bucket(bucket), query.get("fields", "")))
        if name is None and request.method == "GET":
            place.must("storage.objects.list")
            return told(200, chosen(self._listed(bucket, query), query.get("fields", "")))
        if name is None:
            raise unsupported(request.host, request.method, request.path)
        return self._object(request, query, place, urllib.parse.unquote(name))

    def _object(self, request: Request, query: dict[str, str], place: "_Place", name: str) -> Answer:
        match = _generation(query)
        if request.method == "DELETE":
            place.must("storage.objects.delete", name)
            if not self._objects.delete(place.bucket, name, match):
                raise Refusal(404, f"No such object: {place.bucket}/{name}", "notFound")
            return 204, [], b""
        place.must("storage.objects.get", name)
        there = self._objects.get(place.bucket, name)
        if there is None:
            raise Refusal(404, f"No such object: {place.bucket}/{name}", "notFound")
        if match is not None and match != there.generation:
            raise PreconditionFailed
        if query.get("alt") != "media":
            return told(200, chosen(described(place.bucket, there), query.get("fields", "")))
        headers = [
            ("Content-Type", there.kind or "application/octet-stream"),
            ("ETag", _etag(there)),
            ("X-Goog-Generation", str(there.generation)),
            ("X-Goog-Metageneration", "1"),
            ("X-Goog-Hash", f"md5={there.md5}"),
            ("X-Goog-Storage-Class", "STANDARD"),
        ]
        return 200, headers, there.content

    def _insert(self, request: Request, query: dict[str, str], place: "_Place") -> Answer:
        if query.get("uploadType") != "media":
            raise unsupported(request.host, f"uploadType={query.get('uploadType')}", request.path)
        name = query.get("name", "")
        if not name:
            raise Refusal(400, "Required parameter: name", "required")
        place.must("storage.objects.create", name)
        if self._objects.get(place.bucket, name) is not None:
            # Whoever may not delete may not write over, whatever the condition.
            place.must("storage.objects.delete", name)
        kind = request.headers.get("content-type", "")
        stored = self._objects.put(place.bucket, name, request.body, kind, _generation(query))
        return told(200, chosen(described(place.bucket, stored), query.get("fields", "")))

    def _listed(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        entries: dict[str, Stored | None] = {}
        for one in self._objects.names(bucket):
            if not one.name.startswith(prefix):
                continue
            head, cut, _ = one.name.removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
            entries[f"{prefix}{head}{delimiter}" if cut else one.name] = None if cut else one
        after = _unmarked(query.get("pageToken", ""))
        names = [name for name in entries if name > after]
        most = min(MOST, int(query.get("maxResults") or MOST))
        page = {name: entries[name] for name in names[:most]}
        found: dict[str, Any] = {"kind": "storage#objects"}
        items = [described(bucket, one) for one in page.values() if one is not None]
        folders = [name for name, one in page.items() if one is None]
        if len(names) > most:
            found["nextPageToken"] = _marked(names[most - 1])
        return found | ({"items": items} if items else {}) | ({"prefixes": folders} if folders else {})

    def _bucket(self, bucket: str) -> dict[str, Any]:
        record = self._records(BUCKET)[bucket]
        return {
            "kind": "storage#bucket",
            "id": bucket,
            "name": bucket,
            "location": record.get("location"),
            "storageClass": record.get("storageClass"),
            "timeCreated": record.get("timeCreated"),
            "versioning": {"enabled": bool((record.get("versioning") or {}).get("enabled"))},
        }


class _Place:
    """A bucket, as one caller may use it."""

    def __init__(self, rights: Rights, caller: Caller, project: str, bucket: str) -> None:
        self._rights, self._caller, self._project, self.bucket = rights, caller, project, bucket

    def must(self, permission: str, name: str = "") -> None:
        """Refusal 403. Listings are judged by the bucket's name, also those of a prefix."""
        place = bucket_name(self.bucket)
        resource = object_name(self.bucket, name) if name else place
        if not self._rights.may(self._caller.member, permission, self._project, place, resource):
            what = "object" if name else "bucket"
            raise Refusal(
                403,
                f"{self._caller.shown} does not have {permission} access to the Google Cloud Storage {what}. "
                f"Permission '{permission}' denied on resource (or it may not exist).",
                "forbidden",
            )


def described(bucket: str, one: Stored) -> dict[str, Any]:
    """An object's resource."""
    quoted = urllib.parse.quote(one.name, safe="")
    link = f"https://www.googleapis.com/storage/v1/b/{bucket}/o/{quoted}"
    moment = datetime.datetime.fromtimestamp(one.created, datetime.UTC).isoformat(timespec="milliseconds")
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{one.name}/{one.generation}",
        "selfLink": link,
        "mediaLink": f"https://storage.googleapis.com/download/storage/v1/b/{bucket}/o/{quoted}?alt=media",
        "name": one.name,
        "bucket": bucket,
        "generation": str(one.generation),
        "metageneration": "1",
        "contentType": one.kind,
        "storageClass": "STANDARD",
        "size": str(len(one.content)),
        "md5Hash": one.md5,
        "etag": _etag(one),
        "timeCreated": moment.replace("+00:00", "Z"),
        "updated": moment.replace("+00:00", "Z"),
    }


def _etag(one: Stored) -> str:
    return base64.b64encode(one.generation.to_bytes(8, "big")).decode()


def _generation(query: dict[str, str]) -> int | None:
    said = query.get("ifGenerationMatch")
    if said is not None and not said.isdecimal():
        raise Refusal(400, f"Invalid long value: '{said}'.", "invalid")
    return None if said is None else int(said)


def _marked(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _unmarked(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise Refusal(400, "Invalid argument.", "invalid") from None
