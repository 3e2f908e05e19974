"""What whoever asks may do, held against the lists in policies/.

AWS: iam:SimulatePrincipalPolicy, which knows policies, boundaries and organizations, not the policies of resources.
Azure: the permissions API at the scope. Google: testIamPermissions at the project, which needs no right. Kubernetes:
SelfSubjectAccessReview, which asks every authorizer of the cluster (a rules review does not know EKS access policies).
Cloudflare: cloudflare_rights.py.
"""

import json
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twinsite.needs import Cluster

from ..amazon import Amazon, Refused
from ..google import Google
from ..unanswered import CouldNotAsk
from . import policies
from .answers import Finding, needs_setting, not_ok, ok
from .identity import kubectl, objects
from .resource_manager import Absent, Azure

PERMISSIONS = "2022-04-01"
AT_ONCE = 50
"""Actions of one simulation."""
GOOGLE_AT_ONCE = 100
"""Permissions of one testIamPermissions [Resource Manager API; from memory]."""


def at_aws(aws: Amazon, file: pathlib.Path | None, who: str, words: Mapping[str, str]) -> Finding:
    """Every statement of the file is simulated for whoever asks."""
    if file is None and who == "deployer":
        raise CouldNotAsk("this version has no list of a deployer's rights for the topology", "look them up by hand")
    if file is None:
        return ok(f"the {who} needs none there")
    found = aws.ask("sts", "GetCallerIdentity")
    arn, account = str(found["Arn"]), str(found["Account"])
    if arn.endswith(":root"):
        return ok("the root user may everything")
    principal = _principal(aws, arn)
    known = {**words, "account": account, "partition": arn.split(":")[1]}
    text = policies.filled(file.read_text(encoding="utf-8"), known)
    asked: dict[str, bool] = {}
    for statement in policies.statements(text):
        entries = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": _kind(value)}
            for key, value in statement.conditions.items()
        ]
        for at in range(0, len(statement.actions), AT_ONCE):
            for action, allowed in decisions(_simulated(aws, principal, statement, entries, at)):
                asked[action] = asked.get(action, True) and allowed
    return held(asked, file, "attach it: `aws iam put-role-policy --policy-document file://…`, or as a managed policy")


def _simulated(
    aws: Amazon, principal: str, statement: policies.Statement, entries: Sequence[Mapping[str, Any]], at: int
) -> Sequence[Mapping[str, Any]]:
    """Results of all pages for the actions from `at` on."""
    found: list[Mapping[str, Any]] = []
    given: dict[str, Any] = {
        "PolicySourceArn": principal,
        "ActionNames": list(statement.actions[at : at + AT_ONCE]),
        "ResourceArns": list(statement.resources),
        "ContextEntries": list(entries),
    }
    while True:
        page = aws.ask("iam", "SimulatePrincipalPolicy", **given)
        found += page["EvaluationResults"]
        if not page.get("IsTruncated"):
            return found
        given["Marker"] = page["Marker"]


