"""The graph that the traffic components make has nothing to refuse; each bad change of it is refused with its fix."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.mocks.traffic_world import build
from tests.unit.test_traffic_rules import names_a_fix
from twinsite.rules.records import check_problems, distribution_problems, record_problems

Graph = dict[str, dict[str, dict[str, Any]]]
"""Kind -> resource name -> inputs."""

KINDS = {
    "record": "aws:route53/record:Record",
    "check": "aws:route53/healthCheck:HealthCheck",
    "distribution": "aws:cloudfront/distribution:Distribution",
}


@pytest.fixture(scope="module")
def rendered() -> Graph:
    run = build()
    return {kind: {found.name: found.inputs for found in run.of(token)} for kind, token in KINDS.items()}


def problems(graph: Graph) -> list[str]:
    records, checks, distributions = (list(graph[kind].values()) for kind in KINDS)
    return [*record_problems(records), *check_problems(checks, records), *distribution_problems(distributions)]


def put(kind: str, name: str, **change: Any) -> Callable[[Graph], None]:
    return lambda graph: graph[kind][name].update(change)


def drop(kind: str, name: str, *keys: str) -> Callable[[Graph], None]:
    """Without these inputs; without any, the whole resource."""

    def act(graph: Graph) -> None:
        if keys:
            for key in keys:
                del graph[kind][name][key]
        else:
            del graph[kind][name]

    return act


def add(kind: str, **inputs: Any) -> Callable[[Graph], None]:
    return lambda graph: graph[kind].update({"added": inputs})


def same_alias(graph: Graph) -> None:
    graph["distribution"]["front-distribution"]["aliases"] = ["www.example.com"]


def origin_group(graph: Graph) -> None:
    found = graph["distribution"]["front-distribution"]
    found["originGroups"] = [{"originId": "both"}]
    found["defaultCacheBehavior"]["targetOriginId"] = "both"


def in_clear(graph: Graph) -> None:
    graph["distribution"]["front-distribution"]["origins"][0]["customOriginConfig"]["originProtocolPolicy"] = (
        "http-only"
    )


def to_azure(graph: Graph) -> None:
    graph["record"]["dr-secondary-a"]["aliases"][0]["name"] = "shop.azurefd.net"


def two_distributions(graph: Graph) -> None:
    graph["record"]["dr-primary-a"]["aliases"][0]["name"] = "d9.cloudfront.net"


BAD: list[tuple[str, Callable[[Graph], None], str]] = [
    ("K27 alias to another cloud", to_azure, "aliases lead to AWS"),
    (
        "K28 a CNAME beside A",
        add("record", zoneId="Z0PUBLICZONE", name="dr.example.com", type="CNAME"),
        "has a CNAME beside A, AAAA",
    ),
    (
        "a simple record beside the pair",
        add("record", zoneId="Z0PUBLICZONE", name="dr.example.com", type="A"),
        "a simple record beside",
    ),
    ("K29 a secondary without a check", drop("record", "dr-secondary-a", "healthCheckId"), "a dead standby would be"),
    ("a primary without a check", drop("record", "www-primary-a", "healthCheckId"), "answered for ever"),
    ("half a pair", drop("record", "dr-secondary-a"), "dr.example.com A has 0 SECONDARY records"),
    ("K30 a record taken over", put("record", "dr-primary-a", allowOverwrite=True), "failover by editing records"),
    ("K32 a long TTL", put("record", "l-witness-primary", ttl=300), "a TTL of 300 s"),
    ("K33 the same identifier", put("record", "dr-secondary-a", setIdentifier="primary"), "overwrite each other"),
    ("K33 no identifier", put("record", "dr-secondary-a", setIdentifier=""), "overwrite each other"),
    ("K34 a check of the own name", put("check", "dr-secondary-page", fqdn="dr.example.com"), "depends on it"),
    ("K34 a private address", put("check", "dr-secondary-page", ipAddress="10.1.2.3"), "do not reach"),
    ("a disabled check", put("check", "l-1-absent", disabled=True), "takes for healthy"),
    ("K36 one alias, two distributions", same_alias, "www.example.com is an alias of 2 distributions"),
    ("K36 two distributions in a pair", two_distributions, "leads to CloudFront for both roles"),
    ("K36 writes to an origin group", origin_group, "fails over for GET, HEAD and OPTIONS only"),
    ("an origin in clear", in_clear, "set originProtocolPolicy to https-only"),
]


def test_the_rendered_graph_has_nothing_to_refuse(rendered: Graph) -> None:
    assert problems(rendered) == []


@pytest.mark.parametrize(("what", "spoil", "says"), BAD, ids=[what for what, *_ in BAD])
def test_a_bad_change_of_the_graph_is_refused_with_its_fix(
    rendered: Graph, what: str, spoil: Callable[[Graph], None], says: str
) -> None:
    graph = copy.deepcopy(rendered)
    spoil(graph)
    found = problems(graph)
    assert [problem for problem in found if says in problem], found
    assert [problem for problem in found if not names_a_fix(problem)] == []


def test_an_aaaa_record_outside_the_pair_leaves_ipv6_clients_behind(rendered: Graph) -> None:
    graph = copy.deepcopy(rendered)
    del graph["record"]["dr-secondary-aaaa"]
    left = graph["record"]["dr-primary-aaaa"]
    for key in ("failoverRoutingPolicies", "setIdentifier", "healthCheckId"):
        del left[key]
    assert [problem for problem in problems(graph) if "IPv6 clients would stay" in problem]
