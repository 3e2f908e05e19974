"""The pod of a job that runs a guest role: nobody, nothing writable but its work folder, no token of the cluster."""

from collections.abc import Sequence
from typing import Any, Protocol

import pulumi
from pulumi_kubernetes import batch, core

from ..guest.backup.cron import kubernetes

WORK_FOLDER = "/var/lib/twinsite"


def guest_pod(
    container: str,
    image: str,
    args: Sequence[str],
    given: "tuple[core.v1.ServiceAccount, core.v1.ConfigMap, core.v1.Secret]",
    requests: dict[str, str],
    env: Sequence[Any] = (),
    volumes: Sequence[tuple[Any, Any]] = (),
) -> Any:
    """A pod's spec. `given`: whose it is, what it is told and its secret words, both under /etc/twinsite, with the
    payload and in-container.sh among them. `volumes`: more, each with its mount."""
    account, told, secret = given
    return {
        "restart_policy": "Never",
        "service_account_name": account.metadata.name,
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
                        {"config_map": {"name": told.metadata.name}},
                        {"secret": {"name": secret.metadata.name}},
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
