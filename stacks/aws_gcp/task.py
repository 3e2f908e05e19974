"""A task of AWS's DMS that brings the rows where no subscription does (`flow: dms`): settings and arguments."""

from dataclasses import dataclass
from typing import Any

from twinsite.rules.dms import LOAD_AND_CDC
from twinsite.rules.logical import BEATS

from ..settings import Reader
from .replica import BACK_PASSWORD, FlowKind, Replica, Replication

PUBLISHER = "dms.amazonaws.com"
"""Who tells of a task's events."""
LEAST_HOURS = 24
"""A task that stops on a Friday night must find its place in the log on Saturday."""
Args = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """Settings of it."""

    instance_class: str
    storage_gib: int
    multi_az: bool
    engine_version: str
    subnet_ids: dict[str, str]
    largest_lob_kib: int
    account_roles: bool


def read(reader: Reader, replica: Replica | None) -> Task | None:
    """None where PostgreSQL brings the rows itself, or where nobody of ours does."""
    if reader.choice("flow", FlowKind) == FlowKind.NATIVE:
        return None
    if replica is None:
        reader.problems.append(
            "flow is dms and replication by-hand, with which no flow is this stack's: `pulumi config set replication "
            "follows`, or `pulumi config set flow native`"
        )
        return None
    if replica.back_user:
        reader.problems.append(
            f"replication_back_user is {replica.back_user}, and a task of DMS has no way back by a subscription: "
            f"`pulumi config rm replication_back_user` and {BACK_PASSWORD}, or `pulumi config set flow native`"
        )
    if 0 < replica.tolerated_outage_hours < LEAST_HOURS:
        reader.problems.append(
            f"tolerated_outage_hours is {replica.tolerated_outage_hours:g}, and a task of DMS that stops on a Friday "
            f"night would find its place in the log gone: `pulumi config set tolerated_outage_hours {LEAST_HOURS}` or "
            "more, for which the RDS keeps log (stack output source_parameters)"
        )
    return Task(
        instance_class=reader.text("dms_instance_class"),
        storage_gib=reader.integer("dms_storage_gib"),
        multi_az=reader.boolean("dms_multi_az"),
        engine_version=reader.text("dms_engine_version", required=False),
        subnet_ids=reader.texts("dms_subnet_ids"),
        largest_lob_kib=reader.integer("dms_largest_lob_kib"),
        account_roles=reader.boolean("dms_account_roles"),
    )


def arguments(task: Task, flow: Args, replica: Replica, region: str, prefix: str, tags: dict[str, str]) -> Args | None:
    """`flow` is what LogicalReplica is given. None while rows are not to come: the task goes with the flow."""
    if replica.replication != Replication.FOLLOWS:
        return None
    source, target = flow["source"], flow["target"]
    return {
        "dr_mode": flow["dr_mode"],
        "region": region,
        "task_id": prefix,
        "migration_type": LOAD_AND_CDC,
        "source": {
            "engine": "postgres",
            "address": source["address"],
            "name": flow["source_host"],
            "port": source["port"],
            "database": source["database"],
            "tls_ca": source["tls_ca"] or "",
            # The job's own schema, in which it lets the login make a table: in public it would be a grant by hand.
            "heartbeat_schema": BEATS["schema"],
        },
        # Its certificate has Google's name for it, and not the address by which it is reached.
        "target": {
            "engine": "postgres",
            "name": flow["target_host"],
            "database": target["database"],
            "tls": "verify-ca",
        },
        "tables": [*({"schema": one} for one in flow["schemas"]), BEATS],
        "largest_lob_kib": task.largest_lob_kib,
        "instance_class": task.instance_class,
        "storage_gib": task.storage_gib,
        "multi_az": task.multi_az,
        "engine_version": task.engine_version,
        "subnet_ids": task.subnet_ids,
        "log_retention_hours": int(replica.tolerated_outage_hours),
        "latency_alarm_seconds": replica.lag_alarm_seconds,
        "account_roles": task.account_roles,
        "tags": tags,
    }
