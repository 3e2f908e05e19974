"""What all types of this package share: names, namespaces, what the API server adds, and the record in the box."""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from lab.providers.framework.changes import Declared
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Busy, Call, Refusal, ResourceType

NAMESPACE = "kubernetes:core/v1:Namespace"
AWAIT_SECONDS = 600.0
UNREADY = "__unready"
"""Of a record whose `up` ended before it was ready; nothing was interrupted between making and knowing it."""
_NOBODY = ("has no cluster", "does not exist", "NotFound")
"""What kubectl says where nobody in the lab would make it live."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY, _VALUE = re.compile(rf"([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?{_WORD}"), re.compile(rf"({_WORD})?")


class KubernetesType(ResourceType):
    """A record in the box. A name or namespace that changes replaces; everything else that no subclass names does not.

    The real provider makes names as NAME-12345678, and deletes first when the program gives the name.
    """

    leaves_records = True
    autoname = AutoName("metadata.name", 253, lower=True)
    namespaced: ClassVar[bool] = True
    awaited: ClassVar[str] = ""
    """kubectl's name of a type that the provider waits for until it is live."""
    name_limit: ClassVar[int] = 253

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        replaces = self.replaces | {"metadata.name", "metadata.namespace", "apiVersion", "kind"}
        return Declared(replaces, frozenset(schema["inputs"]) - replaces, self.sets, self.keeps)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        metadata = inputs.get("metadata")
        if not isinstance(metadata, Mapping):
            return
        name = metadata.get("name")
        if isinstance(name, str):
            right = all(_LABEL.fullmatch(part) for part in name.split("."))
            if not right or len(name) > self.name_limit:
                yield Problem(
                    "metadata.name",
                    f'Invalid value: "{name}": at most {self.name_limit} lower case letters, digits, "-" or ".", '
                    "which start and end with a letter or digit",
                )
        labels = metadata.get("labels")
        for key, value in labels.items() if isinstance(labels, Mapping) else ():
            for text, form in ((key, _KEY), (value, _VALUE)):
                if isinstance(text, str) and not form.fullmatch(text):
                    yield Problem(
                        "metadata.labels",
                        f'Invalid value: "{text}": at most 63 letters, digits, "-", "_" or ".", which start and end '
                        'with a letter or digit; a key may have a prefix and "/"',
                    )
        if not self.namespaced and metadata.get("namespace"):
            yield Problem("metadata.namespace", f"a {self.token.rpartition(':')[2]} is in no namespace")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        if not self.namespaced:
            return inputs
        metadata = inputs.get("metadata") or {}
        return {**inputs, "metadata": {**metadata, "namespace": metadata.get("namespace") or "default"}}

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs that the API server derives from inputs."""
        return {}

    def settled(self, found: Mapping[str, Any]) -> bool:
        """Whether an object of the API is what it was asked to be. Refusal when it never will be."""
        return True

    # Given

    def shelf(self, call: Call) -> str:
        return self.token + _shelf(call)

    def reach(self, call: Call, operation: str, record: Mapping[str, Any]) -> None:
        if not _dark(call):
            return
        said = "configured Kubernetes cluster is unreachable: unable to load schema information from the API server"
        if operation == "update" and str(call.config.get("skipUpdateUnreachable")).lower() == "true":
            call.log("warning", f"{said}; skipped, as skipUpdateUnreachable says")
            return
        raise Refusal(f"{said} (its site is dark in this lab: `./scripts/lab dark off`)")

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        metadata = inputs["metadata"]
        identity = f"{metadata['namespace']}/{metadata['name']}" if self.namespaced else str(metadata["name"])
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        server = {"uid": str(uuid.uuid4()), "creationTimestamp": now, "resourceVersion": "1", "generation": 1}
        record = {**inputs, "metadata": {**metadata, **server}, **self.complete(inputs)}
        if call.box is not None:
            with call.box.lock:
                self._admit(call, identity, metadata)
                call.box.put(self.shelf(call), identity, {**record, "__urn": call.urn})
            try:
                self._await(call, metadata)
            except Refusal:
                with call.box.lock:
                    call.box.put(self.shelf(call), identity, {**record, "__urn": call.urn, UNREADY: True})
                raise
        return identity, record

    def leftover(self, identity: str, record: Mapping[str, Any]) -> str:
        if not record.get(UNREADY):
            return super().leftover(identity, record)
        return (
            f"{identity} was made by an earlier `up`, which ended before it was ready: it is made anew, as the "
            "provider does with what its state has as not ready"
        )

    def _admit(self, call: Call, identity: str, metadata: Mapping[str, Any]) -> None:
        """What the API server refuses. Refusal."""
        assert call.box is not None
        kind = self.token.rpartition(":")[2]
        if call.box.record(self.shelf(call), identity) is not None:
            raise Refusal(f'{kind.lower()}s "{metadata["name"]}" already exists')
        space = metadata["namespace"] if self.namespaced else "default"
        if space != "default" and call.box.record(NAMESPACE + _shelf(call), space) is None:
            raise Refusal(f'namespaces "{space}" not found')

    def _await(self, call: Call, metadata: Mapping[str, Any]) -> None:
        """Until it is live, ten minutes at most as the provider does; not where the lab's cluster keeps no pods. Unlike
        the provider's, one that failed is in no state: the next `up` makes it anew (a Job only if it says so)."""
        skipped = (metadata.get("annotations") or {}).get("pulumi.com/skipAwait")
        if not self.awaited or str(skipped).lower() == "true":
            return
        call.wait(lambda: self._look(call, metadata), AWAIT_SECONDS)

    def _look(self, call: Call, metadata: Mapping[str, Any]) -> None:
        name, space = str(metadata["name"]), str(metadata["namespace"])
        said = asked(call, metadata, "get", self.awaited, name, "-o", "json")
        if said["code"] != 0 and not any(text in said["err"] for text in _NOBODY):
            raise Refusal(str(said["err"]).strip())
        if said["code"] == 0 and not self.settled(json.loads(said["out"])):
            raise Busy(f'"{space}/{name}" timed out waiting to be Ready (kubectl -n {space} get pods says more)')

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        if call.box is None:
            return super().read(call, identity, state)
        record = call.box.record(self.shelf(call), identity)
        if record is not None:
            record = {key: value for key, value in record.items() if not key.startswith("__")}
        return record

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        if _dark(call):  # skipUpdateUnreachable: nothing is done
            return state
        was = state.get("metadata") or {}
        server = {key: was[key] for key in ("uid", "creationTimestamp") if key in was}
        counted = {
            "resourceVersion": str(int(was.get("resourceVersion") or 0) + 1),
            "generation": int(was.get("generation") or 0) + 1,
        }
        record = {**new, "metadata": {**(new.get("metadata") or {}), **server, **counted}, **self.complete(new)}
        if call.box is not None:
            before = call.box.record(self.shelf(call), identity)
            if before is None:
                raise Refusal(f"{self.token} {identity} is gone; run `pulumi refresh`")
            call.box.put(self.shelf(call), identity, {**record, "__urn": before.get("__urn", call.urn)})
            self._await(call, record["metadata"])
        return record

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        if call.box is not None:
            call.box.forget(self.shelf(call), identity)


def asked(call: Call, metadata: Mapping[str, Any], *words: str) -> Any:
    """kubectl's answer, in the object's cluster and namespace."""
    assert call.box is not None
    return call.box.kubectl(f"--context={_context(call)}", "-n", str(metadata["namespace"]), *words)


def _context(call: Call) -> str:
    return str(call.config.get("context") or "")


def _shelf(call: Call) -> str:
    return call.box.shelf(_context(call)) if call.box is not None else ""


def _dark(call: Call) -> bool:
    return call.box is not None and call.box.dark("kubernetes", _context(call))
