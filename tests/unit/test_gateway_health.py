"""What a gateway says of itself: desired beside live, word by word, from what strongSwan 6.0 and nft 1.1 printed."""

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest import health
from twinsite.guest.errors import Failed, Refused
from twinsite.guest.gateway import charon, converge, forwarding, host, loaded, render
from twinsite.guest.gateway import health as gateway
from twinsite.guest.gateway.settings import parse

from .test_gateway_files import files
from .test_gateway_settings import AWS, KEYS, ONPREM

SHOWN = (
    "list-conn event {onprem-aws {local_addrs=[192.168.64.10] remote_addrs=[203.0.113.7] local_port=500 "
    "remote_port=500 version=IKEv2 reauth_time=0 rekey_time=14400 unique=UNIQUE_REPLACE proposals {0 {encr="
    "[AES_GCM_16_256] prf=[PRF_HMAC_SHA2_384] ke=[ECP_384]}} dpd_delay=3 local-1 "
    "{id=onprem.onprem-aws class=pre-shared key groups=[] "
    "cert_policy=[] certs=[] cacerts=[]} remote-1 {id=aws.onprem-aws class=pre-shared key groups=[]} children "
    "{onprem-aws {mode=TUNNEL rekey_time=3600 rekey_bytes=0 rekey_packets=0 dpd_action=start close_action=start "
    "esp_proposals {0 {encr=[AES_GCM_16_256] ke=[ECP_384] sn=[NO_EXT_SEQ]}} ah_proposals {} "
    "local-ts=[192.168.64.0/24] remote-ts=[10.20.0.0/16]}}}}"
)
INITIATOR, RESPONDER = parse({**ONPREM, "remote_address": "203.0.113.7"}), parse(AWS)


def live() -> dict[str, Any]:
    ((_, message),) = charon.parse_raw(SHOWN)
    return dict(copy.deepcopy(message["onprem-aws"]))


def differences(shown: dict[str, Any] | None) -> list[str]:
    text = files(INITIATOR)[render.connection_file("onprem-aws")][0]
    return list(loaded.connection_differences(loaded.parse(text)["connections"]["onprem-aws"], shown))


def test_a_look_that_fails_in_whatever_way_is_a_finding_and_the_others_still_look() -> None:
    def lost() -> Iterator[health.Problem]:
        yield health.Problem("first", "was found", "mend it")
        raise KeyError("mysql")

    found = list(health.looked("files", lost, "look there"))
    assert [(one.what, one.fix) for one in found] == [("first", "mend it"), ("files", "look there")]
    assert found[1].problem == "its files could not be looked at ('mysql')"


@pytest.mark.parametrize("lost", ["_held", "wanted"])
def test_a_host_whose_files_cannot_be_made_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    def no_way_out(*_: object) -> Any:
        raise Refused(["this host has no default route"])

    monkeypatch.setattr(gateway, lost, no_way_out)
    monkeypatch.setattr(gateway.health, "agent", lambda: [])
    monkeypatch.setattr(gateway.documents, "read", lambda path: None)
    monkeypatch.setattr(gateway.settings, "parse_keys", lambda document, config: KEYS)
    monkeypatch.setattr(gateway.charon, "last_words", lambda: [])
    seen = {
        "_told": "told", "routes": "routes", "_ways": "ways", "_firewall": "firewall", "_path": "path",
    }  # fmt: skip
    for look, what in seen.items():
        monkeypatch.setattr(gateway, look, lambda config, what=what: [health.Problem(what, "is wrong", "mend it")])
    monkeypatch.setattr(gateway.health, "units", lambda units: [health.Problem("units", "is wrong", "mend it")])
    monkeypatch.setattr(gateway.health, "disk", lambda paths: [])
    monkeypatch.setattr(gateway, "_tracking", lambda: [health.Problem("tracking", "is wrong", "mend it")])
    problems = gateway.report(INITIATOR, "keys.json")["problems"]
    assert problems[0]["problem"] == "its files could not be looked at (this host has no default route)"
    assert [one["what"] for one in problems[1:]] == [
        "told", "units", "routes", "ways", "firewall", "path", "tracking",
    ]  # fmt: skip


