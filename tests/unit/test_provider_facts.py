"""Every stand-in against what the providers' own sources say (lab/providers/facts), by what it does: each property is
changed, left out, given beside another, and the stand-in's answer compared with the fact."""

import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.providers import PACKAGES, tokens
from lab.providers.framework import facts
from lab.providers.framework.facts import Names
from lab.providers.framework.provider import Provider
from lab.providers.framework.schema import Schemas, sdk_version
from lab.providers.framework.types import Refusal, ResourceType
from lab.providers.framework.values import UNKNOWN, holds_secret, reveal

WITH_FACTS = ("aws", "azure_native", "cloudflare", "gcp")
WITHOUT_FACTS = {"command": 3, "kubernetes": 9, "random": 7, "tls": 4}
"""Packages whose types have no facts, with how many types each has."""

REASONS = {"unread": 19, "overlay": 5, "corrected": 4}
"""Why a stand-in may differ from the facts, and how many properties do. These numbers may only fall.

unread: the SDK has a property that the text which was read does not have; overlay: Pulumi's provider differs from the
Terraform provider that it bridges; corrected: read better elsewhere, with the source."""

LEFT_BY_PULUMI = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"alarm_name"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic_arn"},
}
"""Arguments that Pulumi calls otherwise; differences.json has them under Pulumi's names."""

BY_VALUE = {
    "aws:ec2/instance:Instance": {"userData", "userDataBase64"},
    "aws:ec2/networkInterface:NetworkInterface": {"privateIps", "privateIpLists"},
    "aws:ec2/vpc:Vpc": {"instanceTenancy"},
}
"""Whether these replace depends on their values (the provider's CustomizeDiff), not on the schema alone."""

FACTS = {
    "aws": {
        "force_new": 261,
        "default": 114,
        "conflicts_with": 108,
        "one_of": 34,
        "required_with": 28,
        "required": 235,
        "computed": 636,
    },
    "cloudflare": {"force_new": 4, "default": 37, "required": 12, "computed": 34},
    "azure_native": {"force_new": 114, "default": 45, "conflicts_with": 8, "required": 197},
    "gcp": {"force_new": 272, "default": 96, "conflicts_with": 25, "one_of": 13, "required": 171, "computed": 328},
}
"""How many facts of a kind there are: none is lost unnoticed."""


@functools.cache
def provider(package: str) -> Provider:
    schemas = Schemas(package, sdk_version(package))
    schemas.require(tokens(package))
    return Provider(package, schemas, connect=lambda: None)


def package_of(token: str) -> str:
    return token.partition(":")[0].replace("-", "_")


TOKENS = [token for package in WITH_FACTS for token in tokens(package)]


def said(token: str) -> dict[str, dict[str, Any]]:
    """The facts by Pulumi's names, read here anew; with the differences, which the tests below bound."""
    names = Names(provider(package_of(token)).schemas, token)
    found = {}
    for path, fact in (facts.read(token) or {}).items():
        name = names.of(path)
        if name is not None and name.partition(".")[0] in names.given:
            groups = {kind: names.all_of(fact[kind]) for kind in facts.GROUPS if kind in fact}
            found[name] = {**fact, **groups}
    for name, difference in facts.differences(token).items():
        found[name] = {**found.get(name, {}), **difference}
    return found


# What a value of a kind looks like


def sample(kind: Any, variant: int) -> Any:
    if isinstance(kind, dict):
        if "list" in kind:
            return [sample(kind["list"], variant)]
        return {"key": sample(kind["map"], variant)} if "map" in kind else {}
    return {"boolean": bool(variant), "integer": variant + 1, "number": variant + 1}.get(kind, f"value-{variant}")


def within(names: Names, path: str, value: Any) -> dict[str, Any]:
    """{"a": {"b": [{"c": value}]}} for a.b.c, as the kinds of a and b want it."""
    parts = path.split(".")
    for at in range(len(parts) - 1, 0, -1):
        value = {parts[at]: value}
        if isinstance(names.kind(".".join(parts[:at])), dict) and "list" in names.kind(".".join(parts[:at])):
            value = [value]
    return {parts[0]: value}


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        both = isinstance(found.get(key), dict) and isinstance(value, dict)
        found[key] = merged(found[key], value) if both else value
    return found


