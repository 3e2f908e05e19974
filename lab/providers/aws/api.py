"""Types that call an AWS API by boto3, as any program at the operator's desk does: its names, its keys."""

import functools
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.changes import filled
from lab.providers.framework.records import RecordType
from lab.providers.framework.types import Call, Refusal

_LOCK = threading.Lock()


@functools.cache
def _client(service: str, region: str) -> Any:
    import boto3  # type: ignore[import-untyped,unused-ignore]

    # boto3's default session is not safe to make clients from in threads
    with _LOCK:
        return boto3.session.Session().client(service, region_name=region)


class Api:
    """One service in one region. An error of the API becomes a Refusal with its code and message."""

    def __init__(self, service: str, region: str) -> None:
        self.service = service
        self._client = _client(service, region)

    def call(self, operation: str, /, **arguments: Any) -> dict[str, Any]:
        """The operation's answer; arguments that are None are left out."""
        found = self.maybe(operation, (), **arguments)
        assert found is not None
        return found

    def maybe(self, operation: str, missing: tuple[str, ...], /, **arguments: Any) -> dict[str, Any] | None:
        """Like call; None when the API answers with one of the codes in `missing`."""
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

        given = {key: value for key, value in arguments.items() if value is not None}
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**given)
            return answer
        except ClientError as error:
            told = error.response.get("Error", {})
            if told.get("Code") in missing:
                return None
            name = operation.title().replace("_", "")
            raise Refusal(
                f"operation error {self.service}: {name}: {told.get('Code')}: {told.get('Message')}"
            ) from None
        except BotoCoreError as error:
            raise Refusal(f"operation error {self.service}: {operation}: {error}") from None


class ApiType(AwsType):
    """`put` makes and changes, `drop` deletes, `look` reads. The API's own records count, so the box keeps none."""

    leaves_records = False
    api: ClassVar[str] = "s3"
    missing: ClassVar[tuple[str, ...]] = ("NoSuchBucket", "404", "ResourceNotFoundException")
    """Error codes that say it is gone."""

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        """Create; may give more outputs, `__id` among them."""
        raise NotImplementedError(self.token)

    def alter(
        self, call: Call, api: Api, identity: str, before: dict[str, Any], record: dict[str, Any]
    ) -> dict[str, Any]:
        """Change in place; the default puts again, which most of these APIs understand."""
        return self.put(call, api, identity, record)

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        """Delete; fine when it is gone."""

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        """Outputs that the API says differently from the state; None when it is gone."""
        return {}

    # Given

    def open(self, call: Call, record: Mapping[str, Any]) -> Api:
        return Api(self.api, str(record.get("region") or call.config.get("region") or ""))

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        identity = self.identify(call, inputs)
        record = {**filled(inputs, self.rules.defaults), **self.shared(call, identity, inputs)}
        record |= self.computed(call, identity, record)
        if call.box is not None:
            record |= self.put(call, self.open(call, record), identity, record)
        identity = record.pop("__id", identity)
        return identity, record

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        if call.box is None or not state:
            # the recorded only, and imports, which no type here needs yet
            return super(RecordType, self).read(call, identity, state)
        found = self.look(call, self.open(call, state), identity, state)
        return None if found is None else {**state, **found}

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        record = {**new, "tagsAll": new.get("tags") or {}} if "tagsAll" in new else dict(new)
        record |= self.computed(call, identity, {**record, "__update": True})
        if call.box is not None:
            record |= self.alter(call, self.open(call, record), identity, state, record)
        record.pop("__id", None)
        return record

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        if call.box is not None:
            self.drop(call, self.open(call, state), identity, state)


def tag_list(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Tags as the APIs take them."""
    return [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]
