"""The lab's DNS: which names exist, over UDP and TCP."""

from collections.abc import Iterator

import pytest
from dnslib import QTYPE, RCODE, DNSRecord  # type: ignore[import-untyped]

from lab.services.names import Names, Resolver, lookup

FRONT = "198.51.100.60"


@pytest.mark.parametrize(
    "name",
    [
        "s3.ap-northeast-2.amazonaws.com",
        "my-bucket.s3.ap-northeast-2.amazonaws.com.",
        "a.bucket.with.dots.s3.us-gov-west-1.amazonaws.com",
        "S3.amazonaws.com",
        "secretsmanager.eu-west-1.amazonaws.com",
        "ssm.ap-northeast-2.amazonaws.com",
        "sts.ap-northeast-2.amazonaws.com",
        "ec2.ap-northeast-2.amazonaws.com",
    ],
)
def test_names_of_the_aws_apis_are_the_front(name: str) -> None:
    assert lookup(name, {}) == FRONT


@pytest.mark.parametrize(
    "name",
    [
        "iam.amazonaws.com",
        "bucket.secretsmanager.eu-west-1.amazonaws.com",
        "amazonaws.com",
        "s3.ap-northeast-2.amazonaws.com.example.org",
        "example.org",
        "10.20.1.10",
    ],
)
def test_other_names_do_not_exist(name: str) -> None:
    assert lookup(name, {}) is None


def test_names_of_the_world_and_of_machines_resolve() -> None:
    assert lookup("DB.internal.", {"db.internal": "10.20.1.20"}) == "10.20.1.20"
    assert lookup("ip-10-20-1-10.ap-northeast-2.compute.internal", {}) == "10.20.1.10"


@pytest.fixture
def server() -> Iterator[int]:
    names = Names(Resolver(lambda: {"db.internal": "10.20.1.20"}), address="127.0.0.1", port=15353)
    names.start()
    yield 15353
    names.stop()


@pytest.mark.parametrize("tcp", [False, True])
def test_answers_on_the_wire(server: int, tcp: bool) -> None:
    def ask(name: str, kind: str = "A") -> DNSRecord:
        return DNSRecord.parse(DNSRecord.question(name, kind).send("127.0.0.1", server, tcp=tcp, timeout=30))

    found = ask("db.internal")
    assert [(QTYPE[answer.rtype], str(answer.rdata)) for answer in found.rr] == [("A", "10.20.1.20")]
    six = ask("db.internal", "AAAA")
    assert (six.header.rcode, six.rr) == (RCODE.NOERROR, []), "it exists, without IPv6"
    assert ask("example.org").header.rcode == RCODE.NXDOMAIN
