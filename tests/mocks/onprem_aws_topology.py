"""Topology onprem-aws under mocks: a user's settings, some changed, and what its program registers."""

import json
from pathlib import Path
from typing import Any

import pulumi

from stacks.declared import defaults
from stacks.onprem_aws import build as onprem_aws
from stacks.settings import Reader

from .harness import Run, run
from .test_machine import keys

CONFIG = {
    "ami": "ami-0123456789abcdef0",
    "onprem_gateway_ssh": "ubuntu@203.0.113.64:2210",
    "onprem_database_ssh": "ubuntu@203.0.113.64:2220",
    "onprem_gateway_host_key": "ssh-ed25519 GATEWAY",
    "onprem_database_host_key": "ssh-ed25519 DATABASE",
    "onprem_ssh_private_key": "PRIVATE",
    "operator_keys": '["ssh-ed25519 OPERATOR"]',
    "operator_ranges": '["203.0.113.10/32"]',
}
TREE = Path(__file__).resolve().parents[2]


def tls_request(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"certRequestPem": "REQUEST"}


def tls_certificate(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"certPem": f"CERTIFICATE {name}"}


def tls_key(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {**keys(name, inputs), "privateKeyPem": f"KEY {name}", "privateKeyPemPkcs8": f"KEY {name}"}


FILL = {
    "tls:index/privateKey:PrivateKey": tls_key,
    "tls:index/certRequest:CertRequest": tls_request,
    "tls:index/selfSignedCert:SelfSignedCert": tls_certificate,
    "tls:index/locallySignedCert:LocallySignedCert": tls_certificate,
}


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def project(**change: Any) -> dict[str, str]:
    """The topology's defaults overlaid with CONFIG and a change, as Pulumi gives them to a program."""
    values = defaults(onprem_aws.NAME) | CONFIG
    values |= {key: text(value) for key, value in change.items()}
    raw = {f"twinsite:{key}": value for key, value in values.items()} | {"aws:region": "ap-northeast-2"}
    pulumi.runtime.set_all_config(raw)
    return values


def build(region: str = "ap-northeast-2", seen: Run | None = None, **change: Any) -> Run:
    """The program with these settings changed."""
    values = project(**change)
    pulumi.runtime.set_config("aws:region", region)

    def program() -> Any:
        reader = Reader(values.get)
        settings = onprem_aws.read(reader)
        reader.finish("stack test")
        return onprem_aws.build(settings)

    return run(program, fill=FILL, seen=seen)
