"""Who asks: the identity at AWS, at Azure, at Google, at Cloudflare and at the cluster."""

import datetime
import json
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from twinsite.needs import Cluster

from ..amazon import Amazon
from ..cloudflare import Cloudflare, CloudflareError
from ..google import Google, GoogleError
from ..unanswered import CouldNotAsk
from . import certificates
from .answers import Finding, needs_setting, not_ok, ok
from .resource_manager import Absent, Azure

KUBECTL_SECONDS = 20.0
SUBSCRIPTIONS = "2022-12-01"


def at_aws(aws: Amazon) -> Finding:
    """Asked of STS, which needs no right."""
    found = aws.ask("sts", "GetCallerIdentity")
    return caller(str(found["Arn"]), str(found["Account"]))


def caller(arn: str, account: str) -> Finding:
    """Pure."""
    if arn.endswith(":root"):
        return not_ok(
            f"the root user of account {account}, whom no policy limits",
            "make a role with policies/aws/ and log in with it",
        )
    return ok(f"{arn}, account {account}")


def at_azure(azure: Azure, subscription: str) -> Finding:
    """Whether the subscription is one that the identity sees."""
    needs_setting(subscription, "azure-native:subscriptionId")
    try:
        return subscribed(azure.get(f"/subscriptions/{subscription}", SUBSCRIPTIONS))
    except Absent:
        return not_ok(
            f"subscription {subscription} is none that this identity sees",
            "`az account list`, then `pulumi config set azure-native:subscriptionId ID`",
        )


def subscribed(found: Mapping[str, Any]) -> Finding:
    """Pure."""
    name, state = str(found.get("displayName")), str(found.get("state"))
    if state != "Enabled":
        return not_ok(f"subscription {name} is {state}", "have it enabled: Azure makes nothing in it until then")
    return ok(f"subscription {name}, tenant {found.get('tenantId')}")


def at_google(google: Google, project: str) -> Finding:
    """Whether the project is one that the identity sees."""
    needs_setting(project, "gcp:project")
    try:
        found = google.get("cloudresourcemanager", f"v1/projects/{project}")
    except GoogleError as error:
        # Of a project that there is not Google says the same as of one that is somebody else's.
        if error.status != 404 and not error.is_about_rights:
            raise
        return not_ok(
            f"project {project} is none that this identity sees",
            "`gcloud projects list`, then `pulumi config set gcp:project ID`",
        )
    return active_project(found)


def active_project(found: Mapping[str, Any]) -> Finding:
    """Pure."""
    name, state = str(found.get("projectId")), str(found.get("lifecycleState"))
    if state != "ACTIVE":
        return not_ok(f"project {name} is {state}", f"`gcloud projects undelete {name}`, or another gcp:project")
    return ok(f"project {name}, number {found.get('projectNumber')}")


def at_cloudflare(cloudflare: Cloudflare, account: str) -> Finding:
    """Whether the token is one, and for how long."""
    return token_lasts(verified(cloudflare, account), time.time())


def verified(cloudflare: Cloudflare, account: str) -> Mapping[str, Any]:
    """What Cloudflare says of the token itself: a person's, else an account's own."""
    try:
        found = cloudflare.get("user/tokens/verify")
    except CloudflareError as error:
        if error.status not in (400, 401, 403) or not account:
            raise
        found = {"of": account, **cloudflare.get(f"accounts/{account}/tokens/verify")}
    answer: Mapping[str, Any] = found
    return answer


def token_lasts(found: Mapping[str, Any], now: float) -> Finding:
    """Pure. `now` in seconds of the epoch."""
    renew = "make another at dash.cloudflare.com/profile/api-tokens, and set CLOUDFLARE_API_TOKEN to it"
    if found.get("status") != "active":
        return not_ok(f"the token is {found.get('status')}", renew)
    end = str(found.get("expires_on") or "")
    if not end:
        return ok("the token is active, without an end")
    return certificates.lasting("the token", datetime.datetime.fromisoformat(end).timestamp(), now, renew)


def at_cluster(cluster: Cluster) -> Finding:
    """Whether the cluster that kubectl means answers; a question that whoever runs backups may ask."""
    try:
        kubectl(cluster, ["get", "cronjob", "--output", "json"])
    except CouldNotAsk as problem:
        # It knows who we are, and that is the question; what we may is another one.
        if "forbidden" not in problem.words.lower():
            raise
    where = f"context {cluster.context}" if cluster.context else "kubectl's current context"
    return ok(f"{where} answers, namespace {cluster.namespace}")


def kubectl(cluster: Cluster, words: list[str], stdin: str = "") -> str:
    """Its output. CouldNotAsk with its own words."""
    context = ["--context", cluster.context] if cluster.context else []
    command = ["kubectl", *context, "--namespace", cluster.namespace, "--request-timeout", "15s", *words]
    login = f"`aws eks update-kubeconfig --name CLUSTER`, and `pulumi config set {cluster.setting} NAME`"
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=False
        )
    except FileNotFoundError:
        raise CouldNotAsk("`kubectl` is not installed here", f"install it, then {login}") from None
    except subprocess.TimeoutExpired:
        raise CouldNotAsk(f"the cluster does not answer within {KUBECTL_SECONDS:g} s", login) from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise CouldNotAsk(f"kubectl: {(lines or ['no reason given'])[-1][:300]}", login)
    return done.stdout


def objects(text: str) -> list[Mapping[str, Any]]:
    """Objects that kubectl printed: one after the other, or in a List. ValueError when it is no JSON."""
    found: list[Mapping[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    text = text.strip()
    while at < len(text):
        one, at = decoder.raw_decode(text, at)
        found += one["items"] if one.get("kind") == "List" else [one]
        while at < len(text) and text[at].isspace():
            at += 1
    return found
