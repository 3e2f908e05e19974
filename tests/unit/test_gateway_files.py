"""The files that the gateway role fills in: what they say, for which end, and what they never hold."""

import pathlib
import re

import pytest

from twinsite.guest.gateway import render, rotation
from twinsite.guest.gateway.settings import parse
from twinsite.rules.tunnel import timer_problems

from .test_gateway_settings import AWS, KEYS, ONPREM

PROGRAMS = {"nft": "/usr/sbin/nft", "ip": "/usr/sbin/ip", "ping": "/usr/bin/ping"}
INITIATOR, RESPONDER = parse(ONPREM), parse(AWS)


def files(config=INITIATOR, keys=None, outer="") -> dict[pathlib.Path, render.File]:  # type: ignore[no-untyped-def]
    return render.files(config, keys or {1: KEYS[1], 2: KEYS[2]}, "ens5", PROGRAMS, outer or config.local_address)


def connection(config=INITIATOR) -> str:  # type: ignore[no-untyped-def]
    return render.meaning(files(config)[render.connection_file("onprem-aws")][0])


def settings_of(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+) = (.+)$", text, re.MULTILINE))


@pytest.mark.parametrize("config", [INITIATOR, RESPONDER], ids=["initiator", "responder"])
def test_nothing_is_left_to_fill_in(config) -> None:  # type: ignore[no-untyped-def]
    for path, (text, _) in files(config).items():
        assert "@{" not in text, path


@pytest.mark.parametrize("config", [INITIATOR, RESPONDER], ids=["initiator", "responder"])
def test_ike_is_spoken_from_the_address_that_leads_to_the_peer(config) -> None:  # type: ignore[no-untyped-def]
    """A gateway between two networks has its private address on the one and its way to the peer on the other."""
    path = render.connection_file("onprem-aws")
    assert settings_of(connection(config))["local_addrs"] == config.local_address
    between = settings_of(render.meaning(files(config, outer="%any")[path][0]))
    assert (between["local_addrs"], between["local_ts"]) == ("%any", config.local_range)


def test_exactly_one_end_calls() -> None:
    initiator, responder = settings_of(connection(INITIATOR)), settings_of(connection(RESPONDER))
    assert (initiator["start_action"], initiator["close_action"], initiator["dpd_action"]) == (
        "trap|start",
        "start",
        "restart",
    )
    assert initiator["keyingtries"] == "0"
    assert (responder["start_action"], responder["close_action"], responder["dpd_action"]) == ("none", "none", "clear")
    assert responder["remote_addrs"] == "%any"


def test_the_ends_differ_only_where_one_calls_and_in_who_they_are() -> None:
    initiator, responder = settings_of(connection(INITIATOR)), settings_of(connection(RESPONDER))
    differing = {name for name in initiator.keys() | responder.keys() if initiator.get(name) != responder.get(name)}
    who = {"local_addrs", "remote_addrs", "id", "local_ts", "remote_ts"}
    assert differing - who == {"keyingtries", "dpd_delay", "start_action", "dpd_action", "close_action"}


@pytest.mark.parametrize("config", [INITIATOR, RESPONDER], ids=["initiator", "responder"])
def test_upstreams_defaults_are_overridden(config) -> None:  # type: ignore[no-untyped-def]
    found = settings_of(connection(config))
    upstream = {"version": "0", "unique": "no", "mobike": "yes", "dpd_delay": "0s", "replay_window": "32"}
    for name, value in upstream.items():
        assert found[name] != value, name
    assert found["reauth_time"] == "0s"
    assert found["proposals"] == "aes256gcm16-prfsha384-ecp384"
    assert found["esp_proposals"] == "aes256gcm16-ecp384"


def test_dead_peer_detection_and_ladder_are_the_timers() -> None:
    assert settings_of(connection(INITIATOR))["dpd_delay"] == "3s"
    assert settings_of(connection(RESPONDER))["dpd_delay"] == "14s"
    text = files()[render.STRONGSWAN_FILE][0]
    for name, value in {"retransmit_timeout": "1.5", "retransmit_base": "1", "retransmit_tries": "6"}.items():
        # Once for charon, once for charon-systemd, which asks its own section first.
        assert len(re.findall(rf"^  {name} = {re.escape(value)}$", text, re.MULTILINE)) == 2
    assert timer_problems(INITIATOR.timers) == []


def test_keys_are_in_one_file_only_and_nobody_else_may_read_it() -> None:
    holding = {path: mode for path, (text, mode) in files().items() if KEYS[1] in text or KEYS[2] in text}
    assert holding == {render.secrets_file("onprem-aws"): 0o600}


def test_only_the_signing_generation_matches_this_ends_own_identity() -> None:
    config = parse({**ONPREM, "psk_sign": 2})
    text = render.secrets(config, {n: KEYS[n] for n in (1, 2, 3)})
    blocks = re.findall(r"ike-onprem-aws-(\d) \{(.*?)\}", text, re.DOTALL)
    assert [(number, "id-local" in block) for number, block in blocks] == [("1", False), ("2", True), ("3", False)]
    assert all("id-remote = aws.onprem-aws" in block for _, block in blocks)


def test_held_keys_are_read_back_as_they_were_written() -> None:
    keys = {n: KEYS[n] for n in (1, 2, 3)}
    assert rotation.held(render.secrets(parse({**ONPREM, "psk_sign": 2}), keys)) == keys


def test_the_proof_holds_no_leaving_key_but_all_other_configuration() -> None:
    keys = {n: KEYS[n] for n in (1, 2, 3)}
    text = render.proof(parse({**ONPREM, "psk_sign": 2}), keys, [1])
    assert KEYS[1] not in text
    assert text.startswith("include swanctl.conf\n")
    assert rotation.held(text) == {1: KEYS[2]}


def test_clear_text_is_dropped_in_both_directions_on_the_wan() -> None:
    text = files()[render.NFT_FILE][0]
    assert 'define WAN = "ens5"' in text
    assert "oifname $WAN ip daddr $PEER_RANGE rt ipsec missing counter drop" in text
    assert "iifname $WAN ip saddr $PEER_RANGE meta ipsec missing counter drop" in text


def test_only_the_roles_own_table_is_touched() -> None:
    for config in (INITIATOR, RESPONDER):
        text = files(config)[render.NFT_FILE][0]
        assert set(re.findall(r"^(?:delete )?table (\S+ \S+)", text, re.MULTILINE)) == {"inet twinsite_gateway"}
        assert "flush" not in text


def test_masquerading_exists_only_for_a_nat_range_and_never_towards_the_ranges() -> None:
    assert "masquerade\n" not in files(INITIATOR)[render.NFT_FILE][0]
    text = files(RESPONDER)[render.NFT_FILE][0]
    assert "ip saddr 10.20.2.0/24 ip daddr != { $LOCAL_RANGE, $PEER_RANGE } masquerade" in text


def test_only_the_initiator_keeps_something_crossing() -> None:
    unit = render.UNITS / render.KEEPALIVE_UNIT
    assert "-I 192.168.64.10 10.20.1.10" in files(INITIATOR)[unit][0]
    assert unit not in files(RESPONDER)


def test_comments_do_not_count_as_a_change_of_the_connection() -> None:
    text = files()[render.connection_file("onprem-aws")][0]
    assert render.meaning(text) == render.meaning("# new words\n\n" + text.replace("    version", "  version"))
    assert render.meaning(text) != render.meaning(text.replace("encap = yes", "encap = no"))
