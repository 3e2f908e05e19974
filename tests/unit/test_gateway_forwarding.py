"""What drops forwarded packets on a gateway is named with its rule; what lets them through, or may, is no problem.

tests/cases/forwarding holds what nft 1.0.6 printed after ufw 0.36 was enabled, and after rules like Docker 28's were
put with iptables-nft 1.8.9 (chains of forwarding only); `-ok` is each after the command that the sentence gives.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.gateway import forwarding

CASES = Path(__file__).parents[1] / "cases" / "forwarding"
LOCAL, REMOTE = "192.168.64.0/24", "10.20.0.0/16"
OUT = forwarding.Packet(LOCAL, REMOTE, "lan0", "wan0", "new")
BACK = forwarding.Packet(REMOTE, LOCAL, "wan0", "lan0", "established")


def of(case: str) -> list[str]:
    iptables = CASES / f"{case.removesuffix('-ok')}.iptables"
    text = iptables.read_text() if iptables.exists() else ""
    return forwarding.problems((CASES / f"{case}.json").read_text(), text, [OUT, BACK])


def test_ufw_drops_what_the_replica_asks_and_lets_answers_through() -> None:
    (problem,) = of("ufw")
    assert "from 192.168.64.0/24 to 10.20.0.0/16" in problem
    assert "table ip filter: chain FORWARD has policy drop" in problem
    assert "`ufw route allow from 192.168.64.0/24 to 10.20.0.0/16`" in problem


def test_docker_drops_both_ways() -> None:
    asks, answers = of("docker")
    assert "`iptables -I DOCKER-USER -s 192.168.64.0/24 -d 10.20.0.0/16 -j ACCEPT`" in asks
    assert "`iptables -I DOCKER-USER -s 10.20.0.0/16 -d 192.168.64.0/24 -j ACCEPT`" in answers


@pytest.mark.parametrize("case", ["ufw-ok", "docker-ok"])
def test_the_command_of_the_sentence_is_enough(case: str) -> None:
    assert of(case) == []


def ruleset(*rules: Any, policy: str = "accept", family: str = "inet", hook: str = "forward") -> str:
    base = {"family": family, "table": "t", "name": "c", "type": "filter", "hook": hook, "policy": policy}
    entries: list[Any] = [{"chain": base}, {"chain": {"family": family, "table": "t", "name": "other"}}]
    for rule in rules:
        chain, expressions = rule if isinstance(rule, tuple) else ("c", rule)
        entries.append({"rule": {"family": family, "table": "t", "chain": chain, "expr": expressions}})
    return json.dumps({"nftables": entries})


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


SADDR, DADDR = ({"payload": {"protocol": "ip", "field": field}} for field in ("saddr", "daddr"))
IIF, STATE = {"meta": {"key": "iifname"}}, {"ct": {"key": "state"}}
ACCEPT, DROP, REJECT = {"accept": None}, {"drop": None}, {"reject": {"type": "icmpx"}}
ANSWERS = [match(STATE, {"set": ["established", "related"]}, "in"), ACCEPT]
PART = [match(SADDR, "192.168.64.20"), ACCEPT]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ruleset(), ""),
        (ruleset(policy="drop"), "chain c has policy drop"),
        (ruleset(policy="drop", hook="input"), ""),
        (ruleset(policy="drop", family="ip6"), ""),
        (ruleset([match(IIF, "lan0"), ACCEPT], policy="drop"), ""),
        (ruleset([match(IIF, "lan*"), ACCEPT], policy="drop"), ""),
        (ruleset([match(IIF, "docker0"), ACCEPT], policy="drop"), "chain c has policy drop"),
        (ruleset([match(IIF, "docker0", "!="), DROP]), "rule 1 of chain c"),
        (ruleset(ANSWERS, policy="drop"), "chain c has policy drop"),
        (ruleset(ANSWERS, [REJECT]), "rule 2 of chain c"),
        (ruleset([match(SADDR, {"prefix": {"addr": "192.168.0.0", "len": 16}}), ACCEPT], policy="drop"), ""),
        (ruleset([match(DADDR, {"prefix": {"addr": "10.0.0.0", "len": 8}}), DROP]), "rule 1 of chain c"),
        # One host of the range may be all that is to pass; a set by name, a mark, a queue are not to be judged.
        (ruleset(PART, policy="drop"), ""),
        (ruleset([match(SADDR, "192.168.64.20"), DROP]), ""),
        (ruleset([match(SADDR, "@allowed"), ACCEPT], policy="drop"), ""),
        (ruleset([match({"meta": {"key": "mark"}}, 1), ACCEPT], policy="drop"), ""),
        (ruleset([{"queue": None}], policy="drop"), ""),
        (ruleset([{"xt": {"type": "match", "name": "conntrack"}}, ACCEPT], policy="drop"), ""),
        (ruleset([{"jump": {"target": "other"}}], ("other", [DROP])), "rule 1 of chain other"),
        (ruleset([{"jump": {"target": "other"}}], ("other", [{"return": None}]), policy="drop"), "chain c has policy"),
        (ruleset([{"jump": {"target": "other"}}], [DROP], ("other", [match(IIF, "lan0"), ACCEPT])), ""),
        (ruleset([{"goto": {"target": "other"}}], [ACCEPT], policy="drop"), "chain c has policy drop"),
        (ruleset([{"jump": {"target": "c"}}], policy="drop"), ""),
    ],
)
def test_only_what_certainly_drops_is_named(text: str, named: str) -> None:
    found = forwarding.problems(text, "", [OUT])
    assert [named in problem for problem in found] == ([True] if named else [])


def test_every_table_has_its_say_but_ours() -> None:
    ours = ruleset(policy="drop").replace('"t"', '"twinsite_gateway"')
    assert forwarding.problems(ours, "", [OUT]) == []
    both = {
        "nftables": json.loads(ruleset())["nftables"]
        + json.loads(ruleset(policy="drop").replace('"t"', '"u"'))["nftables"]
    }
    (problem,) = forwarding.problems(json.dumps(both), "", [OUT])
    assert "`nft insert rule inet u c ip saddr 192.168.64.0/24 ip daddr 10.20.0.0/16 accept`" in problem