def in_lists(names: Names, path: str) -> bool:
    parts = path.split(".")
    return any("list" in (names.kind(".".join(parts[:at])) or {}) for at in range(1, len(parts)))


def diff(token: str, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any]) -> dict[str, bool]:
    """The changes by rule, with whether they replace."""
    found = provider(package_of(token)).diff(f"urn:pulumi:s::p::{token}::x", "id", old, new, state)
    return {change.rule: replaces for change, replaces in found.changed.items()}


def problems(token: str, given: dict[str, Any]) -> list[str]:
    _, found = provider(package_of(token)).check(f"urn:pulumi:s::p::{token}::x", {}, given, b"seed")
    return [f"{one.path}: {one.reason}" for one in found]


# The comparison: each gives sentences that say what differs


def wrong_replacements(token: str) -> Iterator[str]:
    names = Names(provider(package_of(token)).schemas, token)
    told = said(token)
    native = token.startswith("azure-native:")
    for path, fact in told.items():
        kind = names.kind(path)
        if path in BY_VALUE.get(token, ()) or kind in (None, "asset"):
            continue
        wanted = bool(fact.get("force_new"))
        if isinstance(kind, dict) and "object" in json.dumps(kind):
            if not isinstance(kind, dict) or "list" not in kind:
                continue  # a block of its own: its parts are looked at one by one
            before: Any = [{}]
            after: Any = [{}, {}]
            wanted |= not native and any(part.startswith(f"{path}.") and told[part].get("force_new") for part in told)
        else:
            before, after = sample(kind, 0), sample(kind, 1)
        old, new = within(names, path, before), within(names, path, after)
        if any(names.kind(up) and fact_of(told, up).get("type") == "set" for up in parents(path)):
            wanted |= any(fact_of(told, up).get("force_new") for up in parents(path))
            wanted |= any(
                told[part].get("force_new")
                for up in parents(path)
                if fact_of(told, up).get("type") == "set"
                for part in told
                if part.startswith(f"{up}.")
            )
        elif native:
            wanted |= any(fact_of(told, up).get("force_new") for up in parents(path))
        found = diff(token, old, new, old)
        if not found:
            yield f"{path}: a change is not seen"
        elif any(found.values()) != wanted:
            yield f"{path}: the facts say {'replace' if wanted else 'in place'}"


def parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:at]) for at in range(1, len(parts))]


def fact_of(told: Mapping[str, Mapping[str, Any]], path: str) -> Mapping[str, Any]:
    return told.get(path, {})


def wrong_defaults(token: str) -> Iterator[str]:
    """A default is in the outputs, a preview knows it, and a cloud that says otherwise is a difference."""
    names = Names(provider(package_of(token)).schemas, token)
    native = token.startswith("azure-native:")
    for path, fact in said(token).items():
        default = fact.get("default")
        if default is None or names.kind(path) is None:
            continue
        block = {} if "." not in path else within(names, path, None)
        _, outputs = provider(package_of(token)).create(f"urn:pulumi:s::p::{token}::x", block, True, 0.0)
        shown: Any = outputs
        for part in path.split("."):
            shown = reveal(shown[0] if isinstance(shown, list) else shown)
            shown = shown.get(part) if isinstance(shown, dict) else None
        unknown = path.partition(".")[0] in provider(package_of(token)).type(token).completed
        if shown != default and not unknown:
            yield f"{path}: the default is {default!r}, a preview shows {shown!r}"
        if in_lists(names, path):
            continue
        other = next(one for one in (sample(names.kind(path), 0), sample(names.kind(path), 1)) if one != default)
        wanted = not native and not fact.get("computed")
        if (path in diff(token, block, block, within(names, path, other))) != wanted:
            yield f"{path}: left out and otherwise at the cloud is {'a' if wanted else 'no'} difference"


def wrong_keeps(token: str) -> Iterator[str]:
    """What is optional and computed stays as it is when the program no longer says it."""
    names = Names(provider(package_of(token)).schemas, token)
    for path, fact in said(token).items():
        if "." in path or names.kind(path) in (None, "asset") or fact.get("required"):
            continue
        value = next(
            one for one in (sample(names.kind(path), 1), sample(names.kind(path), 0)) if one != fact.get("default")
        )
        old = {path: value or {"unlike": "nothing"}}
        kept = not diff(token, old, {}, old)
        wanted = bool(fact.get("optional") and fact.get("computed"))
        if kept != wanted:
            yield f"{path}: taken out of the program it {'stays' if wanted else 'changes'}"


