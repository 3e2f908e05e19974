"""A DMS task that may be running is not changed by an `up` that nobody asked (ADR 51)."""

import hashlib
import json
import os
from collections.abc import Sequence

import pulumi

DISTURBING = (
    "migrationType", "tableMappings", "replicationTaskSettings", "cdcStartTime", "cdcStartPosition",
    "replicationInstanceArn",
)  # fmt: skip
"""What the provider changes by stopping the task; with start_replication_task off it then stays stopped."""

STOPPED_FOR = "TWINSITE_DMS_STOPPED_FOR"
"""Of the environment: digests beside `stopped_for`, for this one `up`, by `twinsite dms modify`."""

UNTOUCHED = ("tags", "tagsAll", "__defaults")
FED = ("certificateArn", "replicationInstanceArn", "secretsManagerAccessRoleArn")
"""Of other resources here: a preview does not know them when those are made anew."""


def while_stopped(name: str, runs: bool, stopped_for: Sequence[str] = ()) -> pulumi.ResourceHookBinding:
    """For a program that makes no DmsCdcTask `name` any more as well: the engine wants the hook of what the state has.
    Refuses, in preview and in `up`, what the provider does by stopping the task, but for the changes that
    `stopped_for` names. Whether it runs the state does not know: somebody else starts it."""

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        old, new = args.old_inputs or {}, args.new_inputs or {}
        task = "replicationTaskId" in new
        names = DISTURBING if task else sorted({*old, *new} - set(UNTOUCHED))
        changed = [one for one in names if old.get(one) != new.get(one)]
        if not runs or not changed:
            return
        # From where it comes, so that the permission is spent by the change; and where to, as far as a preview knows.
        way = [[one, old.get(one), None if one in FED else new.get(one)] for one in changed]
        digest = hashlib.sha256(json.dumps([args.name, way], sort_keys=True, default=str).encode()).hexdigest()[:12]
        if digest not in (*stopped_for, *os.environ.get(STOPPED_FOR, "").split(",")):
            raise ValueError(
                f"{args.name} would change {', '.join(changed)} while its task may be running: the provider would stop "
                "it and nobody would start it again; `twinsite dms modify` stops it, makes the change and resumes it; "
                f"or `twinsite dms stop`, set stopped_for to {digest}, run this again, and `twinsite dms resume`"
            )

    hook = pulumi.ResourceHook(f"{name}-while-stopped", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_update=[hook])
