"""Hosted zones on the wire: which record a question gets while checks change, and what a caching resolver keeps."""

from collections.abc import Iterator
from typing import Any

import pytest
from dnslib import QTYPE, RCODE, DNSRecord  # type: ignore[import-untyped]

from lab.services.caching import Caching
from lab.services.names import Names, Resolver
from lab.services.zones import Balancer, Zones

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ALB = Balancer("shop-1.ap-northeast-2.elb.amazonaws.com", "ZWKZPGTI48KDX", "198.51.100.80", "2001:db8::80")


def record(name: str, kind: str = "A", **more: Any) -> dict[str, Any]:
    return {"zoneId": "Z1", "name": name, "type": kind, **more}


def alias(target: str, zone: str, evaluate: bool) -> list[dict[str, Any]]:
    return [{"name": target, "zoneId": zone, "evaluateTargetHealth": evaluate}]


class Lab:
    """Records as the provider keeps them, and switches for what is healthy."""

    def __init__(self) -> None:
        self.red: set[str] = set()
        self.target = True
        primary: dict[str, Any] = {"failoverRoutingPolicies": [{"type": "PRIMARY"}], "setIdentifier": "aws"}
        secondary: dict[str, Any] = {"failoverRoutingPolicies": [{"type": "SECONDARY"}], "setIdentifier": "azure"}
        edge = alias("d1.cloudfront.net", "Z2FDTNDATAQYW2", False)
        self.records: dict[str, dict[str, dict[str, Any]]] = {
            ZONE: {"Z1": {"name": "example.com", "nameServers": ["ns-1.awsdns-01.org"]}},
            DISTRIBUTION: {"E1": {"domainName": "d1.cloudfront.net", "isIpv6Enabled": True}},
            RECORD: {
                "1": record("www", aliases=alias(f"dualstack.{ALB.name}", ALB.zone_id, True), **primary),
                "2": record("www.example.com", aliases=edge, healthCheckId="edge", **secondary),
                "3": record("plain.example.com", ttl=30, records=["192.0.2.1"], healthCheckId="latch", **primary),
                "4": record("plain.example.com", ttl=30, records=["192.0.2.2"], **secondary),
                "5": record("_proof.www.example.com", "CNAME", ttl=300, records=["_x.acm-validations.aws."]),
                "6": record("also.example.com", "CNAME", ttl=20, records=["plain.example.com."]),
                "7": record("same.example.com", aliases=alias("plain.example.com", "Z1", True)),
                "8": record("note.example.com", "TXT", ttl=60, records=["v=spf1 -all"]),
                "9": record("www", "AAAA", aliases=alias(ALB.name, ALB.zone_id, True), **primary),
            },
        }
        zones = Zones(
            lambda token: self.records.get(token, {}),
            lambda check: check not in self.red,
            lambda: {ALB: self.target},
        )
        self.resolver = Resolver(lambda: {"db.internal": "10.20.1.20"}, zones.answer)

    def ask(self, name: str, kind: str = "A", resolver: Any = None) -> list[tuple[str, str, int]]:
        reply = self.reply(name, kind, resolver)
        return [(QTYPE[one.rtype], str(one.rdata), one.ttl) for one in reply.rr]

    def reply(self, name: str, kind: str = "A", resolver: Any = None) -> DNSRecord:
        answer = (resolver or self.resolver).resolve(DNSRecord.question(name, kind), None)
        return DNSRecord.parse(answer.pack())


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_an_alias_to_a_load_balancer_follows_its_targets_health(lab: Lab) -> None:
    assert lab.ask("www.example.com") == [("A", "198.51.100.80", 60)]
    lab.target = False
    assert lab.ask("WWW.example.com.") == [("A", "198.51.100.70", 60)]
    assert lab.ask("www.example.com", "AAAA") == [("AAAA", "2001:db8::80", 60)], "its pair is not complete"
    lab.red = {"edge"}
    assert lab.ask("www.example.com") == [("A", "198.51.100.80", 60)], "both unhealthy: the primary"


