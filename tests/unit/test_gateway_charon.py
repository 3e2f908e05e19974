"""What swanctl --raw prints, read back; and what the gate and rotation make of it."""

from typing import Any

import pytest

from twinsite.guest.errors import Failed
from twinsite.guest.gateway import charon, host, render, rotation, watch
from twinsite.guest.gateway.settings import parse

from .test_gateway_settings import KEYS, ONPREM

# As strongSwan 6.1.0 printed them on a lab machine.
LIST_SA = (
    "list-sa event {onprem-aws {uniqueid=5 version=2 state=ESTABLISHED local-host=192.168.64.10 local-port=4500 "
    "local-id=onprem.onprem-aws remote-host=203.0.113.128 remote-port=4500 remote-id=aws.onprem-aws initiator=yes "
    "initiator-spi=31cfa42f10b1f4de responder-spi=b36e8e8592742fdf nat-local=yes nat-remote=yes nat-any=yes "
    "encr-alg=AES_GCM_16 encr-keysize=256 prf-alg=PRF_HMAC_SHA2_384 dh-group=ECP_384 established=7 rekey-time=14013 "
    "child-sas {onprem-aws-6 {name=onprem-aws uniqueid=6 reqid=1 state=INSTALLED mode=TUNNEL protocol=ESP encap=yes "
    "spi-in=4f3dd340 spi-out=a613cc44 bytes-in=168 packets-in=2 use-in=1 bytes-out=252 packets-out=3 use-out=1 "
    "rekey-time=3355 life-time=3956 install-time=7 local-ts=[192.168.64.0/24] remote-ts=[10.20.0.0/16]}}}}\n"
    "list-sas reply {}\n"
)
LIST_CONN = (
    "list-conn event {onprem-aws {local_addrs=[192.168.64.10] remote_addrs=[203.0.113.128] version=IKEv2 "
    "local-1 {class=pre-shared key id=onprem.onprem-aws groups=[] certs=[]} "
    "remote-1 {class=pre-shared key id=aws.onprem-aws} "
    "children {onprem-aws {mode=TUNNEL local-ts=[192.168.64.0/24] remote-ts=[10.20.0.0/16]}}}}\n"
    "list-conns reply {}\n"
)


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(charon, "swanctl", lambda *words, timeout_seconds=0.0: text)


def test_sas_are_read_with_their_children(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, LIST_SA)
    ranges = ("192.168.64.0/24",), ("10.20.0.0/16",)
    child = charon.Child("onprem-aws", "INSTALLED", 168, 252, 7, *ranges)
    assert charon.sas("onprem-aws") == [charon.Sa(5, "ESTABLISHED", 7, True, "203.0.113.128", [child])]


def test_other_connections_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, LIST_SA)
    assert charon.sas("onprem") == []


def test_values_with_spaces_are_kept_whole() -> None:
    (_, message), _ = charon.parse_raw(LIST_CONN)
    assert message["onprem-aws"]["local-1"]["class"] == "pre-shared key"
    assert message["onprem-aws"]["local-1"]["groups"] == []
    assert list(message["onprem-aws"]["children"]) == ["onprem-aws"]


def test_loaded_connections_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, LIST_CONN)
    assert list(charon.connections()) == ["onprem-aws"]


@pytest.mark.parametrize("text", ["nonsense", "list-sa event {a {b=c}", "list-sa event {a} {b}", "x {loose}"])
def test_what_does_not_follow_the_grammar_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError):
        charon.parse_raw(text)


def seen(**change: Any) -> dict[str, Any]:
    good = {"ike_states": ["ESTABLISHED"], "installed": 1, "crosses": True, "forwarding": [], "peer": None}
    return {**good, **change}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ike_states": []}, "IKE_SAs: none"),
        ({"ike_states": ["CONNECTING"]}, "IKE_SAs: CONNECTING"),
        ({"ike_states": ["ESTABLISHED", "ESTABLISHED"]}, "not ESTABLISHED exactly once"),
        ({"installed": 0}, "0 CHILD_SAs are INSTALLED instead of exactly one"),
        ({"installed": 2}, "2 CHILD_SAs are INSTALLED instead of exactly one"),
        ({"forwarding": ["this host's firewall drops"]}, "this host's firewall drops"),
        ({"crosses": False}, "no packet crosses from 192.168.64.10 to 10.20.1.10"),
    ],
)
def test_the_gate_stays_shut(change: dict[str, Any], words: str) -> None:
    assert words in watch.gate_problem(parse(ONPREM), seen(**change))


