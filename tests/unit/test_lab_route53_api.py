"""Route 53's API in the lab, with boto3 as the client."""

import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSResponse

from lab.services.route53_api import Route53
from lab.services.signature import Request
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN
from lab.state import State

ALB = "shop-1.ap-northeast-2.elb.amazonaws.com"
ALIAS = {
    "Name": "www.example.com.", "Type": "A", "SetIdentifier": "one", "Failover": "PRIMARY", "HealthCheckId": "hc",
    "AliasTarget": {"HostedZoneId": "ZWKZPGTI48KDX", "DNSName": f"{ALB}.", "EvaluateTargetHealth": True},
}  # fmt: skip
PLAIN = {
    "Name": "txt.example.com.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"a<b&c"'}, {"Value": '"d"'}],
}  # fmt: skip


class Body(bytes):
    """What urllib3 would give."""

    def stream(self, **given: Any) -> list[bytes]:
        return [bytes(self)]


@pytest.fixture
def records() -> dict[str, dict[str, Any]]:
    checks = {"hc": {"type": "HTTPS"}}
    return {ZONE_TOKEN: {"Z": {"name": "example.com"}}, RECORD_TOKEN: {}, "aws:route53/healthCheck:HealthCheck": checks}


@pytest.fixture
def client(records: dict[str, dict[str, Any]]) -> Any:
    def change(token: str, gone: Collection[str], made: Mapping[str, Any]) -> None:
        kept = {key: one for key, one in records[token].items() if key not in gone}
        records[token] = {**kept, **made}

    api = Route53(lambda token: records.get(token, {}), change)
    made = boto3.client("route53", aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")

    def send(request: Any, **given: Any) -> AWSResponse:
        path, _, query = request.url.partition("amazonaws.com")[2].partition("?")
        body = request.body or b""
        status, headers, answer = api.answer(
            Request(
                request.method,
                "route53.amazonaws.com",
                path,
                query,
                {},
                body.encode() if isinstance(body, str) else body,
            )
        )
        return AWSResponse(request.url, status, dict(headers), Body(answer))

    made.meta.events.register("before-send.route53.*", send)
    return made


def change(client: Any, action: str, *sets: dict[str, Any]) -> Any:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": one} for one in sets]}
    return client.change_resource_record_sets(HostedZoneId="Z", ChangeBatch=batch)["ChangeInfo"]


def test_what_is_created_is_listed_as_it_was_given_and_is_the_providers_record(
    client: Any, records: dict[str, dict[str, Any]]
) -> None:
    about = change(client, "CREATE", ALIAS, PLAIN)
    assert about["Status"] == "INSYNC"
    assert client.get_change(Id=about["Id"])["ChangeInfo"]["Id"] == about["Id"]
    assert client.list_resource_record_sets(HostedZoneId="Z")["ResourceRecordSets"] == [PLAIN, ALIAS]
    assert records[RECORD_TOKEN]["Z_www.example.com_A_one"] == {
        "zoneId": "Z", "name": "www.example.com", "fqdn": "www.example.com", "type": "A", "setIdentifier": "one",
        "healthCheckId": "hc", "failoverRoutingPolicies": [{"type": "PRIMARY"}],
        "aliases": [{"zoneId": "ZWKZPGTI48KDX", "name": ALB, "evaluateTargetHealth": True}],
    }  # fmt: skip
    found = client.list_resource_record_sets(HostedZoneId="Z", StartRecordName="www.example.com", StartRecordType="A")
    assert found["ResourceRecordSets"] == [ALIAS]
    change(client, "DELETE", ALIAS, PLAIN)
    assert records[RECORD_TOKEN] == {}


def test_errors_have_route_53s_codes_and_a_batch_is_all_or_nothing(
    client: Any, records: dict[str, dict[str, Any]]
) -> None:
    def code(call: Callable[[], Any]) -> tuple[str, str, int]:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call()
        said = caught.value.response
        return said["Error"]["Code"], said["Error"]["Message"], said["ResponseMetadata"]["HTTPStatusCode"]

    assert code(lambda: client.list_resource_record_sets(HostedZoneId="ZNONE")) == (
        "NoSuchHostedZone", "No hosted zone found with ID: ZNONE", 404,
    )  # fmt: skip
    found = code(lambda: change(client, "CREATE", PLAIN, {**PLAIN, "Name": "a.example.org."}))
    assert (found[0], found[2]) == ("InvalidChangeBatch", 400)
    assert "a.example.org. is not permitted in zone example.com" in found[1]
    assert records[RECORD_TOKEN] == {}
    assert code(lambda: client.list_hosted_zones())[0] == "InvalidInput"


def test_nobody_sees_a_batch_half_done(tmp_path: Path) -> None:
    memory = State(tmp_path / "state.json", "box-1")
    memory.records_put(RECORD_TOKEN, "old", {"at": 0})
    seen: set[tuple[str, ...]] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.add(tuple(memory.records_list(RECORD_TOKEN)))

    watching = threading.Thread(target=watch)
    watching.start()
    for _ in range(100):
        memory.records_change(RECORD_TOKEN, ["old"], {"new": {"at": 1}})
        memory.records_change(RECORD_TOKEN, ["new"], {"old": {"at": 0}})
    ended.set()
    watching.join()
    assert seen <= {("old",), ("new",)} and seen
