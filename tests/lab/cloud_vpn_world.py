"""A VPN between AWS and Google as the program asks for it, and what the lab's stand-ins made of that."""

import copy
import dataclasses
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any

import pulumi_aws as aws
import pulumi_gcp as gcp

from lab.model import VpnRouter
from lab.providers import tokens
from lab.providers.framework.provider import Provider
from lab.providers.framework.schema import Schemas, sdk_version
from lab.providers.framework.values import reveal
from lab.services import cloud_vpn
from tests.mocks import harness
from tests.policy.pack import Given
from twinsite import AwsGcpVpn, DrMode

Records = dict[str, dict[str, dict[str, Any]]]
"""By type and id."""

VPC, SUBNET, SERVICES = "10.10.0.0/16", "10.30.0.0/20", "10.31.0.0/20"
TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
INTERFACE = "gcp:compute/routerInterface:RouterInterface"
PEER = "gcp:compute/routerPeer:RouterPeer"
PASSWORD = "random:index/randomPassword:RandomPassword"


def program() -> None:
    vpc = aws.ec2.Vpc("crm", cidr_block=VPC, region="ap-northeast-2")
    network = gcp.compute.Network("crm", name="crm", auto_create_subnetworks=False)
    gcp.compute.Subnetwork("crm", name="crm", network=network.id, ip_cidr_range=SUBNET, region="asia-northeast3")
    AwsGcpVpn(
        "crm",
        {
            "dr_mode": DrMode.WARM,
            "aws_region": "ap-northeast-2",
            "vpc_id": vpc.id,
            "vpc_range": VPC,
            "route_table_ids": {"private": "rtb-1"},
            "gcp_region": "asia-northeast3",
            "gcp_network_id": network.id,
            "gcp_ranges": [SUBNET],
            "service_range": SERVICES,
        },
    )


def told() -> Records:
    """All that the stand-ins recorded."""
    records: Records = {}
    made: dict[int, str] = {}
    fill: dict[str, harness.Fill] = {PASSWORD: _password}
    ids: dict[str, harness.Identify] = {}

    def filled(standing_in: Provider, token: str) -> harness.Fill:
        def create(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
            urn = f"urn:pulumi:test::twinsite::{token}::{name}"
            checked, problems = standing_in.check(urn, {}, copy.deepcopy(inputs), secrets.token_bytes(16))
            assert problems == []
            identity, outputs = standing_in.create(urn, checked, False, 0.0)
            made[id(inputs)] = identity
            records.setdefault(token, {})[identity] = reveal(outputs)
            return records[token][identity]

        return create

    for package in ("aws", "gcp"):
        schemas = Schemas(package, sdk_version(package))
        schemas.require(tokens(package))
        standing_in = Provider(package, schemas, connect=lambda: None)
        standing_in.config = {"project": "crm-dr"} if package == "gcp" else {"region": "ap-northeast-2"}
        for token in tokens(package):
            fill[token] = filled(standing_in, token)
            ids[token] = lambda inputs: made[id(inputs)]
    harness.run(program, fill, ids=ids)
    return records


def routers(records: Mapping[str, Mapping[str, dict[str, Any]]]) -> tuple[VpnRouter, VpnRouter]:
    """AWS's and Google's, attached to no network: the tests' box has none."""
    read: Callable[[str], Mapping[str, Mapping[str, Any]]] = lambda token: records.get(token, {})  # noqa: E731
    (at_aws,), (at_google,) = cloud_vpn.at_aws(read), cloud_vpn.at_google(read)
    return dataclasses.replace(at_aws, vpc=""), dataclasses.replace(at_google, vpc="")


def graph(records: Records) -> list[Given]:
    """The same as a policy sees it."""
    return [
        Given(token, str(one.get("name") or identity), {"id": identity, **one})
        for token, those in records.items()
        for identity, one in those.items()
    ]


def _password(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    letters = string.ascii_letters + string.digits
    return {"result": "".join(secrets.choice(letters) for _ in range(int(inputs["length"])))}