def test_the_gate_opens_for_one_sa_one_child_and_a_crossing_packet() -> None:
    assert watch.gate_problem(parse(ONPREM), seen()) == ""


def test_the_gate_waits_for_the_peer_to_apply_its_configuration() -> None:
    config = parse({**ONPREM, "peer_digest": "new"})
    payload = render.FOLDER.parent.name
    assert "does not tell" in watch.gate_problem(config, seen())
    assert "digest old, not new" in watch.gate_problem(config, seen(peer={"digest": "old", "payload": payload}))
    assert "payload other" in watch.gate_problem(config, seen(peer={"digest": "new", "payload": "other"}))
    assert watch.gate_problem(config, seen(peer={"digest": "new", "payload": payload})) == ""


def test_a_gateway_announces_what_its_peer_waits_for() -> None:
    config = parse(ONPREM)
    waiting = parse({**ONPREM, "peer_digest": config.digest})
    assert watch.gate_problem(waiting, seen(peer=watch.announcement(config))) == ""


@pytest.mark.parametrize(("signed", "sign"), [(None, 7), (3, 3), (3, 4)])
def test_a_generation_may_stay_or_rise_by_one(signed: int | None, sign: int) -> None:
    assert rotation.jump_problem(signed, parse({**ONPREM, "psk_sign": sign})) == ""


@pytest.mark.parametrize(("signed", "sign", "words"), [(3, 5, "skips generations"), (3, 2, "goes back")])
def test_a_generation_may_not_jump(signed: int, sign: int, words: str) -> None:
    problem = rotation.jump_problem(signed, parse({**ONPREM, "psk_sign": sign}))
    assert words in problem
    assert "set psk_generation to 4" in problem


def test_a_key_never_changes_within_its_generation() -> None:
    assert rotation.changed_keys({1: KEYS[1], 2: KEYS[2]}, {2: KEYS[3], 3: KEYS[3]}) == [2]
    assert rotation.changed_keys({1: KEYS[1], 2: KEYS[2]}, {2: KEYS[2], 3: KEYS[3]}) == []


def test_optional_kernel_settings_are_marked() -> None:
    text = "# why\nnet.ipv4.ip_forward = 1\n-net.core.xfrm_acq_expires = 12\n"
    assert host.sysctl_lines(text) == [("net.ipv4.ip_forward", "1", False), ("net.core.xfrm_acq_expires", "12", True)]


def standing(monkeypatch: pytest.MonkeyPatch, *seen: set[int]) -> None:
    """`swanctl --terminate` gives up; its SAs are, from look to look, `seen` (the last one for good)."""
    looks = list(seen)

    def sas(name: str) -> list[charon.Sa]:
        ids = looks.pop(0) if len(looks) > 1 else looks[0]
        return [charon.Sa(number, "ESTABLISHED", 1, True, "203.0.113.1") for number in ids]

    def refuse(*words: str, timeout_seconds: float = 0.0) -> str:
        raise Failed("terminate failed: terminating SA failed")

    monkeypatch.setattr(charon, "swanctl", refuse)
    monkeypatch.setattr(charon, "sas", sas)
    monkeypatch.setattr(charon.time, "sleep", lambda seconds: None)


def test_an_sa_whose_peer_is_gone_counts_as_ended_when_it_is_gone_although_swanctl_gave_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standing(monkeypatch, {1}, {1, 2}, {2})
    charon.terminate("onprem-aws")


def test_an_sa_that_outlives_its_end_is_told_in_charons_words(monkeypatch: pytest.MonkeyPatch) -> None:
    standing(monkeypatch, {1})
    clock = iter(range(100))
    monkeypatch.setattr(charon.time, "monotonic", lambda: float(next(clock)))
    with pytest.raises(Failed, match="terminating SA failed"):
        charon.terminate("onprem-aws")
