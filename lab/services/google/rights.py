"""Who may do what, by the grants of `pulumi up` and the operator's ownership: no binding, no right.

Here: bindings of projects, buckets and service accounts, the roles that they name, and conditions on a resource's name.
A role or a condition that is not known here gives nothing, and `report` names it.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OF_PROJECT = "gcp:projects/iAMMember:IAMMember"
OF_BUCKET = "gcp:storage/bucketIAMMember:BucketIAMMember"
OF_ACCOUNT = "gcp:serviceaccount/iAMMember:IAMMember"
SPREAD_SECONDS = 5.0
"""A new grant does nothing for so long: in the cloud two minutes and at times seven [IAM, Access change propagation];
long enough here for whoever does not ask again to fail."""

Records = Callable[[str], Mapping[str, Mapping[str, Any]]]

_OBJECT = "storage.objects."
_USES = tuple(f"{_OBJECT}{verb}" for verb in ("create", "delete", "get", "list", "restore", "update"))
_TOKENS = ("iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken")
_DOWNLOAD = "artifactregistry.repositories.downloadArtifacts"
ROLES: Mapping[str, tuple[str, ...]] = {
    # [IAM, basic and predefined roles; Cloud Storage, IAM roles]
    "roles/owner": ("*",),
    "roles/storage.objectViewer": (f"{_OBJECT}get", f"{_OBJECT}list"),
    "roles/storage.objectCreator": (f"{_OBJECT}create",),
    "roles/storage.objectUser": _USES,
    "roles/storage.objectAdmin": (f"{_OBJECT}*",),
    "roles/storage.admin": ("storage.*",),
    "roles/secretmanager.secretAccessor": ("secretmanager.versions.access",),
    "roles/monitoring.metricWriter": ("monitoring.timeSeries.create", "monitoring.metricDescriptors.create"),
    "roles/monitoring.viewer": ("monitoring.timeSeries.list", "monitoring.alertPolicies.list"),
    "roles/iam.workloadIdentityUser": _TOKENS,
    "roles/iam.serviceAccountTokenCreator": _TOKENS,
    "roles/artifactregistry.reader": ("artifactregistry.*.get", "artifactregistry.*.list", _DOWNLOAD),
    "roles/container.defaultNodeServiceAccount": (
        "autoscaling.sites.writeMetrics",
        "logging.logEntries.create",
        "monitoring.metricDescriptors.create",
        "monitoring.metricDescriptors.list",
        "monitoring.timeSeries.create",
        "monitoring.timeSeries.list",
    ),
    "roles/container.viewer": ("container.clusters.get", "container.operations.get"),
    "roles/compute.viewer": ("compute.*.get", "compute.*.list", "compute.*.getStatus"),
    "roles/cloudsql.viewer": ("cloudsql.instances.get", "cloudsql.instances.list"),
}
_STARTS = re.compile(r'resource\.name\.startsWith\((["\'])([^"\']*)\1\)')


@dataclass(frozen=True)
class Binding:
    """`place` is a project's, a bucket's or an account's name in IAM."""

    place: str
    role: str
    member: str
    condition: str = ""


def bucket_name(bucket: str) -> str:
    """A bucket as IAM names it [Cloud Storage, Resource names in conditions]."""
    return f"projects/_/buckets/{bucket}"


def object_name(bucket: str, name: str) -> str:
    """An object."""
    return f"{bucket_name(bucket)}/objects/{name}"


class Rights:
    """`may` reads the records anew each time: a grant that was taken away stops at once."""

    def __init__(self, operator: str, records: Records) -> None:
        """`operator` is the desk's account, which owns every project."""
        self._owner = f"serviceAccount:{operator}"
        self._records = records

    def may(self, member: str, permission: str, project: str, place: str = "", resource: str = "") -> bool:
        """By the project's grants, or by those of `place` in it; `resource` is what conditions see."""
        if member == self._owner:
            return True
        return any(
            one.member in (member, "allUsers", "allAuthenticatedUsers")
            and one.place in (f"projects/{project}", place)
            and _allows(one.role, permission)
            and holds(one.condition, resource or place)
            for one in self._bindings()
        )

    def report(self) -> list[str]:
        """Grants that do nothing here because the lab knows too little."""
        found = [f"role {one.role} of {one.member}" for one in self._bindings(0.0) if one.role not in ROLES]
        found += [
            f"condition {one.condition!r} of {one.member}"
            for one in self._bindings(0.0)
            if one.condition and not _prefixes(one.condition)
        ]
        return sorted(set(found))

    def _bindings(self, spread: float = SPREAD_SECONDS) -> Iterator[Binding]:
        old = time.time() - spread
        for token, place in ((OF_PROJECT, _project), (OF_BUCKET, _bucket), (OF_ACCOUNT, _account)):
            for one in self._records(token).values():
                if float(one.get("__made") or 0) <= old:
                    condition = str((one.get("condition") or {}).get("expression") or "")
                    yield Binding(place(one), str(one["role"]), str(one["member"]), condition)


def _project(record: Mapping[str, Any]) -> str:
    return f"projects/{record['project']}"


def _bucket(record: Mapping[str, Any]) -> str:
    return bucket_name(str(record["bucket"]).removeprefix("b/"))


def _account(record: Mapping[str, Any]) -> str:
    return account_name(str(record["serviceAccountId"]).rpartition("/")[2])


def account_name(email: str) -> str:
    """A service account, whatever project it is in: an e-mail is one account's."""
    return f"projects/-/serviceAccounts/{email}"


def _allows(role: str, permission: str) -> bool:
    patterns = ROLES.get(role, ())
    return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), permission) for one in patterns)


def _prefixes(expression: str) -> list[str]:
    """What a name may begin with; none when the expression is not understood."""
    parts = [_STARTS.fullmatch(one.strip()) for one in expression.split("||")]
    return [one[2] for one in parts if one] if all(parts) else []


def holds(expression: str, resource: str) -> bool:
    """A condition: `resource.name.startsWith("…")`, or several with `||`. "" always holds."""
    return not expression or any(resource.startswith(one) for one in _prefixes(expression))
