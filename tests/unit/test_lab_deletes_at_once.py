"""Two deletes at once: what is on its way out of the lab's world is not put back by a neighbour that draws it anew.

Else the box refuses everything after it: a subnet of a network that is not there contradicts itself.
"""

import copy
import threading
from typing import Any

from lab.model import Subnet as WorldSubnet
from lab.providers.aws import topology
from lab.providers.aws.ec2_network_interface import NetworkInterface
from lab.providers.aws.ec2_subnet import Subnet
from lab.providers.framework.types import Call

SUBNETS = {
    one: {"vpcId": "vpc-1", "cidrBlock": f"10.20.{place}.0/24"} for place, one in enumerate(("subnet-a", "subnet-b"), 1)
}


class SlowBox:
    """Records and a world as the daemon keeps them; `hold` is asked before a subnet is put."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tokens: dict[str, dict[str, dict[str, Any]]] = {
            topology.VPC: {"vpc-1": {"cidrBlock": "10.20.0.0/16"}},
            topology.SUBNET: copy.deepcopy(SUBNETS),
            topology.INTERFACE: {"eni-1": {"subnetId": "subnet-a"}},
        }
        self.drawn: dict[str, dict[str, Any]] = {
            "subnets": {name: WorldSubnet(name, "vpc-1", one["cidrBlock"], ()) for name, one in SUBNETS.items()},
            "interfaces": {"eni-1": {}},
        }
        self.hold = lambda identity: None

    def records(self, token: str) -> dict[str, dict[str, Any]]:
        return dict(self.tokens.get(token, {}))

    def record(self, token: str, identity: str) -> dict[str, Any] | None:
        return self.tokens.get(token, {}).get(identity)

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.tokens.setdefault(token, {})[identity] = record

    def forget(self, token: str, identity: str) -> None:
        self.tokens[token].pop(identity, None)

    def world(self, kind: str, record: Any) -> None:
        if kind == "subnets":
            self.hold(record.id)
        self.drawn.setdefault(kind, {})[record.id] = record

    def unworld(self, kind: str, identity: str) -> None:
        self.drawn[kind].pop(identity, None)

    def apply(self) -> None:
        pass


def call(box: SlowBox) -> Call:
    return Call("urn:pulumi:dev::twinsite::x::y", {}, box, lambda *_: None, lambda *_: None)  # type: ignore[arg-type]


def test_a_subnet_that_goes_is_not_put_back_by_an_interface_that_goes_with_it() -> None:
    box = SlowBox()
    other: list[threading.Thread] = []

    def go_meanwhile(identity: str) -> None:
        """In the moment between reading subnet-b's record and putting it, subnet-b is deleted."""
        if identity == "subnet-b" and not other:
            other.append(threading.Thread(target=lambda: Subnet().delete(call(box), "subnet-b", {})))
            other[0].start()
            other[0].join(0.5)

    box.hold = go_meanwhile
    NetworkInterface().delete(call(box), "eni-1", {})
    other[0].join()
    assert list(box.drawn["subnets"]) == ["subnet-a"]
