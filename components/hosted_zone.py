"""One hosted zone through Route 53's API, for the two acts that no resource of Pulumi's can do: replacing the records
of a live name at one moment, and putting them back. Credentials are boto3's: environment, profile, SSO, role.

Shared by the hook that puts records back (traffic/previous.py) and by `twinsite adopt-name`.
"""

from collections.abc import Sequence
from typing import Any

IN_SYNC_ATTEMPTS, IN_SYNC_PAUSE_SECONDS = 40, 5
"""Route 53 says "all of its servers within 60 seconds"; the wait ends as soon as it says INSYNC."""


class HostedZoneError(Exception):
    """Route 53 said no; its own words."""


class HostedZone:
    """The zone of that id. `profile`: of the AWS configuration; "" is the environment's."""

    def __init__(self, zone_id: str, profile: str = "") -> None:
        # Heavy, and needed by nobody else.
        import boto3  # type: ignore[import-untyped]
        import botocore.exceptions  # type: ignore[import-untyped]

        self._id = zone_id
        self._errors = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
        try:
            session = boto3.Session(profile_name=profile or None)
            # Of the region only its partition counts: China and GovCloud have a Route 53 of their own.
            self._api = session.client("route53", region_name=session.region_name or "us-east-1")
        except self._errors as error:
            raise HostedZoneError(str(error)) from None

    def sets(self, fqdn: str) -> list[dict[str, Any]]:
        """All record sets of exactly this name."""
        name, found = fqdn.rstrip(".").lower() + ".", []
        try:
            for page in self._api.get_paginator("list_resource_record_sets").paginate(
                HostedZoneId=self._id, StartRecordName=name
            ):
                # Sorted by name from the first label backwards: what is not ours any more ends the list.
                mine = [one for one in page["ResourceRecordSets"] if one["Name"].lower() == name]
                found += mine
                if len(mine) < len(page["ResourceRecordSets"]):
                    break
        except self._errors as error:
            raise HostedZoneError(str(error)) from None
        return found

    def change(self, changes: Sequence[dict[str, Any]], comment: str) -> None:
        """One batch, all or nothing; returns when every server of the zone answers so."""
        try:
            done = self._api.change_resource_record_sets(
                HostedZoneId=self._id, ChangeBatch={"Comment": comment, "Changes": list(changes)}
            )
            self._api.get_waiter("resource_record_sets_changed").wait(
                Id=done["ChangeInfo"]["Id"],
                WaiterConfig={"Delay": IN_SYNC_PAUSE_SECONDS, "MaxAttempts": IN_SYNC_ATTEMPTS},
            )
        except self._errors as error:
            raise HostedZoneError(str(error)) from None
