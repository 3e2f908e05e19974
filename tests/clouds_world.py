"""Google, AWS and Cloudflare as they answer `status` for the stack of aws_gcp_world, in their documented shapes: a
quiet day. A test changes what it is about."""

import copy
import datetime
from collections.abc import Mapping
from typing import Any

from operations.cloudflare import CloudflareError
from operations.google import GoogleError
from operations.subjects.clouds import World
from tests.aws_gcp_world import INVENTORY
from tests.doctor_world import FakeAws
from twinsite.guest.logical import report

REGION = "compute/compute/v1/projects/example-dr/regions/asia-northeast3"
ROUTER = f"{REGION}/routers/twinsite-router/getRouterStatus"
TUNNELS = f"{REGION}/vpnTunnels"
SERVER = "sqladmin/v1/projects/example-dr/instances/twinsite-0a1b2c3d"
CLUSTER = "container/v1/projects/example-dr/locations/asia-northeast3/clusters/twinsite"
GROUP = (
    "compute/compute/v1/projects/example-dr/zones/asia-northeast3-{zone}/instanceGroupManagers/"
    "gke-twinsite-{pool}-{zone}"
)
REPORT = "storage/storage/v1/b/aws-gcp-operations-name/o/replicas%2Ftwinsite.json"
LOOK: dict[str, Any] = {
    "flow": "twinsite",
    "subscription": {"enabled": True, "running": True, "errors": {"apply_error": 0, "sync_error": 0}},
    "copied": True,
    "tables": {"public.customer": "ready"},
    "slot": {
        "active": True,
        "wal_status": "reserved",
        "safe_wal_size": 4 << 30,
        "failover": False,
        "behind_bytes": 56,
        "held_bytes": 12 << 20,
    },
    "lag": {"seconds": 0.4, "newest_seconds": 0.0},
    "differences": [],
    "healthy": True,
    "problems": [],
}
"""What `look` prints of a flow that is well."""
ACCOUNT, ZONE = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
POOLS, BALANCERS = f"accounts/{ACCOUNT}/load_balancers/pools", f"zones/{ZONE}/load_balancers"


def _tunnel(at: int) -> dict[str, Any]:
    return {
        "kind": "compute#vpnTunnel",
        "name": f"twinsite-tunnel-{at}",
        "peerIp": f"13.124.0.{at}",
        "status": "ESTABLISHED",
        "detailedStatus": "Tunnel is up and running.",
        "ikeVersion": 2,
    }


def _peer(at: int) -> dict[str, Any]:
    return {
        "name": f"twinsite-tunnel-{at}",
        "ipAddress": f"169.254.20.{4 * at - 2}",
        "peerIpAddress": f"169.254.20.{4 * at - 3}",
        "status": "UP",
        "state": "Established",
        "uptimeSeconds": "3600",
        "numLearnedRoutes": 1,
        "statusReason": "STATUS_REASON_UNSPECIFIED",
        "enableIpv4": True,
    }


def _pools(serving: int, warm: int) -> list[dict[str, Any]]:
    base = "https://www.googleapis.com/compute/v1/projects/example-dr/zones/asia-northeast3-{zone}/"
    return [
        {
            "name": name,
            "status": "RUNNING",
            "initialNodeCount": nodes,
            "instanceGroupUrls": [
                f"{base.format(zone=zone)}instanceGroupManagers/gke-twinsite-{name}-{zone}" for zone in "ab"
            ],
        }
        for name, nodes in (("serving", serving), ("warm", warm))
    ]


GOOGLE: dict[str, Any] = {
    TUNNELS: {"kind": "compute#vpnTunnelList", "items": [_tunnel(at) for at in (1, 2, 3, 4)]},
    ROUTER: {"kind": "compute#routerStatusResponse", "result": {"bgpPeerStatus": [_peer(at) for at in (1, 2, 3, 4)]}},
    SERVER: {
        "kind": "sql#instance",
        "state": "RUNNABLE",
        "databaseVersion": "POSTGRES_17",
        "settings": {
            "activationPolicy": "ALWAYS",
            "availabilityType": "ZONAL",
            "databaseFlags": [
                {"name": "cloudsql.logical_decoding", "value": "on"},
                {"name": "timezone", "value": "Asia/Seoul"},
            ],
            "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
            "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
        },
    },
    CLUSTER: {"name": "twinsite", "status": "RUNNING", "currentMasterVersion": "1.34.1", "nodePools": _pools(0, 1)},
    **{GROUP.format(pool="serving", zone=zone): {"targetSize": 0} for zone in "ab"},
    **{GROUP.format(pool="warm", zone=zone): {"targetSize": 1} for zone in "ab"},
}

