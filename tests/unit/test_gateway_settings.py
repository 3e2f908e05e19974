"""The gateway role's configuration and keys: what it takes, and what it refuses before it touches a host."""

import json
import pathlib
from typing import Any

import pytest

from twinsite.guest.errors import Failed, Refused
from twinsite.guest.gateway import command
from twinsite.guest.gateway.settings import Config, parse, parse_keys
from twinsite.guest.gateway.timers import Timers

KEYS = {n: f"p{chr(96 + n)}" + "QdWmZxKrTyBnVcLhJgFsAuEiOwDtXkMzRvYbN1234567890" for n in range(1, 9)}

ONPREM: dict[str, Any] = {
    "connection": "onprem-aws",
    "role": "initiator",
    "local_id": "onprem.onprem-aws",
    "remote_id": "aws.onprem-aws",
    "local_range": "192.168.64.0/24",
    "remote_range": "10.20.0.0/16",
    "remote_address": "203.0.113.128",
    "local_address": "192.168.64.10",
    "peer_private_address": "10.20.1.10",
    "psk_sign": 1,
}
AWS: dict[str, Any] = {
    "connection": "onprem-aws",
    "role": "responder",
    "local_id": "aws.onprem-aws",
    "remote_id": "onprem.onprem-aws",
    "local_range": "10.20.0.0/16",
    "remote_range": "192.168.64.0/24",
    "remote_address": "%any",
    "local_address": "10.20.1.10",
    "peer_private_address": "192.168.64.10",
    "nat_range": "10.20.2.0/24",
    "psk_sign": 1,
}


def test_both_ends_configurations_are_taken() -> None:
    assert parse(ONPREM).role == "initiator"
    assert parse(AWS).timers == Timers()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"connection": "a b"}, "is no swanctl section name"),
        ({"role": "both"}, "role 'both' is unknown"),
        ({"local_id": "on prem"}, "local_id 'on prem' is no host name"),
        ({"remote_id": "onprem.onprem-aws"}, "local_id and remote_id are both"),
        ({"local_range": "192.168.64.1/24"}, "is not an IPv4 range"),
        ({"remote_range": "192.168.0.0/16"}, "overlap"),
        ({"local_address": "10.9.9.9"}, "local_address 10.9.9.9 is not in local_range"),
        ({"peer_private_address": "10.99.0.1"}, "is not in remote_range"),
        ({"remote_address": "%any"}, "remote_address '%any' is not an IPv4 address"),
        ({"nat_range": "everything"}, "nat_range 'everything' is not an IPv4 range"),
        ({"psk_sign": 0}, "psk_sign 0 is below 1"),
        ({"psk_sign": "1"}, "psk_sign is '1': it must be a int"),
        ({"psk_prove": 1}, "psk_prove is 1: it must be a bool"),
        ({"timers": {"dpd_delay_seconds": 2.5}}, "must be a whole number"),
        ({"timers": {"retransmit_base": 0}}, "must be a number above 0"),
        ({"timers": {"dpd_timeout": 9}}, "it must be an object with dpd_delay_seconds"),
    ],
)
def test_a_bad_configuration_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse({**ONPREM, **change})
    assert words in str(refused.value)


def test_every_missing_field_is_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        parse({})
    assert str(refused.value).count("is missing: add it") == 9


def test_numbers_that_passed_through_pulumi_give_the_same_digest() -> None:
    plain = {**ONPREM, "timers": {"dpd_delay_seconds": 3, "retransmit_timeout_seconds": 1.5, "retransmit_base": 1}}
    floats = {**ONPREM, "psk_sign": 1.0, "timers": {"dpd_delay_seconds": 3.0, "retransmit_tries": 6.0}}
    assert parse(plain).digest == parse(floats).digest == parse(ONPREM).digest


def test_the_digest_changes_with_the_configuration_but_not_with_the_rollout() -> None:
    steering = {"psk_min": 1, "psk_prove": True, "peer_digest": "abc"}
    assert parse({**ONPREM, **steering}).digest == parse(ONPREM).digest
    assert parse({**ONPREM, "psk_sign": 2}).digest != parse(ONPREM).digest
    assert parse({**ONPREM, "timers": {"retransmit_tries": 5}}).digest != parse(ONPREM).digest


def secrets(*generations: int) -> dict[str, Any]:
    return {"psk": {str(n): KEYS[n] for n in generations}}


def config(sign: int, minimum: int = 0) -> Config:
    return parse({**ONPREM, "psk_sign": sign, "psk_min": minimum})


def test_a_host_holds_every_generation_from_the_lowest_allowed() -> None:
    assert list(parse_keys(secrets(2, 3, 4), config(3))) == [2, 3, 4]
    assert list(parse_keys(secrets(2, 3, 4), config(3, 3))) == [3, 4]


@pytest.mark.parametrize(("fails", "held"), [(False, ["2", "3"]), (True, ["1", "2", "3"])])
def test_a_retired_key_leaves_the_hosts_documents_once_it_is_out_of_charon(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, fails: bool, held: list[str]
) -> None:
    def apply(config: Config, keys: dict[int, str]) -> dict[str, Any]:
        assert json.loads(told.read_text())["psk"].keys() == {"1", "2", "3"}, "a failed apply begins anew with all"
        if fails:
            raise Failed("the peer still signs with generation 1")
        return {"changed": []}

    monkeypatch.setattr("twinsite.guest.gateway.converge.apply", apply)
    (tmp_path / "gateway.json").write_text(json.dumps({**ONPREM, "psk_sign": 2, "psk_min": 2}))
    told = tmp_path / "gateway.secrets.json"
    told.write_text(json.dumps(secrets(1, 2, 3)))
    words = ["apply", "--config", str(tmp_path / "gateway.json"), "--secrets", str(told)]
    assert command.main(words) == (1 if fails else 0)
    assert sorted(json.loads(told.read_text())["psk"]) == held
    assert fails or told.stat().st_mode & 0o777 == 0o600


def test_a_lowest_generation_that_ran_ahead_does_not_take_the_signing_key() -> None:
    assert list(parse_keys(secrets(2, 3, 4), config(3, 5))) == [3, 4]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, 'no object "psk"'),
        ({"psk": {"one": KEYS[1]}}, "generation 'one' is not a number"),
        ({"psk": {"1": "short"}}, "psk generation 1 is not 32 to 64"),
        ({"psk": {"1": "0" + KEYS[1][1:]}}, "psk generation 1 is not 32 to 64"),
        ({"psk": {"1": KEYS[1][:-1] + '"'}}, "psk generation 1 is not 32 to 64"),
        (secrets(2, 3), "psk generation 1 is to sign but the secrets hold 2, 3"),
    ],
)
def test_bad_keys_are_refused_without_being_quoted(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_keys(given, config(1))
    assert words in str(refused.value)
    assert KEYS[1][5:20] not in str(refused.value)