def wrong_secrets(token: str) -> Iterator[str]:
    """What is sensitive is secret in the outputs, although the program gave it in clear; azure-native leaves that to
    the program."""
    names = Names(provider(package_of(token)).schemas, token)
    told = said(token)
    for path in told:
        if "." in path or names.kind(path) in (None, "asset"):
            continue
        given = {path: sample(names.kind(path), 1)}
        _, outputs = provider(package_of(token)).create(f"urn:pulumi:s::p::{token}::x", given, True, 0.0)
        sensitive = any(told[one].get("sensitive") for one in told if f"{one}.".startswith(f"{path}."))
        wanted = sensitive and not token.startswith("azure-native:")
        if holds_secret(outputs[path]) != wanted:
            yield f"{path}: is {'a' if wanted else 'no'} secret"


def wrong_refusals(token: str) -> Iterator[str]:
    names = Names(provider(package_of(token)).schemas, token)
    told, kind = said(token), provider(package_of(token)).type(token)
    found_by_itself = kind.derived | ({kind.autoname.property} if kind.autoname else set())
    for path, fact in told.items():
        if in_lists(names, path) or names.kind(path) is None:
            continue
        block = {} if "." not in path else within(names, path, None)
        demanded = fact.get("required") and "default" not in fact and path not in found_by_itself
        if demanded and not any(one.startswith(f"{path}: Missing required") for one in problems(token, block)):
            yield f"{path}: is required"
        for group in facts.GROUPS:
            others = [one for one in fact.get(group, ()) if one and one != path and not in_lists(names, one)]
            if others:
                yield from _wrong_group(token, names, group, path, others, block)


def _wrong_group(
    token: str, names: Names, group: str, path: str, others: list[str], block: dict[str, Any]
) -> Iterator[str]:
    def given(one: str) -> dict[str, Any]:
        value = sample(names.kind(one), 1)
        if value == {}:  # a block: one of its own parts
            part = next((each for each in said(token) if each.rpartition(".")[0] == one), f"{one}.id")
            return within(names, part, sample(names.kind(part), 1))
        return within(names, one, value)

    alone = [one for one in problems(token, merged(block, given(path))) if path in one]
    if group == "required_with":
        if not any("all of" in one for one in alone):
            yield f"{path}: goes with {', '.join(others)} only"
        return
    if group in ("one_of", "at_least_one_of"):
        if not any("must be specified" in one for one in problems(token, block)):
            yield f"{path}: one of it and {', '.join(others)} is required"
        if any(f'"{path}": one of' in one for one in alone):
            yield f"{path}: is refused alone"
    for other in others if group != "at_least_one_of" else ():
        both = problems(token, merged(given(path), given(other)))
        words = ("conflicts with",) if group == "conflicts_with" else ("only one of",)
        if not any(word in one and path in one and other in one for one in both for word in words):
            yield f"{path}: does not go together with {other}"


COMPARISONS = (wrong_replacements, wrong_defaults, wrong_keeps, wrong_secrets, wrong_refusals)


@pytest.mark.parametrize("token", TOKENS)
def test_a_stand_in_does_what_the_facts_say(token: str) -> None:
    assert [one for compare in COMPARISONS for one in compare(token)] == []


# What the comparison rests on


def test_types_without_facts_are_those_of_four_packages() -> None:
    assert {package: len(tokens(package)) for package in PACKAGES if package not in WITH_FACTS} == WITHOUT_FACTS
    assert [token for token in TOKENS if facts.read(token) is None] == []
    known = {token for package in WITH_FACTS for token in facts.of_package(package)}
    assert known == set(TOKENS), "facts are those of types that have a stand-in"


def test_a_type_without_facts_has_the_rules_that_its_class_states() -> None:
    stated = 0
    for token in [token for package in WITHOUT_FACTS for token in tokens(package)]:
        kind = provider(package_of(token)).type(token)
        assert (kind.rules.defaults, kind.rules.secrets) == (kind.defaults, kind.secret_outputs), token
        stated += bool(kind.defaults) + bool(kind.secret_outputs)
    assert stated == 17


