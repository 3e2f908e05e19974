"""Leaves a name as it was: before the first A record of an adopted name is deleted, one batch puts back what it had.

The provider then finds no record to delete, and says so of none (terraform-provider-aws, resourceRecordDelete: not
found is done). Without it users would have no record at all from `destroy` on.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from ..hosted_zone import HostedZone, HostedZoneError
from ..protection import require_no_latch
from ..rules.adoption import RecordSet, put_back

_ONE = threading.Lock()
TRIES = 5


def putting_back(
    name: str,
    zone_id: pulumi.Input[str],
    previous: Mapping[str, Sequence[RecordSet]],
    latch_urls: pulumi.Output[list[str]],
) -> pulumi.ResourceHook:
    """Hook before the deletion of a record: `previous` by name. Refused while the latch is set."""

    async def leave(args: pulumi.ResourceHookArgs) -> None:
        gone = args.old_inputs or {}
        fqdn = str(gone.get("name", "")).rstrip(".").lower()
        # Every pair has A and loses it only when the name leaves; AAAA may go alone, and the pair stays.
        if fqdn not in previous or gone.get("type") != "A":
            return
        await require_no_latch(args.name, await latch_urls.future() or [])
        identity: Any = await pulumi.Output.from_input(zone_id).future()
        profile = pulumi.Config("aws").get("profile") or ""
        try:
            await asyncio.get_running_loop().run_in_executor(
                None, _leave, HostedZone(identity, profile), fqdn, previous[fqdn]
            )
        except HostedZoneError as error:
            raise ValueError(
                f"{fqdn} is kept, because what it was before could not be put back ({error}): mend that and run this "
                "again, or take the name out of `previous_records` to delete it for good"
            ) from None

    return pulumi.ResourceHook(f"{name}-previous", leave)


def _leave(zone: HostedZone, fqdn: str, previous: Sequence[RecordSet]) -> None:
    # The engine deletes several records at once: the first hook does it, the others find it done, and what the provider
    # deletes between the look and the batch is looked at again.
    with _ONE:
        for tries_left in range(TRIES - 1, -1, -1):
            changes = put_back(zone.sets(fqdn), previous)
            if not changes:
                return
            try:
                zone.change(changes, f"twinsite leaves {fqdn}")
                return
            except HostedZoneError:
                if not tries_left:
                    raise
