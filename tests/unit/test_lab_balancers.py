"""Load balancers by address: each listens at its own, and goes dark alone."""

from pathlib import Path

import pytest

from lab import traffic
from lab.box.layout import LOAD_BALANCERS, SERVICES
from lab.services.alb import LoadBalancer
from lab.services.authority import Authority
from lab.services.zones import Balancer
from lab.state import State
from lab.traffic import Traffic


def test_two_load_balancers_listen_at_their_own_addresses_and_one_alone_goes_dark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules: list[str] = []
    doors: list[str] = []
    monkeypatch.setattr(traffic, "nft", lambda text, namespace: rules.append(text))
    monkeypatch.setattr(Traffic, "_open", lambda self, address, handle, certificate: doors.append(address))
    monkeypatch.setattr(LoadBalancer, "start", lambda self: None)
    authority = Authority(tmp_path / "authority")
    box = Traffic(State(tmp_path / "state.json"), authority, "nowhere")
    for name, address in zip(("seoul", "tokyo"), LOAD_BALANCERS, strict=False):
        balancer = LoadBalancer(name, "example.com", authority, list, "/")
        box.add_balancer(Balancer(name, "Z1", address), balancer)
    assert doors == list(LOAD_BALANCERS[:2])
    assert set(doors) <= set(SERVICES), "the services' namespace has them"
    assert [one["name"] for one in box.report()["load_balancers"]] == ["seoul", "tokyo"]
    box.cut_balancers([LOAD_BALANCERS[1]])
    assert f"ip daddr {{ {LOAD_BALANCERS[1]} }} drop" in rules[-1]
    box.cut_balancers([])
    assert "drop" not in rules[-1]