def test_the_connection_that_charon_shows_is_the_file_that_it_loaded() -> None:
    assert differences(live()) == []


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("dpd_delay",), "30", "dpd_delay is 30 instead of 3s"),
        (("remote_addrs",), ["198.51.100.9"], "remote_addrs is 198.51.100.9 instead of 203.0.113.7"),
        (("remote-1", "id"), "else.example", "remote id is else.example instead of aws.onprem-aws"),
        (("remote-1", "class"), "public key", "remote auth is public key instead of a pre-shared key"),
        (("children", "onprem-aws", "remote-ts"), ["10.20.2.0/24"], "child remote_ts is 10.20.2.0/24 instead of"),
        (("children", "onprem-aws", "close_action"), "none", "child close_action is none instead of start"),
        (("proposals", "0", "encr"), ["AES_CBC_128"], "proposals is AES_CBC_128, ECP_384, PRF_HMAC"),
    ],
)  # fmt: skip
def test_each_setting_that_differs_in_charon_is_named_with_both_values(
    where: tuple[str, ...], value: Any, said: str
) -> None:
    shown = live()
    section = shown
    for name in where[:-1]:
        section = section[name]
    section[where[-1]] = value
    (words,) = differences(shown)
    assert words.startswith(said)


def test_a_connection_or_a_child_that_is_not_loaded_is_said() -> None:
    assert differences(None) == ["charon has not loaded it"]
    shown = live()
    shown["children"] = {"other": shown["children"]["onprem-aws"]}
    assert differences(shown) == ["child onprem-aws is missing", "child other is not in the file"]


def test_what_an_older_charon_does_not_show_is_not_compared() -> None:
    shown = live()
    del shown["proposals"], shown["dpd_delay"]
    assert differences(shown) == []


def test_keys_are_compared_by_generation_and_other_connections_keys_are_nobodys_business() -> None:
    names = ["ike-onprem-aws-1", "ike-onprem-aws-3", "ike-other-7", "ike-onprem-aws"]
    assert list(loaded.key_differences("onprem-aws", {1, 2}, names)) == [
        "charon has not loaded key generation 2",
        "charon still holds key generation 3",
    ]
    assert list(loaded.key_differences("onprem-aws", {1, 3}, names)) == []


TABLE = """table inet twinsite_gateway {
	chain clear_out {
		type filter hook postrouting priority 300; policy accept;
		oifname "eth0" ip daddr 10.20.0.0/16 rt ipsec missing counter drop
	}

	chain announce {
		type filter hook input priority filter; policy accept;
	}
}
"""


def test_rules_are_compared_one_by_one() -> None:
    assert list(loaded.rule_differences(TABLE, TABLE)) == []
    assert list(loaded.rule_differences(TABLE, TABLE.replace("10.20.0.0/16", "10.20.0.0/24"))) == [
        'chain clear_out lacks `oifname "eth0" ip daddr 10.20.0.0/16 rt ipsec missing counter drop` and has '
        '`oifname "eth0" ip daddr 10.20.0.0/24 rt ipsec missing counter drop`'
    ]
    assert list(loaded.rule_differences(TABLE, TABLE.replace("announce", "mine"))) == [
        "chain announce is missing",
        "chain mine is not of twinsite",
    ]
    twice = TABLE.replace(
        "\t\toifname", '\t\toifname "eth0" ip daddr 10.20.0.0/16 rt ipsec missing counter drop\n\t\toifname'
    )
    assert list(loaded.rule_differences(TABLE, twice)) == ["chain clear_out has its rules in another order or number"]


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["giving up after 6 retransmits", "received AUTHENTICATION_FAILED notify error"], "keys"),
        (["tried 2 shared keys for 'aws' - 'onprem', but MAC mismatched", "peer not responding, trying again"], "path"),
        (["received NO_PROPOSAL_CHOSEN error notify", "retrying"], "connection"),
        (["loaded plugins: random nonce"], ""),
    ],
)  # fmt: skip
def test_why_the_ends_do_not_come_together_is_told_by_the_newest_line_that_tells(lines: list[str], cause: str) -> None:
    assert loaded.cause(lines) == cause


def input_chain(policy: str, *rules: list[dict[str, Any]], hook: str = "input") -> str:
    base = {"family": "inet", "table": "f", "name": "c", "type": "filter", "hook": hook, "policy": policy}
    entries: list[Any] = [{"chain": base}]
    entries += [{"rule": {"family": "inet", "table": "f", "chain": "c", "expr": expressions}} for expressions in rules]
    return json.dumps({"nftables": entries})


def udp(port: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": port}}


SSH = [{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"drop": None}]
ESTABLISHED = [
    {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}},
    {"accept": None},
]


def ike(config: Any, ruleset: str) -> list[str]:
    return forwarding.problems(ruleset, "", gateway.ike_packets(config, "ens5"))