AWS: dict[str, Any] = {
    "VpnConnections": [
        {
            "VpnConnectionId": f"vpn-{at}",
            "State": "available",
            "VgwTelemetry": [
                {
                    "OutsideIpAddress": f"13.124.0.{2 * at + number}",
                    "Status": "UP",
                    "StatusMessage": "2 BGP ROUTES",
                    "AcceptedRouteCount": 2,
                }
                for number in (2, 1)
            ],
            "Options": {
                "TunnelOptions": [
                    {
                        "OutsideIpAddress": f"13.124.0.{2 * at + number}",
                        "TunnelInsideCidr": f"169.254.20.{8 * at + 4 * (number - 1)}/30",
                    }
                    for number in (1, 2)
                ]
            },
        }
        for at in (0, 1)
    ]
}


def health(*places: bool, why: str = "HTTP status code mismatch") -> dict[str, Any]:
    """Of a pool, as so many places see it."""
    return {
        "pool_id": "p",
        "pop_health": {
            f"Place {at}": {
                "healthy": well,
                "origins": [
                    {
                        "13.124.9.9": {
                            "healthy": well,
                            "failure_reason": "No failures" if well else why,
                            "response_code": 200 if well else 503,
                            "rtt": "12.1ms",
                        }
                    }
                ],
            }
            for at, well in enumerate(places)
        },
    }


CLOUDFLARE: dict[str, Any] = {
    POOLS: [
        {"id": f"id-{site}", "name": f"aws-gcp-{site}", "enabled": True, "monitor": f"m-{site}", "origins": []}
        for site in ("aws", "gcp", "notice")
    ],
    BALANCERS: [
        {
            "id": "lb",
            "name": "crm.example.com",
            "enabled": True,
            "proxied": True,
            "steering_policy": "off",
            "default_pools": ["id-aws", "id-gcp", "id-notice"],
            "fallback_pool": "id-notice",
        }
    ],
    f"{POOLS}/id-aws/health": health(True, True, True),
    f"{POOLS}/id-gcp/health": health(False, False, False),
    f"{POOLS}/id-notice/health": health(True, True, True),
}


def looked(seconds_ago: float = 30.0, **found: Any) -> dict[str, Any]:
    """The job's report of a look, as the guest writes it."""
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
    return report.document({**copy.deepcopy(LOOK), **found}, at)


class FakeGoogle:
    """`answers`: service/path → an answer, or an exception. What is not there is a 404, as Google says it."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def get(self, service: str, path: str, **query: Any) -> Mapping[str, Any]:
        self.asked.append((f"{service}/{path}", query))
        answer: Mapping[str, Any] = self._said(f"{service}/{path}")
        return answer

    def post(self, service: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((f"{service}/{path}", body))
        found = self._said(f"{service}/{path}")
        answer: Mapping[str, Any] = found(body) if callable(found) else found
        return answer

    def _said(self, key: str) -> Any:
        found = self.answers.get(key, GoogleError(f"googleapis.com says 404: {key}", "", 404, "notFound"))
        if isinstance(found, Exception):
            raise found
        return found


class FakeCloudflare:
    """`answers`: path → `result` of an answer, or an exception."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def get(self, path: str, **query: Any) -> Any:
        found = self.answers.get(path, CloudflareError(f"Cloudflare says 404 to {path}", "", 404, (7003,)))
        if isinstance(found, Exception):
            raise found
        return found

    def items(self, path: str, **query: Any) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.get(path)
        return found


class Clouds:
    """All three on a quiet day; a test changes `google`, `aws` and `cloudflare`."""

    def __init__(self) -> None:
        self.google, self.cloudflare = copy.deepcopy(GOOGLE), copy.deepcopy(CLOUDFLARE)
        self.google[REPORT] = looked()
        self.aws: Any = copy.deepcopy(AWS)
        self.s3: dict[str, Any] = {}
        self.azure: Any = None
        self.inventory = INVENTORY

    def world(self) -> World:
        """As they are now."""
        aws = FakeAws({"ec2:DescribeVpnConnections": self.aws, **self.s3})
        return World(lambda region: aws, FakeGoogle(self.google), FakeCloudflare(self.cloudflare), self.azure)
