"""A store in a bucket of Google Cloud Storage. Its conditional writes are ifGenerationMatch."""

import contextlib
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import google
from .store import Unavailable
from .unanswered import CouldNotAsk

ROLE = "Storage Object Admin (roles/storage.objectAdmin)"
READS = "Storage Object Viewer (roles/storage.objectViewer)"
AGAIN = "`pulumi up` makes it again"
BINARY = "application/octet-stream"


@dataclass(frozen=True)
class Place:
    """`gs://BUCKET[/FOLDER]`, taken apart."""

    bucket: str
    folder: str = ""

    def __str__(self) -> str:
        return f"gs://{self.bucket}" + (f"/{self.folder}" if self.folder else "")


def place(text: str) -> Place:
    """ValueError when `text` is not of that form."""
    scheme, _, rest = text.partition("://")
    bucket, _, folder = rest.partition("/")
    if scheme != "gs" or not bucket:
        raise ValueError(f"{text!r} is not gs://BUCKET[/FOLDER]: run `pulumi up`, which writes it")
    return Place(bucket, folder.strip("/"))


def document(address: str, asked: google.Google, again: str = AGAIN) -> Any:
    """The JSON of object gs://BUCKET/NAME by one call, for whoever only looks; None while there is none, CouldNotAsk
    when that is not known [Cloud Storage JSON API, objects.get]. `again`: what to do about a bucket that is gone."""
    there = place(address)
    bucket, name = (urllib.parse.quote(one, safe="") for one in (there.bucket, there.folder))
    try:
        return asked.get("storage", f"storage/v1/b/{bucket}/o/{name}", alt="media")
    except google.GoogleError as error:
        if error.status == 404 and "bucket does not exist" not in error.words:
            return None
        raise CouldNotAsk(explained(error, there, READS, again)) from None


class BucketStore:
    """store.Store. A tag is the object's generation; an object read is the one that was last written (Cloud Storage is
    strongly consistent). Of one object Google takes a write a second and answers 429 to more, which is tried again."""

    def __init__(self, api: google.Api, place: Place) -> None:
        self._api, self._place = api, place
        self._seen = False
        """Whether the bucket has answered: then an object that is not there is that alone."""

    def __str__(self) -> str:
        return str(self._place)

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except google.GoogleError as error:
            raise Unavailable(f"{self._place} cannot be used: {explained(error, self._place)}") from None

    def _path(self, name: str = "") -> str:
        objects = f"storage/v1/b/{urllib.parse.quote(self._place.bucket, safe='')}/o"
        return f"{objects}/{urllib.parse.quote(self._full(name), safe='')}" if name else objects

    def _full(self, name: str) -> str:
        return f"{self._place.folder}/{name}" if self._place.folder else name

    def _url(self, path: str, **query: str) -> str:
        return self._api.identity.endpoints.url("storage", path, query)

    def _bucket(self) -> None:
        """GoogleError when the bucket is not there. Google says 404 of either, and in words alone of which."""
        if not self._seen:
            self._api.get("storage", self._path(), maxResults="1", fields="kind")
            self._seen = True

    def read(self, name: str) -> tuple[bytes, str] | None:
        with self._speaking():
            answer = self._api.call("GET", self._url(self._path(name), alt="media"), fine=(404,))
            if answer.status == 404:
                self._bucket()
                return None
            if "x-goog-generation" not in answer.headers:
                url, said = self._path(name), answer.body[:200].decode("utf-8", "replace")
                raise google.GoogleError(f"{url}: what answers is not Cloud Storage: {said!r}", google.NETWORK)
            self._seen = True
            return answer.body, answer.headers["x-goog-generation"]

    def write(self, name: str, content: bytes) -> None:
        with self._speaking():
            self._put(name, content)

    def create(self, name: str, content: bytes) -> bool:
        with self._speaking():
            return self._put(name, content, ifGenerationMatch="0")

    def replace(self, name: str, content: bytes, tag: str) -> bool:
        with self._speaking():
            return self._put(name, content, ifGenerationMatch=tag)

    def _put(self, name: str, content: bytes, **condition: str) -> bool:
        url = self._url(f"upload/{self._path()}", uploadType="media", name=self._full(name), **condition)
        answer = self._api.call("POST", url, content, BINARY, fine=(412,) if condition else ())
        if answer.status != 412:
            return True
        # A try whose answer was lost may have been the one that wrote it: nobody else writes what we would have.
        now = self.read(name) if answer.in_doubt else None
        return now is not None and now[0] == content

    def remove(self, name: str, tag: str) -> bool:
        with self._speaking():
            answer = self._api.call("DELETE", self._url(self._path(name), ifGenerationMatch=tag), fine=(404, 412))
            if answer.status == 404:
                self._bucket()
                return answer.in_doubt
            return answer.status != 412

    def names(self, prefix: str) -> list[str]:
        with self._speaking():
            shown = "items/name,nextPageToken"
            found = google.items(self._api, "storage", self._path(), "items", prefix=self._full(prefix), fields=shown)
        return sorted(str(one["name"]).removeprefix(self._full("")) for one in found)


def explained(error: google.GoogleError, place: Place, role: str = ROLE, again: str = AGAIN) -> str:
    """What happened at a bucket, and what to do: forbidden, gone, and not to be reached are three things. `role`: its
    name, and in brackets what Google calls it."""
    if error.status == 404:
        return f"{error.words}: the bucket of {place} is gone, not only empty; {again}"
    if error.is_about_rights:
        return (
            f"{error.words}: your identity needs the role {role} on the bucket: `gcloud storage buckets "
            f"add-iam-policy-binding gs://{place.bucket} --member user:YOU --role {role.partition('(')[2].rstrip(')')}`"
        )
    return error.sentence
