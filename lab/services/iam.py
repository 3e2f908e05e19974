"""IAM policies, as far as the lab evaluates them: identity policies with actions, resources and a few conditions.

What is not evaluated is refused when the role is made, never ignored: a permission that AWS would not give must not
appear here. Order of decision [AWS IAM guide, policy evaluation logic]: explicit deny, then allow, else deny.
"""

import fnmatch
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.client import LabError

_STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def _matches(pattern: str, value: str) -> bool:
    """IAM wildcards: `*` and `?` only; brackets are literal, unlike in fnmatch."""
    return re.fullmatch(fnmatch.translate(re.sub(r"\[", "[[]", pattern)), value) is not None


def _equal(pattern: str, value: str) -> bool:
    return pattern == value


def _same_truth(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringLike": _matches,
    "ArnLike": _matches,
    "ArnEquals": _matches,
    "Bool": _same_truth,
}
_CONTEXT_KEYS = {"aws:securetransport", "aws:requestedregion", "s3:prefix", "aws:principalarn"}


def document(policy: Any) -> dict[str, Any]:
    """A policy document from an object or its JSON text. LabError when it is neither."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError as error:
            raise LabError(f"a policy document is not JSON ({error}): {policy[:80]!r}") from error
    if not isinstance(policy, Mapping):
        raise LabError(f"a policy document must be an object, found {policy!r}")
    return dict(policy)


def problems(policy: Mapping[str, Any]) -> list[str]:
    """Everything in a document that AWS would refuse or that the lab cannot evaluate."""
    found: list[str] = []
    for at, statement in enumerate(_statements(policy)):
        where = f"statement {statement.get('Sid') or at}"
        unknown = sorted(set(statement) - _STATEMENT_KEYS)
        if unknown:
            found.append(f"{where} has {unknown[0]}, which an identity policy cannot have")
        if statement.get("Effect") not in ("Allow", "Deny"):
            found.append(f"{where} has Effect {statement.get('Effect')!r}; it must be Allow or Deny")
        for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
            if (one in statement) == (other in statement):
                found.append(f"{where} must have exactly one of {one} and {other}")
        for operator, keys in dict(statement.get("Condition") or {}).items():
            if operator not in _OPERATORS:
                found.append(
                    f"{where} has condition operator {operator}, which the lab does not evaluate: try it on AWS"
                )
            for key in keys:
                if key.lower() not in _CONTEXT_KEYS:
                    found.append(f"{where} has condition key {key}, which the lab does not evaluate: try it on AWS")
    return found


def allowed(
    policies: Sequence[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether the policies together allow `action` (service:Operation) on `resource` (ARN)."""
    values = {key.lower(): value for key, value in (context or {}).items()}
    allow = False
    for policy in policies:
        for statement in _statements(policy):
            if not _applies(statement, action, resource, values):
                continue
            if statement["Effect"] == "Deny":
                return False
            allow = True
    return allow


def trusts(policy: Mapping[str, Any], federated: str, action: str, context: Mapping[str, str]) -> bool:
    """Whether a role's trust policy gives it to whom an identity provider (ARN) vouches for; `context`: what the token
    says, by condition key. What is not evaluated here is never a yes: such an Allow gives nothing, such a Deny denies.
    """
    values = {key.lower(): value for key, value in context.items()}
    allow = False
    for statement in _statements(policy):
        if statement.get("Effect") == "Allow":
            allow = allow or _gives(statement, federated, action, values)
        elif _may_deny(statement, federated, action, values):
            return False
    return allow


def _gives(statement: Mapping[str, Any], federated: str, action: str, context: Mapping[str, str]) -> bool:
    conditions = dict(statement.get("Condition") or {})
    return (
        federated in _principals(statement, "Federated")
        and action in _listed(statement.get("Action") or [])
        and set(conditions) <= set(_OPERATORS)
        and _conditions_hold(conditions, context)
    )


def _may_deny(statement: Mapping[str, Any], federated: str, action: str, context: Mapping[str, str]) -> bool:
    """Whether it denies, or would for all that the lab can tell."""
    named = _principals(statement, "Federated")
    if "NotPrincipal" not in statement and not {"*", federated} & {*named, *_principals(statement, "AWS")}:
        return False
    which = "NotAction" if "NotAction" in statement else "Action"
    among = any(_matches(one.lower(), action.lower()) for one in _listed(statement.get(which) or []))
    if among is (which == "NotAction"):
        return False
    conditions = dict(statement.get("Condition") or {})
    keys = {key.lower() for of in conditions.values() for key in of}
    return not (set(conditions) <= set(_OPERATORS) and keys <= set(context)) or _conditions_hold(conditions, context)


def _principals(statement: Mapping[str, Any], kind: str) -> list[str]:
    principal = statement.get("Principal")
    return _listed(principal.get(kind) or []) if isinstance(principal, Mapping) else _listed(principal or [])


def _statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    statements = policy.get("Statement") or []
    return [statements] if isinstance(statements, Mapping) else list(statements)


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    def some(patterns: Any, value: str) -> bool:
        return any(_matches(pattern, value) for pattern in _listed(patterns))

    if "Action" in statement:
        covered = some([one.lower() for one in _listed(statement["Action"])], action.lower())
    else:
        covered = not some([one.lower() for one in _listed(statement["NotAction"])], action.lower())
    if not covered:
        return False
    if "Resource" in statement:
        covered = some(statement["Resource"], resource)
    else:
        covered = not some(statement["NotResource"], resource)
    return covered and _conditions_hold(dict(statement.get("Condition") or {}), context)


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    for operator, keys in conditions.items():
        test = _OPERATORS[operator]
        for key, patterns in keys.items():
            value = context.get(key.lower())
            if value is None or not any(test(pattern, value) for pattern in _listed(patterns)):
                return False
    return True


def _listed(value: Any) -> list[str]:
    return [str(value)] if isinstance(value, (str, bool)) else [str(one) for one in value]