def test_a_plain_pair_follows_its_check_with_its_own_ttl(lab: Lab) -> None:
    assert lab.ask("plain.example.com") == [("A", "192.0.2.1", 30)]
    lab.red = {"latch"}
    assert lab.ask("plain.example.com") == [("A", "192.0.2.2", 30)]
    assert lab.ask("same.example.com") == [("A", "192.0.2.2", 30)], "an alias inside the zone"
    assert lab.ask("also.example.com") == [("CNAME", "plain.example.com.", 20), ("A", "192.0.2.2", 30)]


def test_names_that_are_there_without_the_type_differ_from_names_that_are_not(lab: Lab) -> None:
    there, gone = lab.reply("plain.example.com", "AAAA"), lab.reply("nobody.example.com")
    assert (there.header.rcode, there.rr, gone.header.rcode) == (RCODE.NOERROR, [], RCODE.NXDOMAIN)
    assert [QTYPE[one.rtype] for one in gone.auth] == ["SOA"]
    assert lab.ask("_proof.www.example.com", "CNAME") == [("CNAME", "_x.acm-validations.aws.", 300)]


def test_a_zone_has_name_servers_that_lead_to_it(lab: Lab) -> None:
    assert lab.ask("example.com", "NS") == [("NS", "ns-1.awsdns-01.org.", 172800)]
    assert lab.ask("ns-1.awsdns-01.org") == [("A", "198.51.100.53", 60)]
    assert lab.ask("note.example.com", "TXT") == [("TXT", '"v=spf1 -all"', 60)]
    assert lab.reply("example.com", "SOA").header.aa == 1


def test_names_outside_of_zones_are_as_before(lab: Lab) -> None:
    assert lab.ask("db.internal") == [("A", "10.20.1.20", 5)]
    assert lab.reply("d2.cloudfront.net").header.rcode == RCODE.NXDOMAIN
    assert lab.ask("d1.cloudfront.net", "AAAA") == [("AAAA", "2001:db8::70", 60)]


def test_a_users_resolver_keeps_an_answer_for_its_ttl_and_not_longer(lab: Lab) -> None:
    now = [1000.0]
    users = Caching(lab.resolver, lambda: now[0])
    assert lab.ask("plain.example.com", resolver=users) == [("A", "192.0.2.1", 30)]
    lab.red = {"latch"}
    now[0] += 29.5
    assert lab.ask("plain.example.com", resolver=users) == [("A", "192.0.2.1", 1)], "what is left of the 30 s"
    now[0] += 0.6
    assert lab.ask("plain.example.com", resolver=users) == [("A", "192.0.2.2", 30)]


def test_a_users_resolver_keeps_that_a_name_is_not_there(lab: Lab) -> None:
    now = [1000.0]
    users = Caching(lab.resolver, lambda: now[0])
    assert lab.reply("later.example.com", resolver=users).header.rcode == RCODE.NXDOMAIN
    lab.records[RECORD]["10"] = record("later", ttl=60, records=["192.0.2.9"])
    assert lab.reply("later.example.com", resolver=users).header.rcode == RCODE.NXDOMAIN
    now[0] += 900.1
    assert lab.ask("later.example.com", resolver=users) == [("A", "192.0.2.9", 60)]


@pytest.fixture
def server(lab: Lab) -> Iterator[int]:
    names = Names(Caching(lab.resolver), address="127.0.0.1", port=15354)
    names.start()
    yield 15354
    names.stop()


@pytest.mark.parametrize("tcp", [False, True])
def test_a_real_client_gets_the_pairs_answer(server: int, tcp: bool) -> None:
    reply = DNSRecord.parse(DNSRecord.question("www.example.com").send("127.0.0.1", server, tcp=tcp, timeout=30))
    assert [str(one.rdata) for one in reply.rr] == ["198.51.100.80"]
