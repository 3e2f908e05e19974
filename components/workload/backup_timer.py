"""The same job on a machine without a cluster: what its guest role `backup` is told."""

from typing import Any, NotRequired, TypedDict

import pulumi

from .. import rules
from ..handle import Given, handle_of
from ..rules import backup as backup_rules
from ..rules.rds import authority_problems
from ..storage.backup_store import BackupStoreHandle
from .backup_job import BackupDatabase, common_config


class BackupTimerArgs(TypedDict):
    """Arguments of backup_timer."""

    schedule: str
    """Cron expression, UTC. Plain, because the RPO is computed from it."""

    database: BackupDatabase
    """What is backed up."""

    store: Given[BackupStoreHandle]
    """Where to. The machine carries its writer identity."""

    site: NotRequired[str]
    """See BackupJobArgs."""

    streams: NotRequired[int]
    """Parallel streams. Defaults to 4."""

    timeout_seconds: NotRequired[int]
    """A run that takes longer is ended. Defaults to 14400."""


class BackupTimer(TypedDict):
    """For the arguments `config` and `secrets` of a host with role `backup`."""

    config: pulumi.Output[dict[str, Any]]
    secrets: pulumi.Output[dict[str, Any]]


def backup_timer(name: str, args: BackupTimerArgs) -> BackupTimer:
    """What a host with role `backup` is told: a systemd timer then runs the job there."""
    database, store = args["database"], handle_of(args["store"])
    problems = [
        *backup_rules.schedule_problems(args["schedule"]),
        *backup_rules.user_problems(database["user"], database["schema"]),
    ]
    problems += authority_problems("database.tls_ca", database["address"], database.get("tls_ca"))
    rules.require(name, problems)
    config = pulumi.Output.all(address=database["address"], client_id=store["writer_client_id"]).apply(
        lambda known: {
            **common_config(
                database, store, args.get("streams", 4), known["address"], known["client_id"], args.get("site", "")
            ),
            "schedule": args["schedule"],
            "timeout_seconds": args.get("timeout_seconds", 14400),
        }
    )
    password: pulumi.Output[str] = pulumi.Output.secret(database["password"])
    return {"config": config, "secrets": password.apply(lambda text: {"password": text})}
