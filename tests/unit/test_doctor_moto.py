"""The doctor's calls through the real SDK, answered by moto: their parameters are AWS's, and its shapes are read."""

from collections.abc import Iterator

import boto3  # type: ignore[import-untyped]
import pytest
from moto import mock_aws

from operations.amazon import Boto
from operations.doctor import delegation, identity, offers, state
from operations.doctor.answers import Answer
from operations.unanswered import CouldNotAsk, NoAnswer
from twinsite.needs import Aws, Home, Machine

REGION = "eu-west-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Boto]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield Boto(REGION)


def needs(image: str, zone: str = f"{REGION}a") -> Aws:
    return Aws(REGION, "", zone, (Machine("gateway", "t3.micro", image),), 1, 1)


def test_identity_zone_and_image(aws: Boto) -> None:
    assert "account 123456789012" in identity.at_aws(aws).words
    image = boto3.client("ec2", REGION).describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    assert offers.in_zone(aws, needs(image)).answer == Answer.OK
    assert offers.in_zone(aws, needs(image, f"{REGION}z")).answer == Answer.NOT_OK
    assert offers.amis(aws, needs(image)).answer == Answer.OK
    assert "no image in" in offers.amis(aws, needs("ami-0123456789abcdef9")).words


def test_zone_of_the_domain_and_bucket_of_the_state(aws: Boto, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    monkeypatch.setattr(delegation, "_servers", lambda domain: zone["DelegationSet"]["NameServers"])
    assert delegation.ask(aws, "example.com", zone["HostedZone"]["Id"]).answer == Answer.OK
    assert delegation.ask(aws, "example.com", "Z0000000000000000000").answer == Answer.NOT_OK
    boto3.client("s3", "us-east-1").create_bucket(Bucket="bucket-of-state")
    home = Home("s3://bucket-of-state")
    assert state.ask(home, aws, None, None).answer == Answer.NOT_OK
    on = {"Status": "Enabled"}
    boto3.client("s3").put_bucket_versioning(Bucket="bucket-of-state", VersioningConfiguration=on)
    assert state.ask(home, aws, None, None).answer == Answer.OK


def test_a_call_that_nobody_answers_and_one_that_is_wrong_are_two_things(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(NoAnswer, match="AWS does not answer: Could not connect"):
        Boto(REGION).ask("dms", "DescribeReplicationTasks")
    with pytest.raises(CouldNotAsk) as wrong:
        Boto(REGION).ask("dms", "DescribeTableStatistics")
    assert not isinstance(wrong.value, NoAnswer), "it lacks the task, whenever it is asked"