def test_no_stand_in_with_facts_states_rules_of_its_own() -> None:
    for token in TOKENS:
        kind = type(provider(package_of(token)).type(token))
        for name in ("replaces", "updates", "keeps", "defaults", "secret_outputs"):
            assert getattr(kind, name) == getattr(ResourceType, name), f"{token}: {name} belongs into the facts"


def test_every_argument_of_the_facts_is_one_of_the_sdk_and_the_reverse() -> None:
    for token in TOKENS:
        names, told = Names(provider(package_of(token)).schemas, token), facts.read(token) or {}
        whole = token.startswith(("aws:", "gcp:"))
        marked = ("required", "optional") if whole else ("force_new", "conflicts_with")
        lost = {path for path, fact in told.items() if names.of(path) is None and any(map(fact.get, marked))}
        assert lost == LEFT_BY_PULUMI.get(token, set()), token
        if whole:
            assert names.given <= set(said(token)), f"{token}: arguments that nobody has read of"


def test_a_difference_has_a_reason_and_a_source_and_their_number_only_falls() -> None:
    found = dict.fromkeys(REASONS, 0)
    for token, those in facts.all_differences().items():
        names = Names(provider(package_of(token)).schemas, token)
        plain = {names.of(path): fact for path, fact in (facts.read(token) or {}).items()}
        for name, difference in those.items():
            assert difference["source"], f"{token}: {name} names no source"
            found[difference["reason"]] += 1
            assert names.kind(name) is not None, f"{token} has no {name}"
            states = {key: value for key, value in difference.items() if key not in ("reason", "source")}
            assert states, f"{token}: {name} differs in nothing"
            assert any(plain.get(name, {}).get(key, key == "none") != value for key, value in states.items())
    assert found == REASONS


def test_no_fact_was_lost() -> None:
    for package, wanted in FACTS.items():
        every = [fact for told in facts.of_package(package).values() for fact in told["properties"].values()]
        counted = {
            mark: sum(bool(fact.get(mark)) or (mark == "default" and mark in fact) for fact in every) for mark in wanted
        }
        assert counted == wanted, package


def test_whether_a_change_replaces_by_its_value_is_known_of_these_types_only() -> None:
    own = {token for token in TOKENS if type(provider(package_of(token)).type(token)).forces is not ResourceType.forces}
    # these two ask the value in one direction only, and the sample values are of the other
    assert own == {*BY_VALUE, "aws:ssm/parameter:Parameter"} | {
        f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule" for way in ("Ingress", "Egress")
    }


# That the comparison sees what it is for


