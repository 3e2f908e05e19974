"""The three places that say who may write: an object in S3, in GCS, in an Azure container. Standard library only.

A register is one object that is changed by compare-and-swap. Each is asked with the identity of whoever asks; how that
is come by differs from cloud to cloud, so it is given: keys of AWS, a bearer token of Google or Azure. All three read
what was last written (S3 and Blob Storage and GCS are strongly consistent for one object).
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, Protocol

from ..agent import aws, azure
from ..epoch import DOCUMENT, parse
from ..errors import Failed
from .rule import Said

CALL_SECONDS = 10.0
"""A register that takes longer has not answered: three of these fit into a lease."""
GCS = "https://storage.googleapis.com"


class Register(Protocol):
    """One document. Failed, in words for a person, when the register does not answer."""

    def read(self) -> tuple[bytes, str] | None:
        """(content, tag); None when it holds nothing."""

    def swap(self, content: bytes, tag: str) -> bool:
        """Write it if it is still the one with this tag ("": if there is none); False: it is another one.

        When the answer is lost nobody knows whether it was written: read it again.
        """


def said(content: bytes) -> Said:
    """What a document says. ValueError when it is none."""
    writer = parse(content)
    return Said(writer.epoch, writer.site, json.loads(content).get("clear") is True)


def packed(said: Said, over: bytes = b"") -> bytes:
    """The document; whatever else `over` says, the document before it, is kept."""
    kept: dict[str, Any] = json.loads(over) if over else {"version": 1}
    return json.dumps({**kept, "site": said.site, "epoch": said.epoch, "clear": said.clear}, indent=1).encode()


class S3Register:
    """An object of an S3 bucket; `If-Match` and `If-None-Match: *` (Amazon S3 User Guide, "Conditional writes")."""

    def __init__(
        self,
        bucket: str,
        region: str,
        keys: Callable[[], dict[str, str]],
        key: str = DOCUMENT,
        suffix: str = aws.SUFFIX,
    ) -> None:
        self._place, self._keys, self._suffix = (bucket, region, key), keys, suffix

    def __str__(self) -> str:
        return f"s3://{self._place[0]}/{self._place[2]}"

    def read(self) -> tuple[bytes, str] | None:
        try:
            content, tag = aws.s3_get(*self._place, self._keys(), suffix=self._suffix)
        except aws.CallError as error:
            if error.status == 404 and "NoSuchKey" in str(error):
                return None
            # S3 says 403 of an object that is not there to whoever may not list the bucket.
            fix = ": its identity needs s3:GetObject, s3:PutObject and s3:ListBucket" if error.status == 403 else ""
            raise Failed(f"{self} cannot be read: {error}{fix}") from error
        return content or b"", tag

    def swap(self, content: bytes, tag: str) -> bool:
        condition = {"if-match": tag} if tag else {"if-none-match": "*"}
        try:
            bucket, region, key = self._place
            aws.s3_put(bucket, region, key, content, self._keys(), self._suffix, condition)
        except aws.CallError as error:
            # 409: another one writes at this moment; 404: what `tag` was of has been deleted.
            if error.status in (404, 409, 412):
                return False
            raise Failed(f"{self} cannot be written: {error}") from error
        return True


class BlobRegister:
    """A blob; `If-Match` and `If-None-Match: *`."""

    def __init__(self, account: str, container: str, token: Callable[[], str], name: str = DOCUMENT) -> None:
        self._account, self._path, self._token = account, f"{container}/{name}", token

    def __str__(self) -> str:
        return f"azblob://{self._account}/{self._path}"

    def read(self) -> tuple[bytes, str] | None:
        try:
            content, tag = azure.blob_changed(self._account, self._path, self._token(), hurry_seconds=CALL_SECONDS)
        except azure.CallError as error:
            if error.code == "BlobNotFound":
                return None
            raise Failed(f"{self} cannot be read: {error}") from error
        return content or b"", tag

    def swap(self, content: bytes, tag: str) -> bool:
        try:
            azure.blob_put(
                self._account,
                self._path,
                content,
                self._token(),
                if_none_match=not tag,
                if_match=tag,
                content_type="application/json",
                hurry_seconds=CALL_SECONDS,
            )
        except azure.CallError as error:
            if error.status in (409, 412):
                return False
            raise Failed(f"{self} cannot be written: {error}") from error
        return True


class GcsRegister:
    """An object of a GCS bucket; `ifGenerationMatch`, 0 for none (Cloud Storage, "Request preconditions")."""

    def __init__(self, bucket: str, token: Callable[[], str], name: str = DOCUMENT) -> None:
        self._bucket, self._name, self._token = bucket, name, token

    def __str__(self) -> str:
        return f"gs://{self._bucket}/{self._name}"

    def _call(self, method: str, url: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        headers = {"Authorization": f"Bearer {self._token()}", "Cache-Control": "no-cache"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                words = error.read(500).decode("utf-8", "replace")
            if error.code in (404, 412):
                return error.code, {}, words.encode()
            raise Failed(f"{self} does not answer as it should: HTTP {error.code} {words}") from None
        except OSError as error:
            raise Failed(f"{self} does not answer: {error}") from error

    def read(self) -> tuple[bytes, str] | None:
        name = urllib.parse.quote(self._name, safe="")
        status, headers, content = self._call("GET", f"{GCS}/storage/v1/b/{self._bucket}/o/{name}?alt=media")
        if status == 404 and b"bucket does not exist" in content:
            raise Failed(f"{self} cannot be read: there is no such bucket; `pulumi up` makes it")
        return None if status == 404 else (content, headers["x-goog-generation"])

    def swap(self, content: bytes, tag: str) -> bool:
        query = urllib.parse.urlencode({"uploadType": "media", "name": self._name, "ifGenerationMatch": tag or "0"})
        status, _, words = self._call("POST", f"{GCS}/upload/storage/v1/b/{self._bucket}/o?{query}", content)
        if status == 404:
            raise Failed(f"{self} cannot be written: HTTP 404 {words.decode()}")
        return status != 412
