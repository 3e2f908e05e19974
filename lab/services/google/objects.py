"""Objects of Cloud Storage's buckets: names, generations, contents. In memory: they end with the daemon.

Here: what is there, changed by whoever may. What `pulumi up` puts into a bucket is brought in from its records. Not
here: requests and rights (storage.py); former versions and soft-deleted objects, which no client of ours reads.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.services.google.rights import Records

BUCKET = "gcp:storage/bucket:Bucket"
OBJECT = "gcp:storage/bucketObject:BucketObject"


@dataclass(frozen=True)
class Stored:
    """One object, whole."""

    name: str
    content: bytes
    kind: str
    """Its Content-Type."""
    generation: int
    """Grows with every object that is written, anywhere in this lab."""
    created: float

    @property
    def md5(self) -> str:
        """As Google has it: base64."""
        return base64.b64encode(hashlib.md5(self.content, usedforsecurity=False).digest()).decode()


class PreconditionFailed(Exception):
    """The object is not of the generation that was asked for."""


class Objects:
    """All buckets'. Each call is one change, or none. Thread-safe."""

    def __init__(self, records: Records, clock: Callable[[], float] = time.time) -> None:
        self._records, self._clock = records, clock
        self._lock = threading.RLock()
        self._buckets: dict[str, dict[str, Stored]] = {}
        self._made: dict[str, str] = {}
        """Bucket → which one of its name it is."""
        self._brought: dict[str, object] = {}
        """Objects of `pulumi up`: its id → what was brought in."""
        self._last = 0

    def project(self, bucket: str) -> str | None:
        """Whose bucket it is; None when there is none of that name."""
        with self._lock:
            self._follow()
            record = self._records(BUCKET).get(bucket)
            return None if record is None else str(record.get("project", ""))

    def get(self, bucket: str, name: str) -> Stored | None:
        with self._lock:
            self._follow()
            return self._buckets.get(bucket, {}).get(name)

    def put(self, bucket: str, name: str, content: bytes, kind: str, match: int | None) -> Stored:
        """`match`: only if it is of this generation, 0: if there is none. PreconditionFailed."""
        with self._lock:
            self._follow()
            self._judge(bucket, name, match)
            return self._put(bucket, name, content, kind)

    def delete(self, bucket: str, name: str, match: int | None) -> bool:
        """False when there is none. PreconditionFailed."""
        with self._lock:
            self._follow()
            if name not in self._buckets.get(bucket, {}):
                return False
            self._judge(bucket, name, match)
            del self._buckets[bucket][name]
            return True

    def names(self, bucket: str) -> list[Stored]:
        """All of a bucket, by name."""
        with self._lock:
            self._follow()
            found = self._buckets.get(bucket, {})
            return [found[name] for name in sorted(found, key=lambda one: one.encode())]

    def _judge(self, bucket: str, name: str, match: int | None) -> None:
        there = self._buckets.get(bucket, {}).get(name)
        if match is not None and match != (there.generation if there else 0):
            raise PreconditionFailed

    def _put(self, bucket: str, name: str, content: bytes, kind: str) -> Stored:
        now = self._clock()
        # Microseconds, as Google's look; two in one microsecond still differ.
        self._last = max(self._last + 1, int(now * 1e6))
        stored = Stored(name, content, kind, self._last, now)
        self._buckets.setdefault(bucket, {})[name] = stored
        return stored

    def _follow(self) -> None:
        """What `pulumi up` made or took away since the last call."""
        there = self._records(BUCKET)
        for bucket in list(self._made):
            if bucket not in there or self._made[bucket] != str(there[bucket].get("timeCreated")):
                del self._made[bucket]
                self._buckets.pop(bucket, None)
        self._made |= {bucket: str(one.get("timeCreated")) for bucket, one in there.items()}
        records = self._records(OBJECT)
        for identity, one in records.items():
            bucket, name = str(one["bucket"]), str(one["name"])
            said = (self._made.get(bucket), one.get("content"), one.get("md5hash"))
            if bucket in there and self._brought.get(identity) != said:
                self._brought[identity] = said
                self._put(bucket, name, str(one.get("content") or "").encode(), str(one.get("contentType") or ""))
        for identity in set(self._brought) - set(records):
            del self._brought[identity]
            for bucket, known in self._buckets.items():
                for name in [name for name in known if f"{bucket}-{name}" == identity]:
                    del known[name]