def test_a_firewall_that_forgets_the_tunnels_ports_is_named_before_the_tunnel_has_to_call_again() -> None:
    assert ike(RESPONDER, input_chain("accept", SSH)) == []
    asked = ike(RESPONDER, input_chain("drop", ESTABLISHED))
    assert [words.split(" of the tunnel")[0] for words in asked] == [
        "this host's firewall drops udp port 500",
        "this host's firewall drops udp port 4500",
    ]
    assert "`nft insert rule inet f c udp dport 4500 accept`" in asked[1]
    assert ike(RESPONDER, input_chain("drop", ESTABLISHED, [udp({"set": [500, 4500]}), {"accept": None}])) == []
    # The initiator is only answered.
    assert ike(INITIATOR, input_chain("drop", ESTABLISHED)) == []
    (out,) = ike(INITIATOR, input_chain("accept", [udp(4500), {"drop": None}], hook="output"))
    assert "drops udp port 4500 of the tunnel itself" in out


def test_what_the_next_boot_sets_is_the_last_files_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "60-twinsite-gateway.conf").write_text("# x\nnet.ipv4.ip_forward = 1\n-net.core.x = 2\n")
    monkeypatch.setattr(host, "SYSCTL_FOLDERS", (tmp_path,))
    assert host.persisted("net.ipv4.ip_forward") == ("1", str(tmp_path / "60-twinsite-gateway.conf"))
    (tmp_path / "99-hardening.conf").write_text("net/ipv4/ip_forward=0\n")
    assert host.persisted("net.ipv4.ip_forward") == ("0", str(tmp_path / "99-hardening.conf"))
    assert host.persisted("net.ipv4.conf.eth0/7.forwarding") == ("", "")


RUNS = {"ActiveState": "active", "UnitFileState": "enabled"}


def of_agent(unit: dict[str, str], **state: Any) -> list[health.Problem]:
    return list(health.agent_problems({**RUNS, **unit}, state, now=1000.0))


def test_an_agent_that_works_or_is_at_work_is_no_problem() -> None:
    assert of_agent({}) == []  # just booted
    assert of_agent({}, seen=990.0, problem="", applying=False, failed="") == []
    assert of_agent({}, seen=100.0, problem="", applying=True, failed="what failed before") == []


def test_a_report_does_not_look_amid_an_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, state = tmp_path / "agent.json", tmp_path / "state.json"
    monkeypatch.setattr(health, "AGENT_PLACE", place)
    monkeypatch.setattr(health, "AGENT_STATE", state)
    state.write_text('{"applying": true}')
    health.settle(60)  # a host without an agent does not wait
    place.write_text("{}")
    began = time.monotonic()
    health.settle(0.3)
    assert time.monotonic() - began >= 0.3, "an apply without an end is not waited for without one"
    slept: list[float] = []

    def applied(seconds: float) -> None:
        slept.append(seconds)
        state.write_text('{"applying": false}')

    monkeypatch.setattr(time, "sleep", applied)
    health.settle(60)
    assert len(slept) == 1


def test_an_agent_that_stands_still_is_started_by_repair() -> None:
    stopped, disabled = of_agent({"ActiveState": "inactive", "UnitFileState": "disabled"}, seen=1.0)
    assert "does not run (inactive), so no setting and no new key reaches this machine" in stopped.problem
    assert "would not start at the next boot (disabled)" in disabled.problem
    assert {stopped.mends, disabled.mends} == {health.START_AGENT}


def test_an_agent_that_runs_and_reaches_nothing_is_a_persons() -> None:
    (late,) = of_agent({}, seen=800.0, problem="CallError: HTTP 403")
    assert "has not reached its documents for 200 s (CallError: HTTP 403)" in late.problem
    assert late.mends == ""
    (failed,) = of_agent({}, seen=999.0, failed="no room left")
    assert "told last could not be applied (no room left)" in failed.problem


def test_a_key_file_that_somebody_changed_is_put_back_and_a_key_told_anew_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secrets.conf"
    file.write_text(render.secrets(INITIATOR, {1: KEYS[1], 2: KEYS[2] + "x"}))
    monkeypatch.setattr(render, "secrets_file", lambda connection: file)
    told = {1: KEYS[1], 2: KEYS[2]}
    applied = {str(n): gateway.fingerprint(key) for n, key in told.items()}
    assert converge._keys(INITIATOR, told, applied) == (told, [])
    with pytest.raises(Refused, match="key of generation 2 differs"):
        converge._keys(INITIATOR, told, {})
    assert KEYS[2] not in "".join(applied.values())


def test_where_no_namespace_may_be_made_the_rules_are_said_not_to_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def table(name: str, file: Path | None = None) -> str:
        if file:
            raise Failed("unshare failed: Operation not permitted")
        return TABLE

    (tmp_path / "gateway.nft").write_text("x")
    monkeypatch.setattr(render, "NFT_FILE", tmp_path / "gateway.nft")
    monkeypatch.setattr(host, "table", table)
    (found,) = gateway.rules("x")
    assert "cannot be compared with their file (unshare failed: Operation not permitted)" in found.problem
    assert found.mends == "", "applying again would change nothing about it"
