"""What the IAM types share: policy documents, and telling the box what a role may do."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/rolePolicy:RolePolicy"


class IamType(AwsType):
    """No region; ids are names."""

    service = "iam"


def put_role(box: Box, name: str) -> None:
    """All policies of a role, from its own blocks and the RolePolicy resources."""
    with box.lock:
        role = box.record(ROLE, name)
        if role is None:
            box.client.call("role_delete", name=name)
            return
        documents = [block["policy"] for block in role.get("inlinePolicies") or [] if block.get("policy")]
        documents += [one["policy"] for one in box.records(POLICY).values() if one["role"] == name]
        box.client.call("role_put", name=name, policies=documents)


def document_problems(inputs: Mapping[str, Any], key: str) -> Iterable[Problem]:
    """A policy document that is no JSON object."""
    text = inputs.get(key)
    if isinstance(text, str):
        try:
            right = isinstance(json.loads(text), dict)
        except ValueError as error:
            yield Problem(key, f'"{key}" contains an invalid JSON: {error}')
            return
        if not right:
            yield Problem(key, f'"{key}" contains an invalid JSON policy: not a JSON object')


def as_text(document: Any) -> str:
    """A policy document as JSON text: the SDK takes it as an object, too."""
    return document if isinstance(document, str) else json.dumps(document)
