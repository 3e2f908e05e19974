"""The metadata service over HTTP on the loopback interface: what a machine sees on 169.254.169.254."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.methods import wait_until
from lab.services.credentials import Credentials, Register, operator_credentials
from lab.services.metadata import Guest, Metadata

GUEST = Guest(
    id="i-0aaa",
    region="ap-northeast-2",
    address="10.20.1.10",
    public_address="203.0.113.128",
    user_data="#cloud-config\n",
    role="gateway",
    hop_limit=1,
    tokens_required=True,
    enabled=True,
    public_key="ssh-ed25519 AAAA op",
    record={"ami": "ami-1", "availabilityZone": "ap-northeast-2c"},
)
TTL = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}


class Service:
    """A metadata service whose one machine, the loopback address, can be changed."""

    def __init__(self) -> None:
        self.guest: Guest | None = GUEST
        self.register = Register(operator_credentials())
        listening = socket.create_server(("127.0.0.1", 0))
        self.server = Metadata(listening, lambda address: self.guest, self.issue)
        self.port = listening.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def issue(self, role: str, machine: str) -> Credentials | None:
        return self.register.for_machine(role, machine) if role == "gateway" else None

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def get(self, path: str) -> tuple[int, str]:
        token = self.ask("PUT", "/latest/api/token", TTL)[1]
        return self.ask("GET", f"/latest/{path}", {"X-aws-ec2-metadata-token": token})


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("meta-data/instance-id", "i-0aaa"),
        ("meta-data/local-ipv4", "10.20.1.10"),
        ("meta-data/public-ipv4", "203.0.113.128"),
        ("meta-data/placement/region", "ap-northeast-2"),
        ("meta-data/placement/availability-zone", "ap-northeast-2c"),
        ("meta-data/iam/security-credentials/", "gateway"),
        ("meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA op"),
        ("user-data", "#cloud-config\n"),
    ],
)
def test_a_machine_reads_its_own_metadata(service: Service, path: str, value: str) -> None:
    assert service.get(path) == (200, value)


def test_the_identity_document_names_region_and_instance(service: Service) -> None:
    document = json.loads(service.get("dynamic/instance-identity/document")[1])
    assert (document["region"], document["instanceId"], document["privateIp"]) == (
        "ap-northeast-2",
        "i-0aaa",
        "10.20.1.10",
    )


def test_role_credentials_are_those_that_the_front_accepts(service: Service) -> None:
    given = json.loads(service.get("meta-data/iam/security-credentials/gateway")[1])
    known = service.register.find(given["AccessKeyId"])
    assert known is not None
    assert (known.secret_key, known.token, known.role) == (given["SecretAccessKey"], given["Token"], "gateway")
    assert given["Code"] == "Success"


def test_another_role_than_its_own_is_not_given(service: Service) -> None:
    assert service.get("meta-data/iam/security-credentials/database")[0] == 404


def test_a_machine_without_a_role_has_no_credentials(service: Service) -> None:
    service.guest = replace(GUEST, role="")
    assert service.get("meta-data/iam/security-credentials/gateway")[0] == 404
    assert service.get("meta-data/iam/security-credentials/")[0] == 404


def test_version_one_is_refused_when_tokens_are_required_and_served_when_not(service: Service) -> None:
    assert service.ask("GET", "/latest/meta-data/instance-id")[0] == 401
    service.guest = replace(GUEST, tokens_required=False)
    assert service.ask("GET", "/latest/meta-data/instance-id") == (200, "i-0aaa")


def test_a_token_is_of_one_machine_and_must_be_known(service: Service) -> None:
    token = service.ask("PUT", "/latest/api/token", TTL)[1]
    path, wrong = "/latest/meta-data/instance-id", {"X-aws-ec2-metadata-token": "made-up"}
    assert service.ask("GET", path, wrong)[0] == 401
    service.guest = replace(GUEST, id="i-0bbb")
    assert service.ask("GET", path, {"X-aws-ec2-metadata-token": token})[0] == 401


def test_a_token_needs_a_lifetime_and_no_proxy(service: Service) -> None:
    assert service.ask("PUT", "/latest/api/token")[0] == 400
    assert service.ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "21601"})[0] == 400
    assert service.ask("PUT", "/latest/api/token", TTL | {"X-Forwarded-For": "10.0.0.1"})[0] == 403


def test_a_service_that_is_switched_off_answers_nobody(service: Service) -> None:
    service.guest = replace(GUEST, enabled=False)
    assert service.ask("PUT", "/latest/api/token", TTL)[0] == 403
    assert service.ask("GET", "/latest/meta-data/instance-id")[0] == 403


def test_an_address_without_a_machine_gets_nothing(service: Service) -> None:
    service.guest = None
    assert service.ask("PUT", "/latest/api/token", TTL)[0] == 404
    assert service.ask("GET", "/latest/meta-data/instance-id")[0] == 404


@pytest.mark.parametrize("hops", [1, 3])
def test_the_token_leaves_with_the_machines_hop_limit(hops: int) -> None:
    """IP_RECVTTL is for datagrams; the server's own socket says what it set."""
    seen: list[int] = []

    class Watched(Metadata):
        def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
            seen.append(request.getsockopt(socket.IPPROTO_IP, socket.IP_TTL))
            super().shutdown_request(request)

    server = Watched(socket.create_server(("127.0.0.1", 0)), lambda _: replace(GUEST, hop_limit=hops), lambda *_: None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request("PUT", "/latest/api/token", headers=TTL | {"Connection": "close"})
    assert connection.getresponse().status == 200
    connection.close()
    wait_until(lambda: bool(seen), 60, "the end of the connection")
    server.shutdown()
    server.server_close()
    thread.join()
    assert seen == [hops]
