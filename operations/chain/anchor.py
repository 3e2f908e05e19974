"""Where the chain is: write-once and outside both sites, or, while nobody has given such a place, on this desk.

S3 with Object Lock and Blob with an immutability policy keep an object against everybody until its time is over. The
policy is the bucket's or container's own, so that whoever writes records cannot choose a shorter one.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import azure
from ..store import BlobStore, DirectoryStore, Unavailable
from .links import WriteOnce

VARIABLE = "TWINSITE_EVIDENCE"
CONNECT_SECONDS, READ_SECONDS = 4, 10


class S3Store:
    """A folder of a bucket, of whose objects only the first version counts: with Object Lock none can be removed, and
    what was written over one, or its deletion marker, is a later one."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        # Heavy, and needed by nobody else.
        try:
            import boto3  # type: ignore[import-untyped]
            import botocore.config  # type: ignore[import-untyped]
            import botocore.exceptions  # type: ignore[import-untyped]
        except ImportError:
            raise Unavailable(f"s3://{bucket} needs boto3: `pip install 'twinsite[accounts]'`") from None

        self._bucket, self._prefix = bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._errors = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
        limits = botocore.config.Config(
            connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 2}
        )
        with self._speaking():
            self._api = boto3.client("s3", config=limits)

    def __str__(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except self._errors as problem:
            raise Unavailable(
                f"s3://{self._bucket} cannot be used: {problem}: your identity needs s3:ListBucketVersions, "
                "s3:GetObjectVersion, s3:GetObjectRetention and s3:PutObject there"
            ) from None

    def _first(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Name → its first version."""
        pages = self._api.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        # Of one key, later ones come first.
        return {one["Key"]: one for page in pages for one in page.get("Versions", ())}

    def names(self, prefix: str) -> list[str]:
        with self._speaking():
            return sorted(key.removeprefix(self._prefix) for key in self._first(self._prefix + prefix))

    def read(self, name: str) -> tuple[bytes, str] | None:
        key = self._prefix + name
        with self._speaking():
            first = self._first(key).get(key)
            if first is None:
                return None
            found = self._api.get_object(Bucket=self._bucket, Key=key, VersionId=first["VersionId"])
            return found["Body"].read(), str(first["VersionId"])

    def create(self, name: str, content: bytes) -> bool:
        if self.read(name) is not None:  # a deletion marker would let it be written again
            return False
        try:
            with self._speaking():
                self._api.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + name,
                    Body=content,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                )
        except Unavailable as problem:
            code = getattr(problem.__context__, "response", {}).get("Error", {}).get("Code")
            if code in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    @property
    def where(self) -> str:
        """Its region."""
        with self._speaking():
            found = self._api.head_bucket(Bucket=self._bucket)["ResponseMetadata"]["HTTPHeaders"]
        return str(found.get("x-amz-bucket-region", ""))

    def kept(self, name: str) -> str:
        """Until when nobody can remove it; "" anybody can."""
        with self._speaking():
            found = self._api.head_object(Bucket=self._bucket, Key=self._prefix + name)
        until = found.get("ObjectLockRetainUntilDate")
        return str(until) if until and found.get("ObjectLockMode") == "COMPLIANCE" else ""


@dataclass(frozen=True)
class Anchor:
    """The chain's store."""

    store: WriteOnce
    outside: bool
    """Somebody gave it; this desk alone holds a chain that is its own."""

    def loose(self, name: str, sites: frozenset[str]) -> str:
        """Why what stands there may be lost or taken away; "" when it cannot, or when that cannot be asked of it.
        `sites`: regions and accounts of the stack's own."""
        if not self.outside:
            return (
                "the chain is on this desk only: give a write-once place outside both sites, setting evidence_store or "
                f"{VARIABLE}"
            )
        where = getattr(self.store, "where", "")
        if where in sites:
            return f"{self.store} is at one of the stack's own sites ({where}): give a place that does not die with it"
        if isinstance(self.store, S3Store) and not self.store.kept(name):
            return f"{self.store} locks nothing: give the bucket Object Lock with a default retention, mode COMPLIANCE"
        return ""


def place(inventory_says: str = "") -> str:
    """What was given: by the environment, else by the stack."""
    return os.environ.get(VARIABLE, "") or inventory_says


def opened(given: str, stack: str, desk: pathlib.Path, identity: azure.Identity | None = None) -> Anchor:
    """`given`: s3://BUCKET[/PREFIX], azblob://ACCOUNT/CONTAINER or file:///FOLDER, with a folder of each stack below
    it; "" the desk. ValueError when it is none of them."""
    scheme, _, rest = given.partition("://")
    if not given:
        return Anchor(DirectoryStore(desk / "chain"), False)
    if scheme == "s3" and rest:
        bucket, _, prefix = rest.partition("/")
        return Anchor(S3Store(bucket, f"{prefix.rstrip('/')}/{stack}"), True)
    if scheme == "file" and rest.startswith("/"):
        return Anchor(DirectoryStore(pathlib.Path(rest) / stack), True)
    if scheme == "azblob":
        there = azure.place(given)
        return Anchor(Within(BlobStore(azure.Blobs(identity or azure.Identity()), there), stack, there.account), True)
    raise ValueError(
        f"{given!r} keeps no evidence: give s3://BUCKET/PREFIX, azblob://ACCOUNT/CONTAINER or file:///FOLDER"
    )


class Within:
    """The part of a store below a folder."""

    def __init__(self, store: BlobStore, folder: str, account: str) -> None:
        self._store, self._folder, self.where = store, folder, account

    def __str__(self) -> str:
        return f"{self._store}/{self._folder}"

    def read(self, name: str) -> tuple[bytes, str] | None:
        return self._store.read(f"{self._folder}/{name}")

    def create(self, name: str, content: bytes) -> bool:
        return self._store.create(f"{self._folder}/{name}", content)

    def names(self, prefix: str) -> list[str]:
        return [one.removeprefix(f"{self._folder}/") for one in self._store.names(f"{self._folder}/{prefix}")]
