"""What a task of AWS's DMS finds in the account: room by DMS's own count, and two roles that DMS looks for by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from twinsite.needs import DmsTask

from ..amazon import Amazon, Refused
from .answers import Finding, all_of, not_ok, ok
from .quotas import Room, enough

ROLES = ("dms-vpc-role", "dms-cloudwatch-logs-role")
"""[DMS user guide, IAM roles for the CLI and API]"""
WANTED = {
    "Certificates": 2,
    "Endpoints": 2,
    "EventSubscriptions": 2,
    "ReplicationInstances": 1,
    "ReplicationSubnetGroups": 1,
    "ReplicationTasks": 1,
}
"""Of a task: DMS's name of a quota → how many."""


def room(aws: Amazon, wanted: DmsTask) -> Finding:
    """Of the account in the region, as DMS counts. A task that is there has taken its part already."""
    named = [{"Name": "replication-task-id", "Values": [wanted.name]}]
    try:
        there = aws.ask("dms", "DescribeReplicationTasks", Filters=named, WithoutSettings=True)["ReplicationTasks"]
    except Refused as refused:
        if refused.code != "ResourceNotFoundFault":
            raise
        there = []
    found = aws.ask("dms", "DescribeAccountAttributes")["AccountQuotas"]
    if there:
        return ok(f"task {wanted.name} is there, and has its part of DMS's quotas")
    return all_of([enough(one, _more(one.what)) for one in rooms(found, wanted)])


def rooms(found: list[Mapping[str, Any]], wanted: DmsTask) -> Iterator[Room]:
    """Pure. `found` as DescribeAccountAttributes has it."""
    by_name = {str(one["AccountQuotaName"]): one for one in found}
    for name, number in {**WANTED, "AllocatedStorage": wanted.storage_gib}.items():
        if one := by_name.get(name):
            yield Room(f"DMS's {name}", float(one["Max"]), float(one["Used"]), float(number))


def _more(what: str) -> str:
    return f"ask for more of {what} (console, Service Quotas, AWS Database Migration Service); it takes hours or days"


def roles(aws: Amazon, wanted: DmsTask) -> Finding:
    """Without them the first instance of an account fails, or its log is nowhere."""
    lacking = [name for name in ROLES if not _is_there(aws, name)]
    if wanted.makes_roles:
        have = [name for name in ROLES if name not in lacking]
        if have:
            made = "made by this stack, or else `pulumi config set dms_account_roles false`"
            return ok(f"the account has {', '.join(have)}: {made}")
        return ok(f"this stack makes {', '.join(ROLES)}")
    if lacking:
        words = f"the account has no {', '.join(lacking)}, which DMS looks for by name"
        return not_ok(
            words,
            "let who runs the account make them; `pulumi config set dms_account_roles true` does, if the deployer may "
            "make roles of these names: what policies/aws lists for DMS has no such right",
        )
    return ok(f"the account has {', '.join(ROLES)}")


def _is_there(aws: Amazon, name: str) -> bool:
    try:
        aws.ask("iam", "GetRole", RoleName=name)
    except Refused as refused:
        if refused.code != "NoSuchEntity":
            raise
        return False
    return True
