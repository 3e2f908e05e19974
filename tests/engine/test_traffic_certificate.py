"""EdgeCertificate on the real engine, in a zone that has the proof already: the load balancer's certificate made it."""

from pathlib import Path
from typing import Any

import pytest

from lab.providers.aws.acm_certificate import validation
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN
from tests.engine.conftest import LiveStack

TREE = Path(__file__).resolve().parents[2]

PROGRAM = f"""
    import sys
    sys.path.insert(0, {str(TREE)!r})
    import pulumi, pulumi_aws as aws
    from twinsite.traffic.edge_certificate import EdgeCertificate

    certificate = EdgeCertificate("edge", {{"fqdn": "www.example.com", "zone_id": "Z1"}})
    pulumi.export("arn", certificate.arn)
"""

PLAIN = """
    import pulumi_aws as aws
    certificate = aws.acm.Certificate("c", domain_name="www.example.com", validation_method="DNS", region="us-east-1")
    proof = certificate.domain_validation_options[0]
    aws.route53.Record("proof", zone_id="Z1", name=proof.resource_record_name, type=proof.resource_record_type,
                       ttl=60, records=[proof.resource_record_value])
"""


@pytest.fixture
def zone(live: LiveStack) -> LiveStack:
    live.memory.records_put(ZONE_TOKEN, "Z1", {"name": "example.com", "nameServers": []})
    return live


def proof(live: LiveStack) -> dict[str, Any]:
    """The one record of the zone."""
    record: dict[str, Any]
    ((_, record),) = live.memory.records_list(RECORD_TOKEN).items()
    return record


def of_the_load_balancer(live: LiveStack) -> str:
    """Put the record that proves www.example.com, as another certificate of the account wanted it; its value."""
    wanted = validation("www.example.com")
    name, value = wanted["resourceRecordName"].rstrip("."), wanted["resourceRecordValue"]
    there = {"zoneId": "Z1", "name": name, "fqdn": name, "type": "CNAME", "ttl": 300, "records": [value]}
    live.memory.records_put(RECORD_TOKEN, f"Z1_{name}_CNAME", there)
    return value


def test_a_proof_that_is_there_is_adopted_and_stays_when_the_stack_goes_and_is_adopted_again(zone: LiveStack) -> None:
    value = of_the_load_balancer(zone)
    zone.program(PROGRAM)
    for _ in range(2):
        said = zone.up()
        assert "left" not in said, "what is adopted is nobody's leftover"
        assert zone.outputs()["arn"].startswith("arn:aws:acm:us-east-1:")
        zone.up("--expect-no-changes")
        zone.must("destroy", "--yes", "--skip-preview", "--run-program")
        assert proof(zone)["records"] == [value], "the load balancer's certificate is renewed by it"
        assert zone.memory.records_list("aws:acm/certificate:Certificate") == {}


def test_where_there_was_none_it_is_made_and_another_name_leaves_the_old_one(zone: LiveStack) -> None:
    zone.program(PROGRAM)
    zone.up()
    zone.program(PROGRAM.replace("www.example.com", "dr.example.com"))
    zone.up()
    names = {one["fqdn"].split(".", 1)[1] for one in zone.memory.records_list(RECORD_TOKEN).values()}
    assert names == {"www.example.com", "dr.example.com"}


def test_route_53_refuses_to_create_a_record_that_is_there(zone: LiveStack) -> None:
    # Without this the first test would pass in a zone that takes anything.
    of_the_load_balancer(zone)
    zone.program(PLAIN)
    code, said = zone.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "Tried to create resource record set" in said
    assert "but it already exists" in said
