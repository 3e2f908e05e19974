"""The pod of a job that runs a guest role: nobody, nothing writable but its work folder, no token of the cluster; and
what it is given."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import pulumi
from pulumi_kubernetes import batch, core

from ..guest.backup.cron import kubernetes
from ..payload import guest_file, payload
from ..rules.backup import label

WORK_FOLDER = "/var/lib/twinsite"


class PodGiven(NamedTuple):
    """What a pod of a guest role is given."""

    account: core.v1.ServiceAccount
    """Whose it is."""

    told: core.v1.ConfigMap
    """Its configuration, payload and in-container.sh."""

    secret: core.v1.Secret
    """Its secret words."""


def pod_metadata(workload: str, namespace: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Of everything that a workload of this name is made of: name, namespace, tags as labels."""
    labels = {label(tag): value for tag, value in tags.items()} | {"app.kubernetes.io/name": workload}
    return {"name": workload, "namespace": namespace, "labels": labels}


def pod_given(
    name: str,
    role: str,
    metadata: Mapping[str, Any],
    config: pulumi.Input[str],
    secrets: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> PodGiven:
    """Makes NAME-account, NAME-told and NAME-secret: the role reads ROLE.json and ROLE.secrets.json. `annotations`: on
    the service account alone, like iam.gke.io/gcp-service-account."""
    whose = metadata if annotations is None else {**metadata, "annotations": annotations}
    return PodGiven(
        core.v1.ServiceAccount(f"{name}-account", metadata=whose, automount_service_account_token=False, opts=opts),
        core.v1.ConfigMap(
            f"{name}-told",
            metadata=metadata,
            data={f"{role}.json": config, "in-container.sh": guest_file("agent/in-container.sh")},
            binary_data={"payload.tar.gz": base64.b64encode(payload(role)).decode()},
            opts=opts,
        ),
        core.v1.Secret(
            f"{name}-secret",
            metadata=metadata,
            string_data={f"{role}.secrets.json": pulumi.Output.secret(secrets)},
            opts=opts,
        ),
    )


def guest_pod(
    container: str,
    image: str,
    args: Sequence[str],
    given: PodGiven,
    requests: dict[str, str],
    env: Sequence[Any] = (),
    volumes: Sequence[tuple[Any, Any]] = (),
    named: str = "",
) -> Any:
    """A pod's spec. What it is told and its secret words are under /etc/twinsite. `volumes`: more, each with its
    mount.

    `named`: the name that all it is given has, for a Deployment, which has `depends_on` beside it. The provider
    replaces a ConfigMap whose data change, and as its name is its own it goes first; the engine then deletes, too,
    whatever has an output of it in a property that might replace it, as a Deployment's spec with its selector. A Job
    is to go that way.
    """
    account, told, secret = (named or one.metadata.name for one in given)
    return {
        "restart_policy": "Never",
        "service_account_name": account,
        "automount_service_account_token": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": 65532,
            "run_as_group": 65532,
            "fs_group": 65532,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": container,
                "image": image,
                "command": ["/bin/sh", "/etc/twinsite/in-container.sh"],
                "args": list(args),
                "env": [{"name": "HOME", "value": WORK_FOLDER}, *env],
                # Whoever waits for the pod gets its own last words.
                "termination_message_policy": "FallbackToLogsOnError",
                "resources": {"requests": requests},
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volume_mounts": [
                    {"name": "told", "mount_path": "/etc/twinsite", "read_only": True},
                    *(mount for _, mount in volumes),
                    {"name": "work", "mount_path": WORK_FOLDER},
                    {"name": "work", "mount_path": "/tmp", "sub_path": "tmp"},
                ],
            }
        ],
        "volumes": [
            {
                "name": "told",
                "projected": {
                    "default_mode": 0o440,
                    "sources": [
                        {"config_map": {"name": told}},
                        {"secret": {"name": secret}},
                    ],
                },
            },
            *(volume for volume, _ in volumes),
            {"name": "work", "empty_dir": {}},
        ],
    }


class Scheduled(Protocol):
    """What an intent says of a job on a schedule."""

    @property
    def schedule(self) -> str: ...
    @property
    def starting_deadline_seconds(self) -> int: ...
    @property
    def active_deadline_seconds(self) -> int: ...


def guest_cron_job(
    name: str, metadata: dict[str, Any], known: Scheduled, pod: Any, opts: pulumi.ResourceOptions
) -> None:
    """A CronJob of one run at a time, in UTC; a run that fails is tried twice more."""
    batch.v1.CronJob(
        name,
        metadata=metadata,
        spec={
            "schedule": kubernetes(known.schedule),
            "time_zone": "Etc/UTC",
            "concurrency_policy": "Forbid",
            "starting_deadline_seconds": known.starting_deadline_seconds,
            "successful_jobs_history_limit": 3,
            "failed_jobs_history_limit": 3,
            "job_template": {
                "spec": {
                    "backoff_limit": 2,
                    "active_deadline_seconds": known.active_deadline_seconds,
                    "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod},
                }
            },
        },
        opts=opts,
    )
