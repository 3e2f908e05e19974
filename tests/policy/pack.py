"""The pack as Pulumi's engine would ask it, without an engine: resources as plain values, and what each policy says."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import unknown_checking_proxy

from policy.found import policies

POLICIES = {one.name: one for one in policies()}


@dataclass(frozen=True)
class Given:
    """A resource as a test writes it."""

    type: str
    name: str
    props: Mapping[str, Any] = field(default_factory=dict)
    protect: bool = False
    provider: Mapping[str, Any] = field(default_factory=dict)
    """Settings of its provider."""
    fed: Collection[str] = ()
    """Properties that come of another resource."""

    def seen(self) -> PolicyResource:
        options = PolicyResourceOptions(self.protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
        props = unknown_checking_proxy(dict(self.props))
        urn = f"urn:pulumi:test::twinsite::{self.type}::{self.name}"
        package = self.type.partition(":")[0]
        settings = unknown_checking_proxy(dict(self.provider))
        provider = PolicyProviderResource(f"pulumi:providers:{package}", settings, f"{urn}-provider", package)
        another = PolicyResource("any:index:Other", {}, f"{urn}-other", "other", options, provider, None, [], {})
        fed = {name: [another] for name in self.fed}
        return PolicyResource(self.type, props, urn, self.name, options, provider, None, [], fed)


def said(resources: Iterable[Given], config: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, list[str]]:
    """Policy → its violations; of the whole pack, and those that found nothing are left out. `config` by policy."""
    seen = [one.seen() for one in resources]
    found: dict[str, list[str]] = {name: [] for name in POLICIES}
    for name, policy in POLICIES.items():

        def report(message: str, urn: str | None = None, name: str = name) -> None:
            found[name].append(message)

        settings = (config or {}).get(name)
        if isinstance(policy, StackValidationPolicy):
            policy.validate(StackValidationArgs(seen, settings), report)
        else:
            assert isinstance(policy, ResourceValidationPolicy)
            for one in seen:
                args = ResourceValidationArgs(
                    one.resource_type, one.props, one.urn, one.name, one.opts, one.provider, settings
                )
                policy.validate(args, report)
    return {name: messages for name, messages in found.items() if messages}