def _principal(aws: Amazon, arn: str) -> str:
    """The role behind a session; a user is itself."""
    session = re.fullmatch(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.*", arn)
    if session is None:
        if ":user/" in arn:
            return arn
        raise CouldNotAsk(f"{arn} is neither a user nor a role's session", "ask with a role")
    try:
        return str(aws.ask("iam", "GetRole", RoleName=session[3])["Role"]["Arn"])
    except CouldNotAsk as problem:
        if isinstance(problem, Refused) or "iam:GetRole" in problem.words:
            # Right for a role without a path.
            return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
        raise


def _kind(value: str) -> str:
    return "boolean" if value in ("true", "false") else "string"


def decisions(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """(action, allowed) of a simulation; a no of the organization or for one of several resources counts. Pure."""
    return [
        (
            str(one["EvalActionName"]),
            one["EvalDecision"] == "allowed"
            and (one.get("OrganizationsDecisionDetail") or {}).get("AllowedByOrganizations", True)
            and all(each["EvalResourceDecision"] == "allowed" for each in one.get("ResourceSpecificResults") or []),
        )
        for one in results
    ]


def held(asked: Mapping[str, bool], file: pathlib.Path, attach: str) -> Finding:
    """Pure."""
    lacking = [action for action, allowed in asked.items() if not allowed]
    if not asked:
        raise CouldNotAsk("the answer names no action")
    if not lacking:
        return ok(f"all {len(asked)} of {policies.name(file)}")
    shown = ", ".join(lacking[:6]) + (f" and {len(lacking) - 6} more" if len(lacking) > 6 else "")
    return not_ok(
        f"{len(lacking)} of {len(asked)} are lacking: {shown}",
        f"`twinsite doctor --policies FOLDER` writes {policies.name(file)} filled in; {attach}",
    )


def at_azure(azure: Azure, file: pathlib.Path | None, who: str, subscription: str, group: str) -> Finding:
    """At the resource group, or at the subscription while that is not there."""
    if file is None:
        return ok(f"the {who} needs none there")
    scope = f"/subscriptions/{needs_setting(subscription, 'azure-native:subscriptionId')}"
    path = "providers/Microsoft.Authorization/permissions"
    try:
        found = azure.get(f"{scope}/resourceGroups/{group}/{path}", PERMISSIONS)
    except Absent:
        found = azure.get(f"{scope}/{path}", PERMISSIONS)
    role = json.loads(file.read_text(encoding="utf-8"))
    asked = {one: permitted(found["value"], one, "actions", "notActions") for one in role["Actions"]}
    asked |= {one: permitted(found["value"], one, "dataActions", "notDataActions") for one in role["DataActions"]}
    attach = "`az role definition create --role-definition FILE`, `az role assignment create --role NAME --scope SCOPE`"
    return held(asked, file, attach)


def permitted(permissions: Sequence[Mapping[str, Any]], action: str, yes: str, no: str) -> bool:
    """Whether one of the roles gives it: what a role excludes, another may still give. Pure."""
    return any(
        any(_covers(pattern, action) for pattern in one.get(yes) or [])
        and not any(_covers(pattern, action) for pattern in one.get(no) or [])
        for one in permissions
    )


def _covers(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None


def at_google(google: Google, file: pathlib.Path | None, who: str, project: str) -> Finding:
    """At the project, with what comes from folder and organization, and what a deny policy takes away."""
    if file is None:
        return ok(f"the {who} needs none there")
    wanted = list(json.loads(file.read_text(encoding="utf-8"))["includedPermissions"])
    path = f"v1/projects/{needs_setting(project, 'gcp:project')}:testIamPermissions"
    granted: set[str] = set()
    for at in range(0, len(wanted), GOOGLE_AT_ONCE):
        found = google.post("cloudresourcemanager", path, {"permissions": wanted[at : at + GOOGLE_AT_ONCE]})
        granted |= set(found.get("permissions") or [])
    attach = (
        f"`gcloud iam roles create NAME --project {project} --file FILE`, `gcloud projects add-iam-policy-binding "
        f"{project} --member user:YOU --role projects/{project}/roles/NAME`"
    )
    return held({one: one in granted for one in wanted}, file, attach)


def at_cluster(cluster: Cluster, file: pathlib.Path | None, who: str, words: Mapping[str, str]) -> Finding:
    """One review for each verb and resource, all in one call."""
    if file is None:
        return ok(f"the {who} needs none there")
    wanted = list(policies.rules(policies.filled(file.read_text(encoding="utf-8"), words)))
    text = kubectl(
        cluster,
        ["create", "--validate=false", "--filename", "-", "--output", "json"],
        json.dumps(reviews(cluster, wanted)),
    )
    attach = "`kubectl apply -f` it, by whoever may give roles in the cluster"
    return held(reviewed(objects(text)), file, attach)


def reviews(cluster: Cluster, wanted: Sequence[tuple[str, str, str, str]]) -> Mapping[str, Any]:
    """A List of SelfSubjectAccessReviews. Pure."""
    items = []
    for verb, group, resource, name in wanted:
        kind, _, part = resource.partition("/")
        about = {"namespace": cluster.namespace, "verb": verb, "group": group, "resource": kind}
        about |= {"subresource": part} if part else {}
        about |= {"name": name} if name else {}
        items.append(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": about},
            }
        )
    return {"apiVersion": "v1", "kind": "List", "items": items}


def reviewed(found: Sequence[Mapping[str, Any]]) -> dict[str, bool]:
    """What is asked → whether it is allowed. Pure."""
    asked: dict[str, bool] = {}
    for one in found:
        about = one["spec"]["resourceAttributes"]
        part = f"/{about['subresource']}" if about.get("subresource") else ""
        named = f" {about['name']}" if about.get("name") else ""
        asked[f"{about['verb']} {about['resource']}{part}{named}"] = bool((one.get("status") or {}).get("allowed"))
    return asked
