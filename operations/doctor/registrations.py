"""Azure's resource providers: a subscription that never used one refuses its first resource."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..unanswered import CouldNotAsk
from .answers import Finding, needs_setting, not_ok, ok
from .resource_manager import Azure, items

PROVIDERS = "2021-04-01"
_ALWAYS = {"Microsoft.Authorization", "Microsoft.Resources"}
"""Registered in every subscription [Microsoft Learn, resource providers and types]."""


def namespaces(role: pathlib.Path) -> list[str]:
    """What the list of rights needs registered."""
    actions = json.loads(role.read_text(encoding="utf-8"))["Actions"]
    return sorted({str(action).partition("/")[0] for action in actions} - _ALWAYS)


def ask(azure: Azure, subscription: str, wanted: Sequence[str]) -> Finding:
    """One list has all of them."""
    needs_setting(subscription, "azure-native:subscriptionId")
    return registered(items(azure, f"/subscriptions/{subscription}/providers", PROVIDERS), wanted)


def registered(found: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> Finding:
    """Pure."""
    if not found:
        raise CouldNotAsk("the list of resource providers is empty")
    states = {str(one.get("namespace")).lower(): str(one.get("registrationState")) for one in found}
    lacking = [one for one in wanted if states.get(one.lower()) != "Registered"]
    if not lacking:
        return ok(f"{', '.join(one.removeprefix('Microsoft.') for one in wanted)}")
    return not_ok(
        f"not registered: {', '.join(lacking)}",
        "; ".join(f"`az provider register --namespace {one} --wait`" for one in lacking),
    )
