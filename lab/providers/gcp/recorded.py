"""What the lab only records of Google Cloud: that the program asks for it, and what replaces it."""

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from lab.providers.framework.recorded import Rows
from lab.providers.framework.records import RecordType
from lab.providers.framework.types import AutoName, Call, Refusal
from lab.providers.gcp.cloud import GcpType

_NAMED = {"autoname": AutoName("name", 63, lower=True)}
_GLOBAL = "projects/{project}/global/"
_REGION = "projects/{project}/regions/{region}/"
_UNLINKED = {"linked": False}


def _first(name: str) -> Callable[[Mapping[str, Any]], str]:
    """The address of the program, else one that Google would choose."""
    return lambda record: record.get(name) or "10.200.0.0"


def _gateway(record: Mapping[str, Any]) -> str:
    """The first address of the range."""
    return str(ipaddress.ip_network(record["ipCidrRange"])[1])


def _interfaces(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two addresses that Google chooses: of 34.0.0.0/8, for documentation ranges are none that AWS is told."""
    return [{"id": at, "ipAddress": f"34.157.{100 + at}.7", "interconnectAttachment": ""} for at in (0, 1)]


def _delete_unprotected(self: GcpType, call: Call, identity: str, state: dict[str, Any]) -> None:
    """The provider's own guard is in the state, so that an `up` must have taken it off before."""
    if state.get("deletionProtection"):
        raise Refusal(
            f"Error, failed to delete {self.token.rpartition(':')[2]} because deletion_protection is set to true: "
            f"{identity}. Set it to false in an `up` of its own first"
        )
    RecordType.delete(self, call, identity, state)


def _numbered(self: GcpType, call: Call, inputs: Mapping[str, Any]) -> str:
    """The server chooses the last part of the name."""
    return GcpType.identify(self, call, {**inputs, "number": secrets.randbelow(10**18)})


def _by_number(record: Mapping[str, Any]) -> str:
    """Names of identities have the project's number, ids the project."""
    pool = f"projects/123456789012/locations/global/workloadIdentityPools/{record['workloadIdentityPoolId']}"
    own = record.get("workloadIdentityPoolProviderId")
    return f"{pool}/providers/{own}" if own else pool


_NUMBERED = {"identify": _numbered}

ROWS: Rows = {
    "gcp:compute/externalVpnGateway:ExternalVpnGateway": (
        GcpType,
        {"path": _GLOBAL + "externalVpnGateways/{name}", **_NAMED, "outputs": {"labelFingerprint": "{hex}"}},
    ),
    "gcp:compute/firewall:Firewall": (
        GcpType,
        {
            "path": _GLOBAL + "firewalls/{name}",
            **_NAMED,
            "outputs": {"creationTimestamp": "{now}", "destinationRanges": [], "direction": "INGRESS"},
        },
    ),
    "gcp:compute/globalAddress:GlobalAddress": (
        GcpType,
        {
            "path": _GLOBAL + "addresses/{name}",
            **_NAMED,
            "outputs": {"address": _first("address"), "creationTimestamp": "{now}", "labelFingerprint": "{hex}"},
        },
    ),
    "gcp:compute/haVpnGateway:HaVpnGateway": (
        GcpType,
        {
            "path": _REGION + "vpnGateways/{name}",
            **_NAMED,
            "outputs": {"vpnInterfaces": _interfaces, "labelFingerprint": "{hex}"},
        },
    ),
    "gcp:compute/network:Network": (
        GcpType,
        {
            "path": _GLOBAL + "networks/{name}",
            **_NAMED,
            "outputs": {"gatewayIpv4": "", "networkId": "{hex}", "numericId": "{hex}", "routingMode": "REGIONAL"},
        },
    ),
    "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig": (
        GcpType,
        {"path": _GLOBAL + "networks/{network}/networkPeerings/{peering}", **_UNLINKED},
    ),
    "gcp:compute/router:Router": (
        GcpType,
        {"path": _REGION + "routers/{name}", **_NAMED, "outputs": {"creationTimestamp": "{now}"}},
    ),
    "gcp:compute/routerInterface:RouterInterface": (
        GcpType,
        {"path": "{region}/{router}/{name}", **_NAMED, **_UNLINKED},
    ),
    "gcp:compute/routerPeer:RouterPeer": (
        GcpType,
        {
            "path": _REGION + "routers/{router}/{name}",
            **_NAMED,
            **_UNLINKED,
            "outputs": {"managementType": "MANAGED_BY_USER"},
        },
    ),
    "gcp:compute/subnetwork:Subnetwork": (
        GcpType,
        {
            "path": _REGION + "subnetworks/{name}",
            **_NAMED,
            "outputs": {
                "creationTimestamp": "{now}",
                "fingerprint": "",
                "gatewayAddress": _gateway,
                "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
                "purpose": "PRIVATE",
                "stackType": "IPV4_ONLY",
                "subnetworkId": 0,
            },
        },
    ),
    "gcp:compute/vPNTunnel:VPNTunnel": (
        GcpType,
        {
            "path": _REGION + "vpnTunnels/{name}",
            **_NAMED,
            "outputs": {
                "creationTimestamp": "{now}",
                "detailedStatus": "Tunnel resource is allocated. VPN tunnel will start soon.",
                "labelFingerprint": "{hex}",
                "localTrafficSelectors": ["0.0.0.0/0"],
                "remoteTrafficSelectors": ["0.0.0.0/0"],
                "sharedSecretHash": "{hex}",
                "tunnelId": "{hex}",
            },
        },
    ),
    "gcp:compute/routerNat:RouterNat": (
        GcpType,
        {"path": "{project}/{region}/{router}/{name}", **_NAMED, **_UNLINKED},
    ),
    "gcp:container/cluster:Cluster": (
        GcpType,
        {
            "path": "projects/{project}/locations/{location}/clusters/{name}",
            **_NAMED,
            **_UNLINKED,
            "delete": _delete_unprotected,
            "outputs": {
                "selfLink": "https://container.googleapis.com/v1/{id}",
                "endpoint": "34.64.10.20",
                "labelFingerprint": "{hex}",
                "masterAuth": {
                    "clientCertificate": "",
                    "clientCertificateConfig": {"issueClientCertificate": False},
                    "clientKey": "",
                    "clusterCaCertificate": "TEFC",
                },
                "masterVersion": "1.34.1-gke.100",
                "operation": "",
                "servicesIpv4Cidr": "10.201.0.0/20",
            },
        },
    ),
    "gcp:container/nodePool:NodePool": (
        GcpType,
        {
            "path": "{cluster}/nodePools/{name}",
            **_NAMED,
            **_UNLINKED,
            "outputs": {"instanceGroupUrls": [], "managedInstanceGroupUrls": [], "operation": ""},
        },
    ),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": (
        GcpType,
        {
            "path": "projects/{project}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}",
            **_UNLINKED,
            "outputs": {"name": _by_number, "state": "ACTIVE"},
        },
    ),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": (
        GcpType,
        {
            "path": "projects/{project}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}/providers/"
            "{workloadIdentityPoolProviderId}",
            **_UNLINKED,
            "outputs": {"name": _by_number, "state": "ACTIVE"},
        },
    ),
    "gcp:monitoring/alertPolicy:AlertPolicy": (
        GcpType,
        {
            "path": "projects/{project}/alertPolicies/{number}",
            **_UNLINKED,
            **_NUMBERED,
            "outputs": {"name": "{id}", "creationRecords": []},
        },
    ),
    "gcp:monitoring/metricDescriptor:MetricDescriptor": (
        GcpType,
        {
            "path": "projects/{project}/metricDescriptors/{type}",
            **_UNLINKED,
            "outputs": {"name": "{id}", "monitoredResourceTypes": []},
        },
    ),
    "gcp:monitoring/notificationChannel:NotificationChannel": (
        GcpType,
        {
            "path": "projects/{project}/notificationChannels/{number}",
            **_UNLINKED,
            **_NUMBERED,
            "outputs": {"name": "{id}", "verificationStatus": ""},
        },
    ),
    "gcp:projects/iAMMember:IAMMember": (
        GcpType,
        {"path": "{project}/{role}/{member}", **_UNLINKED, "outputs": {"etag": "{hex}"}},
    ),
    "gcp:secretmanager/secret:Secret": (
        GcpType,
        {
            "path": "projects/{project}/secrets/{secretId}",
            **_UNLINKED,
            "outputs": {"createTime": "{now}", "name": "{id}", "effectiveAnnotations": {}},
        },
    ),
    "gcp:secretmanager/secretVersion:SecretVersion": (
        GcpType,
        {
            "path": "{secret}/versions/1",
            **_UNLINKED,
            "outputs": {"createTime": "{now}", "destroyTime": "", "name": "{id}", "version": "1"},
        },
    ),
    "gcp:serviceaccount/account:Account": (
        GcpType,
        {
            "path": "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
            **_UNLINKED,
            "outputs": {
                "email": "{accountId}@{project}.iam.gserviceaccount.com",
                "member": "serviceAccount:{accountId}@{project}.iam.gserviceaccount.com",
                "name": "{id}",
                "uniqueId": "{hex}",
            },
        },
    ),
    "gcp:serviceaccount/iAMMember:IAMMember": (
        GcpType,
        {"path": "{serviceAccountId}/{role}/{member}", **_UNLINKED, "outputs": {"etag": "{hex}"}},
    ),
    "gcp:servicenetworking/connection:Connection": (
        GcpType,
        {
            "path": "{network}:{service}",
            **_UNLINKED,
            "outputs": {"peering": "servicenetworking-googleapis-com"},
        },
    ),
    "gcp:storage/bucket:Bucket": (
        GcpType,
        {
            "path": "{name}",
            **_NAMED,
            "lies_in": ("project",),
            **_UNLINKED,
            "outputs": {
                "selfLink": "https://www.googleapis.com/storage/v1/b/{name}",
                "url": "gs://{name}",
                "projectNumber": 0,
                "publicAccessPrevention": "inherited",
                "rpo": "",
                "timeCreated": "{now}",
                "updated": "{now}",
            },
        },
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": (
        GcpType,
        {"path": "b/{bucket}/{role}/{member}", **_UNLINKED, "outputs": {"etag": "{hex}"}},
    ),
    "gcp:storage/bucketObject:BucketObject": (
        GcpType,
        {
            "path": "{bucket}-{name}",
            **_UNLINKED,
            "outputs": {
                "selfLink": "https://www.googleapis.com/storage/v1/b/{bucket}/o/{name}",
                "mediaLink": "https://storage.googleapis.com/download/storage/v1/b/{bucket}/o/{name}?alt=media",
                "outputName": "{name}",
                "crc32c": "{hex}",
                "md5hash": "{hex}",
            },
        },
    ),
    "gcp:sql/database:Database": (
        GcpType,
        {"path": "projects/{project}/instances/{instance}/databases/{name}", **_NAMED, "outputs": {"collation": ""}},
    ),
    "gcp:sql/databaseInstance:DatabaseInstance": (
        GcpType,
        {
            "path": "{name}",
            **_NAMED,
            "lies_in": ("project", "region"),
            **_UNLINKED,
            "delete": _delete_unprotected,
            "outputs": {
                "selfLink": "https://sqladmin.googleapis.com/sql/v1beta4/projects/{project}/instances/{name}",
                "availableMaintenanceVersions": [],
                "connectionName": "{project}:{region}:{name}",
                "dnsName": "{hex}.{region}.sql.goog",
                "dnsNames": [],
                "encryptionKeyName": "",
                "firstIpAddress": "10.31.0.3",
                "instanceType": "CLOUD_SQL_INSTANCE",
                "ipAddresses": [{"ipAddress": "10.31.0.3", "type": "PRIVATE", "timeToRetire": ""}],
                "maintenanceVersion": "",
                "masterInstanceName": "",
                "privateIpAddress": "10.31.0.3",
                "publicIpAddress": "",
                "pscServiceAttachmentLink": "",
                "replicaNames": [],
                "serverCaCerts": [{"cert": "", "commonName": "", "createTime": "{now}", "sha1Fingerprint": ""}],
                "serviceAccountEmailAddress": "",
            },
        },
    ),
    "gcp:sql/user:User": (
        GcpType,
        {"path": "{name}//{instance}", **_UNLINKED, "lies_in": ("project",), **_NAMED},
    ),
}
