"""What differs from partition to partition of AWS."""

import pytest

from tests.unit.test_guest_agent import load
from twinsite.hosted_zone import HostedZone
from twinsite.machine import documents
from twinsite.partition import Partition, partition
from twinsite.rules.hosts import region_problems


@pytest.mark.parametrize(
    ("region", "found"),
    [
        ("ap-northeast-2", Partition("aws", "amazonaws.com")),
        ("eu-newplace-7", Partition("aws", "amazonaws.com")),  # opened after this botocore
        ("cn-north-1", Partition("aws-cn", "amazonaws.com.cn")),
        ("us-gov-west-1", Partition("aws-us-gov", "amazonaws.com")),
    ],
)
def test_a_region_is_of_a_partition(region: str, found: Partition) -> None:
    assert partition(region) == found
    assert list(region_problems(region)) == []
    aside = list(region_problems(region, ("aws",)))
    assert bool(aside) == (found.name != "aws")
    assert all("`pulumi config set aws:region`" in problem for problem in aside)


@pytest.mark.parametrize(("region", "says"), [("seoul", "is no AWS region"), ("us-iso-east-1", "partition aws-iso")])
def test_what_is_no_region_or_of_a_partition_that_nobody_read_about_is_refused(region: str, says: str) -> None:
    (problem,) = region_problems(region)
    assert says in problem
    assert "`pulumi config set aws:region`" in problem


@pytest.mark.parametrize(("region", "suffix"), [("cn-north-1", "amazonaws.com.cn"), ("us-gov-west-1", "amazonaws.com")])
def test_the_agent_asks_the_services_of_its_partition(
    region: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = documents.user_data("${agent_json}", "bucket", region, "host")
    agent, asked = load("aws"), []
    keys = {"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}
    monkeypatch.setattr(agent, "credentials", lambda: keys)

    def answer(request: object) -> tuple[bytes, dict[str, str]]:
        asked.append(request.host)  # type: ignore[attr-defined]
        return b'{"SecretString": ""}', {}

    monkeypatch.setattr(agent, "_send", answer)
    import json

    cloud = agent.Cloud(json.loads(text))
    cloud.get("a")
    cloud.status(b"{}")
    cloud.secret({"arn": "arn", "version": "1"})
    assert asked == [f"bucket.s3.{region}.{suffix}"] * 2 + [f"secretsmanager.{region}.{suffix}"]


def test_where_nothing_differs_nothing_is_said_so_that_no_machine_is_told_anew() -> None:
    assert "suffix" not in documents.user_data("${agent_json}", "bucket", "ap-northeast-2", "host")


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("", "https://route53.amazonaws.com"),
        ("ap-northeast-2", "https://route53.amazonaws.com"),
        ("cn-north-1", "https://route53.amazonaws.com.cn"),
        ("us-gov-east-1", "https://route53.us-gov.amazonaws.com"),
    ],
)
def test_a_zone_is_asked_for_at_the_partitions_own_route_53(
    region: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    if region:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert HostedZone("Z1")._api.meta.endpoint_url == endpoint
