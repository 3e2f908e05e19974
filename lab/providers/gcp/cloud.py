"""What all types of this package share: ids that are paths, names, projects, regions and labels."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.records import RecordType
from lab.providers.framework.types import Call, Refusal

API = "https://www.googleapis.com/compute/v1/"


class GcpType(RecordType):
    """A resource whose id is its path."""

    path: ClassVar[str]
    """Of the id, with inputs in braces: projects/{project}/regions/{region}/routers/{name}."""
    lies_in: ClassVar[tuple[str, ...]] = ()
    """Of project and region those that it says besides those of its path."""
    linked: ClassVar[bool] = True
    """Whether it says selfLink: what Compute Engine has."""

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


def _configured(call: Call, inputs: Mapping[str, Any], key: str) -> str:
    found = inputs.get(key) or call.config.get(key)
    if not found:
        raise Refusal(
            f"{key}: required field is not set: give it, or configure it with `pulumi config set gcp:{key} …`"
        )
    return str(found)
