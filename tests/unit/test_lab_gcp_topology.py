"""How Google's records become networks, servers and nodes. The whole of it: tests/lab/test_topology_aws_gcp.py."""

import copy
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from lab.model import Rule, World
from lab.providers.framework.types import Refusal
from lab.providers.gcp import topology
from lab.providers.gcp.sql_database_instance import settings

NETWORK = "projects/p/global/networks/ours"
CLUSTER, POOL = "projects/p/locations/r/clusters/c", "projects/p/locations/r/clusters/c/nodePools/system"
TOLD: dict[str, dict[str, dict[str, Any]]] = {
    topology.NETWORK: {NETWORK: {"name": "ours"}},
    topology.SUBNETWORK: {
        "a": {
            "name": "nodes",
            "network": NETWORK,
            "ipCidrRange": "10.30.0.0/24",
            "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.32.0.0/16"}],
        }
    },
    topology.ROUTER: {"r": {"name": "router", "network": NETWORK, "bgp": {"asn": 65000}}},
    topology.RANGE: {"s": {"name": "services", "address": "10.31.0.0", "prefixLength": 20.0}},
    topology.CONNECTION: {"c": {"network": NETWORK, "reservedPeeringRanges": ["services"]}},
    topology.EXPORTS: {"e": {"network": "ours", "exportCustomRoutes": True}},
    topology.FIREWALL: {
        "f": {"name": "from-aws", "network": NETWORK, "sourceRanges": ["10.10.0.0/16"],
              "allows": [{"protocol": "tcp", "ports": ["8080", "9000-9010"]}, {"protocol": "icmp"}]}
    },
    topology.CLUSTER: {
        CLUSTER: {"name": "c", "network": NETWORK, "subnetwork": "projects/p/regions/r/subnetworks/nodes",
                  "location": "r", "nodeLocations": ["r-a", "r-b"],
                  "ipAllocationPolicy": {"clusterSecondaryRangeName": "pods"}}
    },
    topology.SERVER: {
        "crm-1": {"name": "crm-1", "region": "r", "privateIpAddress": "10.31.0.3", "__range": "services",
                  "__machine": "sql-crm-1", "__userData": "#cloud-config\n",
                  "settings": {"ipConfiguration": {"privateNetwork": NETWORK}}}
    },
}  # fmt: skip


class FakeBox:
    """Records, and what is put into the world."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self.lock = threading.RLock()
        self.kept: dict[str, dict[str, Any]] = {token: dict(copy.deepcopy(ones)) for token, ones in records.items()}
        self.there: dict[tuple[str, str], Any] = {}
        self.puts = 0

    def records(self, token: str) -> dict[str, Any]:
        return dict(self.kept.get(token, {}))

    def record(self, token: str, identity: str) -> Any:
        return self.records(token).get(identity)

    def put(self, token: str, identity: str, record: Any) -> None:
        self.kept.setdefault(token, {})[identity] = record

    def forget(self, token: str, identity: str) -> None:
        self.kept.get(token, {}).pop(identity, None)

    def world(self, kind: str, record: Any) -> None:
        self.puts += 1
        self.there[kind, record.id] = record

    def unworld(self, kind: str, identity: str) -> None:
        del self.there[kind, identity]


def drawn(**change: Any) -> World:
    told = {**TOLD, **{getattr(topology, name): value for name, value in change.items()}}
    return topology.drawn(lambda token: told.get(token, {}))


def test_services_learn_the_routes_that_were_exported_to_them_and_subnets_always() -> None:
    found = {one.id: (one.cidr, one.learns) for one in drawn().subnets}
    assert found == {"gsub-nodes": ("10.30.0.0/24", ("router",)), "gsub-services": ("10.31.0.0/20", ("router",))}
    kept = {one.id: one.learns for one in drawn(EXPORTS={}).subnets}
    assert kept == {"gsub-nodes": ("router",), "gsub-services": ()}


def test_what_comes_in_is_what_a_rule_lets_in_and_what_gke_lets_in_by_itself() -> None:
    (group,) = [one for one in drawn().groups if one.id == "gnet-ours-firewall"]
    assert group.ingress == (
        Rule("tcp", 8080, 8080, "10.10.0.0/16"),
        Rule("tcp", 9000, 9010, "10.10.0.0/16"),
        Rule("icmp", -1, -1, "10.10.0.0/16"),
        Rule("-1", -1, -1, "10.30.0.0/24"),
        Rule("-1", -1, -1, "10.32.0.0/16"),
    )
    (without,) = [one for one in drawn(CLUSTER={}, FIREWALL={}).groups if one.id == "gnet-ours-firewall"]
    assert without.ingress == ()


def test_a_rule_for_some_machines_alone_is_refused() -> None:
    rule = {**TOLD[topology.FIREWALL]["f"], "targetTags": ["web"]}
    with pytest.raises(Refusal, match="from-aws does more: leave out denies, targetTags"):
        drawn(FIREWALL={"f": rule})


def test_a_range_outside_of_the_labs_is_refused() -> None:
    subnet = {**TOLD[topology.SUBNETWORK]["a"], "ipCidrRange": "172.20.0.0/24"}
    with pytest.raises(Refusal, match=r"inside 10.0.0.0/8, and 172.20.0.0/24 is not"):
        drawn(SUBNETWORK={"a": subnet})


def test_a_pools_nodes_keep_their_addresses_while_another_one_is_resized() -> None:
    box: Any = FakeBox(TOLD)
    box.put("gcp:container/nodePool:NodePool", POOL, {"name": "system", "nodeCount": 1, "nodeLocations": ["r-a"]})
    serving = POOL.replace("system", "serving")
    box.put("gcp:container/nodePool:NodePool", serving, {"name": "serving", "nodeCount": 0})
    topology.put(box)
    assert topology.nodes(box.records) == ["gke-c-system-0"]
    face = box.there["interfaces", "gnic-gke-c-system-0"]
    assert (face.address, face.prefixes) == ("10.30.0.2", ("10.32.0.0/24",))
    box.put("lab:google:poolSize", serving, {"nodes": 1, "over": 0})
    topology.put(box)
    assert topology.nodes(box.records, serving) == ["gke-c-serving-0", "gke-c-serving-1"]
    assert box.there["interfaces", "gnic-gke-c-system-0"] == face
    assert box.there["machines", "gke-c-serving-1"].region == "r"
    before = box.puts
    topology.put(box)
    assert box.puts == before, "what did not change is not put again"
    box.put("lab:google:poolSize", serving, {"nodes": 0, "over": 0})
    topology.put(box)
    assert ("machines", "gke-c-serving-0") not in box.there
    assert ("machines", "gke-c-system-0") in box.there


def test_what_no_record_says_any_more_goes_and_what_leans_on_it_before() -> None:
    box: Any = FakeBox(TOLD)
    topology.put(box)
    assert ("machines", "sql-crm-1") in box.there
    gone: list[str] = []
    box.unworld = lambda kind, identity: gone.append(kind)
    box.kept = {topology.PUT: box.kept[topology.PUT]}
    topology.put(box)
    assert gone == sorted(gone, key=["machines", "interfaces", "subnets", "groups", "vpcs"].index)
    assert box.records(topology.PUT) == {}


def test_flags_are_postgresqls_own_but_for_the_one_that_cloud_sql_has_its_own_name_for() -> None:
    assert settings({"cloudsql.logical_decoding": "on", "wal_sender_timeout": "10000"}) == {
        "wal_level": "logical",
        "wal_sender_timeout": "10000",
    }
