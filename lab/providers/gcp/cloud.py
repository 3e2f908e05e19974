"""What all types of this package share: ids that are paths, names, projects, regions and labels."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.box import Box
from lab.providers.framework.records import RecordType
from lab.providers.framework.types import Call, Refusal
from lab.providers.gcp import topology

API = "https://www.googleapis.com/compute/v1/"


class GcpType(RecordType):
    """A resource whose id is its path."""

    path: ClassVar[str]
    """Of the id, with inputs in braces: projects/{project}/regions/{region}/routers/{name}."""
    lies_in: ClassVar[tuple[str, ...]] = ()
    """Of project and region those that it says besides those of its path."""
    linked: ClassVar[bool] = True
    """Whether it says selfLink: what Compute Engine has."""

    def reach(self, call: Call, operation: str, record: Mapping[str, Any]) -> None:
        if call.box is not None and call.box.dark("gcp"):
            raise Refusal(
                f"Error on {operation}: dial tcp: lookup {self.token.split(':')[1].split('/')[0]}.googleapis.com: i/o "
                "timeout (Google is dark in this lab: `./scripts/lab dark gcp off`)"
            )

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        known = {**inputs, **self._place(call, inputs)}
        return re.sub(r"{(\w+)}", lambda found: str(known[found[1]]).strip("/"), self.path)

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = {**self._place(call, inputs), **self._labels(inputs)}
        return {**found, "selfLink": API + identity} if self.linked else found

    def renewed(self, call: Call, identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        return self._labels(record)

    def _labels(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if "labels" not in self.rules.updates:
            return {}
        return dict.fromkeys(("effectiveLabels", "pulumiLabels"), inputs.get("labels") or {})

    def _place(self, call: Call, inputs: Mapping[str, Any]) -> dict[str, str]:
        """Project and region of what lies in one: the resource's own, else the provider's."""
        return {
            key: _configured(call, inputs, key)
            for key in ("project", "region")
            if f"{{{key}}}" in self.path or key in self.lies_in
        }


class Part(GcpType):
    """A part of the world, which is computed anew from all records when it is made, changed or gone."""

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put(box)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self.make(call, box, identity, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put(box)
        box.apply()


def unprotected(token: str, identity: str, state: Mapping[str, Any]) -> None:
    """The provider's own guard is in the state, so that an `up` must have taken it off before. Refusal."""
    if state.get("deletionProtection"):
        raise Refusal(
            f"Error, failed to delete {token.rpartition(':')[2]} because deletion_protection is set to true: "
            f"{identity}. Set it to false in an `up` of its own first"
        )


def _configured(call: Call, inputs: Mapping[str, Any], key: str) -> str:
    found = inputs.get(key) or call.config.get(key)
    if not found:
        raise Refusal(
            f"{key}: required field is not set: give it, or configure it with `pulumi config set gcp:{key} …`"
        )
    return str(found)
