"""DMS: tasks that drop or cut off data, endpoints with their password in the stack."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each

_DEFAULT_LOB_KIB = 32


def _task(one: Resource) -> Iterator[str]:
    settings = one.document("replicationTaskSettings")
    prepare = settings.get("FullLoadSettings.TargetTablePrepMode", "DROP_AND_CREATE")
    largest = settings.number("TargetMetadata.LobMaxSize", _DEFAULT_LOB_KIB)
    kind = one.get("migrationType")
    if kind == "cdc" and not one.get("cdcStartPosition") and not one.get("cdcStartTime"):
        yield (
            "migrationType is cdc without cdcStartPosition, so what changes between the seed and the start is lost: "
            "set full-load-and-cdc, or the seed's position"
        )
    if prepare != "DO_NOTHING":
        yield (
            f"TargetTablePrepMode is {prepare}, so a task that is started again destroys what the target holds: set "
            "DO_NOTHING"
        )
    if settings.get("TargetMetadata.FullLobMode") is not True and largest <= _DEFAULT_LOB_KIB:
        yield (
            f"LobMaxSize is {largest:g} KiB, the default or less, and longer values are cut off silently: set it from "
            "the largest value there is"
        )
    if settings.get("ValidationSettings.EnableValidation") is not True:
        yield "ValidationSettings.EnableValidation is not true, so nobody would see rows that differ: set it to true"


def _endpoint(one: Resource) -> Iterator[str]:
    if one.given("password") and not one.get("secretsManagerArn"):
        yield "its password is a property, kept in the state: set secretsManagerArn and secretsManagerAccessRoleArn"
    if one.get("sslMode", "none") == "none" and one.get("engineName") not in ("s3", "kinesis", "dynamodb", "kafka"):
        yield "sslMode is none, and the way beyond the tunnel is clear text: set verify-ca, or require where there is "
        "none"


POLICY = each(
    "migration-task-unsafe",
    Severity.HIGH,
    "A migration task neither drops nor cuts off what the target holds, and compares (K39, K40, K41; DMS user guide, "
    "target table preparation, LOB support, data validation).",
    {"aws:dms/replicationTask:ReplicationTask": _task, "aws:dms/endpoint:Endpoint": _endpoint},
)
