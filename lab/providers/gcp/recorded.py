"""What the lab only records of Google Cloud: that the program asks for it, and what replaces it."""

import secrets
from collections.abc import Mapping
from typing import Any

from lab.providers.framework.recorded import Rows
from lab.providers.framework.types import AutoName, Call, Refusal
from lab.providers.gcp.cloud import GcpType

_NAMED = {"autoname": AutoName("name", 63, lower=True)}
_GLOBAL = "projects/{project}/global/"
_REGION = "projects/{project}/regions/{region}/"
_UNLINKED = {"linked": False}


def _address(record: Mapping[str, Any]) -> str:
    """The program's, else one that Google would choose: outside, the lab's for load balancers."""
    outside = record.get("addressType") in (None, "", "EXTERNAL")
    return str(record.get("address") or ("198.51.100.82" if outside else "10.200.0.0"))


def _interfaces(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two addresses that Google chooses: of 34.0.0.0/8, for documentation ranges are none that AWS is told."""
    return [{"id": at, "ipAddress": f"34.157.{100 + at}.7", "interconnectAttachment": ""} for at in (0, 1)]


def _numbered(self: GcpType, call: Call, inputs: Mapping[str, Any]) -> str:
    """The server chooses the last part of the name."""
    return GcpType.identify(self, call, {**inputs, "number": secrets.randbelow(10**18)})


def _by_number(record: Mapping[str, Any]) -> str:
    """Names of identities have the project's number, ids the project."""
    pool = f"projects/123456789012/locations/global/workloadIdentityPools/{record['workloadIdentityPoolId']}"
    own = record.get("workloadIdentityPoolProviderId")
    return f"{pool}/providers/{own}" if own else pool


def _delete_bucket(self: GcpType, call: Call, identity: str, state: dict[str, Any]) -> None:
    """The provider's own guard is in the state, as `unprotected` of databases."""
    if call.box is not None and call.box.objects(identity) and not state.get("forceDestroy"):
        raise Refusal(
            f"Error trying to delete bucket {identity} containing objects without `force_destroy` set to true"
        )
    GcpType.delete(self, call, identity, state)


_NUMBERED = {"identify": _numbered}

ROWS: Rows = {
    "gcp:compute/externalVpnGateway:ExternalVpnGateway": (
        GcpType,
        {"path": _GLOBAL + "externalVpnGateways/{name}", **_NAMED, "outputs": {"labelFingerprint": "{hex}"}},
    ),
    "gcp:compute/globalAddress:GlobalAddress": (
        GcpType,
        {
            "path": _GLOBAL + "addresses/{name}",
            **_NAMED,
            "outputs": {"address": _address, "creationTimestamp": "{now}", "labelFingerprint": "{hex}"},
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
    "gcp:storage/bucket:Bucket": (
        GcpType,
        {
            "path": "{name}",
            **_NAMED,
            "delete": _delete_bucket,
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
}