@pytest.mark.parametrize("token", TOKENS)
def test_a_rule_taken_out_of_a_stand_in_is_seen(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = provider(package_of(token)).type(token)
    rules, names = kind.rules, Names(provider(package_of(token)).schemas, token)
    assert rules.replaces or token.startswith(("aws:cloudfront/", "aws:ec2/internetGateway"))
    simple = [one for one in sorted(rules.replaces) if "." not in one and one not in BY_VALUE.get(token, ())]
    for name in [
        one for one in simple if not {"object", "asset"} & set(re.findall(r"\w+", json.dumps(names.kind(one))))
    ]:
        without = dataclasses.replace(rules, replaces=rules.replaces - {name}, updates=rules.updates | {name})
        monkeypatch.setattr(kind, "rules", without)
        assert f"{name}: the facts say replace" in list(wrong_replacements(token))
    for name in rules.defaults:
        left = {one: value for one, value in rules.defaults.items() if one != name}
        monkeypatch.setattr(kind, "rules", dataclasses.replace(rules, defaults=left))
        if name.partition(".")[0] not in kind.completed:
            assert any(one.startswith(f"{name}: the default is") for one in wrong_defaults(token))
    for name in [one for one in rules.keeps if "." not in one and one not in kind.sets][:3]:
        monkeypatch.setattr(kind, "rules", dataclasses.replace(rules, keeps=rules.keeps - {name}))
        assert f"{name}: taken out of the program it stays" in list(wrong_keeps(token))
    if rules.secrets:
        monkeypatch.setattr(kind, "rules", dataclasses.replace(rules, secrets=frozenset()))
        assert {f"{name}: is a secret" for name in rules.secrets} == set(wrong_secrets(token))
    monkeypatch.setattr(kind, "rules", rules)


@pytest.mark.parametrize("token", ["aws:ec2/instance:Instance", "aws:route53/record:Record", "aws:ec2/vpc:Vpc"])
def test_a_conflict_taken_out_of_a_stand_in_is_seen(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = provider("aws")._facts
    list(wrong_refusals(token))  # reads them
    whole = held[token]
    assert whole is not None
    seen = 0
    for name, fact in whole.inputs.items():
        if "conflicts_with" in fact and "." not in name:
            less = {key: value for key, value in fact.items() if key != "conflicts_with"}
            others = {key: {**one, "conflicts_with": [each for each in one.get("conflicts_with", ()) if each != name]}
                      for key, one in whole.inputs.items()}  # fmt: skip
            monkeypatch.setitem(held, token, dataclasses.replace(whole, inputs={**others, name: less}))
            seen += any(one.startswith(f"{name}: does not go together with") for one in wrong_refusals(token))
    assert seen == len([name for name in whole.having("conflicts_with") if "." not in name])


# What no schema says


@pytest.mark.parametrize(
    ("token", "old", "new", "replaces"),
    [
        ("aws:ec2/vpc:Vpc", {"instanceTenancy": "default"}, {"instanceTenancy": "dedicated"}, True),
        ("aws:ec2/vpc:Vpc", {"instanceTenancy": "dedicated"}, {"instanceTenancy": "default"}, False),
        ("aws:ec2/instance:Instance", {"userData": "a"}, {"userData": "b"}, False),
        ("aws:ec2/instance:Instance", {"userData": "a"}, {"userData": "b", "userDataReplaceOnChange": True}, True),
        ("aws:ec2/networkInterface:NetworkInterface", {"privateIps": ["a"]}, {"privateIps": ["a", "b"]}, False),
        ("aws:ec2/networkInterface:NetworkInterface", {"privateIps": ["a"]}, {"privateIps": ["b"]}, True),
        ("aws:ssm/parameter:Parameter", {"tier": "Advanced"}, {"tier": "Standard"}, True),
        ("aws:ssm/parameter:Parameter", {"tier": "Standard"}, {"tier": "Advanced"}, False),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"cidrIpv4": "10.0.0.0/8"},
            {"referencedSecurityGroupId": "sg-1"},
            True,
        ),
    ],
)
def test_what_replaces_by_its_value(token: str, old: dict[str, Any], new: dict[str, Any], replaces: bool) -> None:
    assert any(diff(token, old, new, old).values()) == replaces


def test_what_a_preview_does_not_know_is_enough_and_never_too_much() -> None:
    token, given = (
        "aws:route53/record:Record",
        {"zoneId": "Z", "name": "n", "type": "A", "records": ["192.0.2.1"], "ttl": 60},
    )
    assert problems(token, given) == []
    assert problems(token, {**given, "aliases": UNKNOWN}) == []
    assert problems(token, {**given, "records": UNKNOWN}) == []
    alias = [{"name": "n", "zoneId": "Z", "evaluateTargetHealth": True}]
    assert any("only one of `aliases,records`" in one for one in problems(token, {**given, "aliases": alias}))


def test_another_location_is_sent_to_azure_which_refuses_it() -> None:
    token = "azure-native:network:NatGateway"
    urn, there = (
        f"urn:pulumi:s::p::{token}::x",
        {"resourceGroupName": "g", "natGatewayName": "n", "location": "westeurope"},
    )
    azure = provider("azure_native")
    elsewhere, same = {**there, "location": "northeurope"}, {**there, "location": "West Europe"}
    assert diff(token, there, elsewhere, there) == {"location": False}
    with pytest.raises(Refusal, match=r"InvalidResourceLocation.*already exists in location 'westeurope'"):
        azure.update(urn, "/subscriptions/s/natGateways/n", there, there, elsewhere, False, 0.0)
    assert azure.update(urn, "id", there, there, same, False, 0.0)["location"] == "westeurope"
