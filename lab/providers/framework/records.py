"""Types that the box keeps a record of, and the way a record becomes real: what the packages of clouds share."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.client import LabError
from lab.providers.framework.box import Box
from lab.providers.framework.changes import filled
from lab.providers.framework.types import Call, Refusal, ResourceType


class RecordType(ResourceType):
    """A record in the box, and (for live types) what the hooks `verify`, `make`, `change`, `unmake` do with it.

    Hooks run only with a box and only for live types. Records hold outputs as state does, the URN under `__urn`, the
    program's own inputs under `__inputs` (a cloud does not give everything back, a password for instance), when it was
    made under `__made`, and what else a type keeps for itself under names that begin so; these never reach the state.
    """

    leaves_records = True

    removal_seconds: ClassVar[float] = 120
    """How long a deletion waits for what still uses it, as the real provider does (there 5 to 20 minutes)."""

    taken: ClassVar[str] = ""
    """What a cloud answers whose ids are the program's own, when there is one of that {id}, in the same region; empty
    where it takes the second for the first, or gives ids itself."""

    # What a type says

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        """A new id."""
        raise NotImplementedError(self.token)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs that the cloud computes."""
        return {}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Refuse what the cloud would refuse, looking at other records; may complete the record. Under a lock."""

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Make it real; the record is stored already."""

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        """Make a change real; the new record is stored already. May change the record."""

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Take it away; the record is forgotten already. Fine when half of it is gone."""

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Raise Busy while something else uses it."""

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        """Outputs that others change meanwhile."""
        return {}

    def find(self, call: Call, box: Box, identity: str) -> str:
        """The record's id for an import id."""
        return identity

    # What a package says

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs that all of the package's types have."""
        return {}

    def renewed(self, call: Call, identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs to compute again after a change."""
        return {}

    # What all have in common

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        identity = self.identify(call, inputs)
        record = {**filled(inputs, self.rules.defaults), **self.shared(call, identity, inputs)}
        record |= self.computed(call, identity, record)
        box = call.box
        if box is None:
            return identity, record
        record |= {"__urn": call.urn, "__inputs": inputs, "__made": time.time()}
        with box.lock:
            there = box.record(self.token, identity) if self.taken else None
            if there is not None and there.get("region") == record.get("region"):
                raise Refusal(self.taken.format(id=identity))
            if self.live:
                self.verify(call, box, identity, record)
            box.put(self.token, identity, record)
        if self.live:
            try:
                self.make(call, box, identity, record)
            except BaseException:
                # Nothing that failed stays behind: the engine will not know of it.
                box.forget(self.token, identity)
                with contextlib.suppress(LabError, Refusal):
                    self.unmake(call, box, identity, record)
                raise
            box.put(self.token, identity, record)
        return identity, shown(record)

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        box = call.box
        if box is None:
            return super().read(call, identity, state)
        key = identity if state else self.find(call, box, identity)
        record = box.record(self.token, key)
        if record is None:
            return None
        if self.live:
            record |= self.observe(call, box, key, record)
        return {**shown(record), "__id": key}

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        record = {**new, **self.renewed(call, identity, new)}
        box = call.box
        if box is not None:
            before = box.record(self.token, identity)
            if before is None:
                raise Refusal(f"{self.token} {identity} is gone; run `pulumi refresh`")
            record |= {"__urn": call.urn, **{key: value for key, value in before.items() if key.startswith("__")}}
            record["__inputs"] = new
            box.put(self.token, identity, record)
            if self.live:
                try:
                    self.change(call, box, identity, before, record)
                except BaseException:
                    box.put(self.token, identity, before)
                    raise
                box.put(self.token, identity, record)
        return shown(record)

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        box = call.box
        if box is None:
            return
        record = box.record(self.token, identity)
        if record is None:
            return
        if self.live:
            call.wait(lambda: self.removable(call, box, identity, record), self.removal_seconds)
        # What puts a record into the world holds the lock from reading to putting, so nobody puts back what goes now.
        with box.lock:
            box.forget(self.token, identity)
        if self.live:
            try:
                self.unmake(call, box, identity, record)
            except BaseException:
                box.put(self.token, identity, record)
                raise


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what only the box keeps."""
    return {key: value for key, value in record.items() if not key.startswith("__")}
