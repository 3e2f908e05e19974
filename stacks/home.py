"""What a program can see of the place that it runs in (rules/home.py judges it). Files and environment; no network."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pulumi
import yaml

from twinsite.rules.home import Home

_RUNNERS = {
    "CODEBUILD_BUILD_ID": "AWS CodeBuild",
    "ECS_CONTAINER_METADATA_URI_V4": "an ECS task",
    "AWS_EXECUTION_ENV": "Lambda, Fargate or CloudShell",
}
"""Variables that only these set."""

_EKS_TOKEN = "/var/run/secrets/eks.amazonaws.com/"
_HARDWARE = Path("/sys/class/dmi/id/sys_vendor")


def see(stack: str, project: Path, environment: Mapping[str, str] = os.environ, hardware: Path = _HARDWARE) -> Home:
    """Home of this run. `project` is the folder of Pulumi.yaml; without a stack file there, nothing is known of it."""
    aws, kubernetes = pulumi.Config("aws"), pulumi.Config("kubernetes")
    return Home(
        backend=_backend(project, environment),
        secrets_provider=str(_document(project / f"Pulumi.{stack}.yaml").get("secretsprovider") or ""),
        runner=_runner(environment, hardware),
        skips_sts=bool(aws.get_bool("skipCredentialsValidation") and aws.get_bool("skipRequestingAccountId")),
        skips_cluster=bool(kubernetes.get_bool("skipUpdateUnreachable")),
        context=kubernetes.get("context") or "",
        contexts=frozenset() if kubernetes.get("kubeconfig") else _contexts(environment),
    )


def _contexts(environment: Mapping[str, str]) -> frozenset[str]:
    """As kubectl and the provider find them: every file of KUBECONFIG, else ~/.kube/config."""
    home = Path(environment.get("HOME", "/"))
    files = environment.get("KUBECONFIG") or str(home / ".kube" / "config")
    found: set[str] = set()
    for file in files.split(os.pathsep):
        known = _document(Path(file)).get("contexts") if file else None
        found |= {str(one.get("name")) for one in known if isinstance(one, dict)} if isinstance(known, list) else set()
    return frozenset(found)


def _backend(project: Path, environment: Mapping[str, str]) -> str:
    """As the CLI chooses it: the variable, then the project, then where the user is logged in."""
    if chosen := environment.get("PULUMI_BACKEND_URL"):
        return chosen
    backend = _document(project / "Pulumi.yaml").get("backend")
    if isinstance(backend, dict) and backend.get("url"):
        return str(backend["url"])
    home = Path(environment.get("PULUMI_HOME") or Path(environment.get("HOME", "/")) / ".pulumi")
    try:
        known = json.loads((home / "credentials.json").read_text())
    except (OSError, ValueError):
        return ""
    return str(known.get("current") or "")  # nothing else of that file: it has tokens


def _runner(environment: Mapping[str, str], hardware: Path) -> str:
    for variable, what in _RUNNERS.items():
        if environment.get(variable):
            return what
    if environment.get("AWS_WEB_IDENTITY_TOKEN_FILE", "").startswith(_EKS_TOKEN):
        return "an EKS pod"
    try:
        vendor = hardware.read_text().strip()
    except OSError:
        return ""
    return "an EC2 machine" if vendor == "Amazon EC2" else ""


def _document(file: Path) -> dict[str, object]:
    try:
        found = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
