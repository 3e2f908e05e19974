"""Topology aws-gcp under mocks: a user's settings, some changed, and what its program registers."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi

from stacks import home
from stacks.aws_gcp import build as aws_gcp
from stacks.aws_gcp import settings as aws_gcp_settings
from stacks.settings import Reader
from tests.aws_gcp_config import PROVIDERS, SECRETS, SETTINGS, WRITERS, WRITERS_SECRET

from .gke_world import SAID
from .harness import Run, run
from .test_dms_cdc_task import FILL as FILL_OF_DMS

FILL = {
    **SAID,
    **FILL_OF_DMS,
    "gcp:compute/haVpnGateway:HaVpnGateway": lambda name, inputs: {
        "vpnInterfaces": [{"id": at, "ipAddress": f"34.157.1.{at}"} for at in (0, 1)]
    },
    "aws:ec2/vpnConnection:VpnConnection": lambda name, inputs: {
        f"tunnel{number}Address": f"13.124.{name[-1]}.{number}" for number in (1, 2)
    },
    "gcp:storage/bucket:Bucket": lambda name, inputs: {"name": inputs.get("name") or f"{name}-name"},
    "gcp:compute/router:Router": lambda name, inputs: {"project": "example-dr"},
    "gcp:servicenetworking/connection:Connection": lambda name, inputs: {"peering": "servicenetworking-googleapis-com"},
    "gcp:compute/globalAddress:GlobalAddress": lambda name, inputs: {"address": inputs.get("address") or "34.120.1.7"},
    **{
        f"gcp:iam/{kind[0].lower()}{kind[1:]}:{kind}": lambda name, inputs: {"name": f"projects/7/pools/{name}"}
        for kind in ("WorkloadIdentityPool", "WorkloadIdentityPoolProvider")
    },
    "gcp:monitoring/notificationChannel:NotificationChannel": lambda name, inputs: {
        "name": f"projects/example-dr/notificationChannels/{name}"
    },
    "gcp:sql/databaseInstance:DatabaseInstance": lambda name, inputs: {
        "privateIpAddress": "10.31.0.3",
        "connectionName": f"example-dr:asia-northeast3:{inputs['name']}",
        "serverCaCerts": [{"cert": "PEM"}],
    },
}

EVERYTHING: dict[str, Any] = {
    "cache_image": f"valkey/valkey@sha256:{'c' * 64}",
    "cache_holds": ["pages"],
    "backup_bucket": "crm-dr-backups",
    "backup_image": f"registry.example.com/postgres-backup@sha256:{'a' * 64}",
    "backup_password": "backup-word",
    **WRITERS,
    **WRITERS_SECRET,
}
"""What a user need not have: a cache, backups, registers and agents, alarms about pods at AWS."""


BY_DMS: dict[str, Any] = {
    "flow": "dms",
    "tolerated_outage_hours": 24,
    "dms_largest_lob_kib": 900,
    "dms_subnet_ids": {"ap-northeast-2a": "subnet-a", "ap-northeast-2c": "subnet-c"},
}
"""A task of AWS's DMS instead of a subscription."""


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def see(stack: str, project: Path) -> home.Home:
    """A home outside AWS, wherever the tests run."""
    return home.see(stack, project, {"HOME": "/none"}, Path("/none"))


def read(**change: Any) -> aws_gcp.Settings:
    """Settings of a user's stack file, and a change."""
    values = {key: text(value) for key, value in {**SETTINGS, **SECRETS, **change}.items()}
    pulumi.runtime.set_all_config(PROVIDERS | {f"twinsite:{key}": value for key, value in values.items()})
    reader = Reader(values.get)
    with mock.patch.object(aws_gcp_settings, "see", see):
        settings = aws_gcp.read(reader)
    reader.finish("stack test")
    return settings


def build(seen: Run | None = None, **change: Any) -> Run:
    """The program with these settings changed."""
    return run(lambda: aws_gcp.build(read(**change)), fill=FILL, seen=seen)
