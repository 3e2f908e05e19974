"""Whether zones, machine types, Kubernetes and the database are offered to this project, in this region."""

from collections.abc import Mapping, Sequence
from typing import Any

from twinsite.needs import Google as GoogleNeeds

from ..google import Google, GoogleError
from ..unanswered import CouldNotAsk
from .answers import Finding, all_of, needs_setting, not_ok, ok


def zones(google: Google, needs: GoogleNeeds) -> Finding:
    """Each zone, and the nodes' type in it."""
    scope = f"compute/v1/projects/{needs_setting(needs.project, 'gcp:project')}"
    needs_setting(" ".join(needs.zones), "zones")
    return all_of([_zone(google, scope, zone, needs) for zone in needs.zones])


def _zone(google: Google, scope: str, zone: str, needs: GoogleNeeds) -> Finding:
    look = (
        f"`gcloud compute zones list --filter region={needs.region}`, then `pulumi config set --path 'zones[0]' ZONE`"
    )
    found = _there(google, f"{scope}/zones/{zone}")
    if found is None or str(found.get("region")).rpartition("/")[2] != needs.region:
        return not_ok(f"{zone} is no zone of {needs.region}", look)
    if found.get("status") != "UP":
        return not_ok(f"{zone} is {found.get('status')}", look)
    if _there(google, f"{scope}/zones/{zone}/machineTypes/{needs.machine_type}") is None:
        return not_ok(
            f"{needs.machine_type} is not offered in {zone}",
            f"`gcloud compute machine-types list --zones {zone}`, then `pulumi config set machine_type TYPE`",
        )
    return ok(f"{needs.machine_type} in {zone}")


def _there(google: Google, path: str) -> Mapping[str, Any] | None:
    try:
        return google.get("compute", path)
    except GoogleError as error:
        if error.status == 404:
            return None
        raise


def kubernetes(google: Google, needs: GoogleNeeds) -> Finding:
    """What the channel gives a new cluster."""
    project = needs_setting(needs.project, "gcp:project")
    found = google.get("container", f"v1/projects/{project}/locations/{needs.region}/serverConfig")
    return channel(found, needs.release_channel, needs.region)


def channel(found: Mapping[str, Any], wanted: str, region: str) -> Finding:
    """Pure."""
    for one in found.get("channels") or []:
        if one.get("channel") == wanted and one.get("defaultVersion"):
            return ok(f"{wanted} in {region}: {one['defaultVersion']}")
    return not_ok(
        f"channel {wanted} has no version in {region}", f"`gcloud container get-server-config --region {region}`"
    )


def database(google: Google, needs: GoogleNeeds) -> Finding:
    """Version, flags and tier of Cloud SQL."""
    project = needs_setting(needs.project, "gcp:project")
    version = needs_setting(needs.database_version, "database_version")
    flags = google.get("sqladmin", "v1/flags", databaseVersion=version).get("items") or []
    tiers = google.get("sqladmin", f"v1/projects/{project}/tiers").get("items") or []
    return all_of([flagged(flags, needs), tiered(tiers, needs)])


def flagged(found: Sequence[Mapping[str, Any]], needs: GoogleNeeds) -> Finding:
    """Pure. Cloud SQL lists flags for each version that it has, and none for another."""
    version = needs.database_version
    known = {str(one.get("name")) for one in found if version in (one.get("appliesTo") or [version])}
    if not known:
        return not_ok(
            f"Cloud SQL has no {version}",
            "`gcloud sql flags list --format 'value(appliesTo)'` shows which it has, then `pulumi config set "
            "database_version VERSION`",
        )
    lacking = [one for one in needs.database_flags if one not in known]
    if lacking:
        fix = f"`gcloud sql flags list --database-version {version}`, then change database_flags"
        return not_ok(f"{version} takes no flag {', '.join(lacking)}", fix)
    return ok(f"{version} with all {len(needs.database_flags)} flags")


def tiered(found: Sequence[Mapping[str, Any]], needs: GoogleNeeds) -> Finding:
    """Pure. A custom tier need not be listed: Google judges it when it is made."""
    if not found:
        raise CouldNotAsk("Cloud SQL lists no tier")
    regions = next((one.get("region") or [] for one in found if one.get("tier") == needs.database_tier), None)
    if regions is None and needs.database_tier.startswith("db-custom-"):
        return ok(f"{needs.database_tier} is a custom tier, which Google judges when it is made")
    if regions is None or needs.region not in regions:
        fix = "`gcloud sql tiers list`, then `pulumi config set database_tier TIER`"
        return not_ok(f"{needs.database_tier} is not offered in {needs.region}", fix)
    return ok(f"{needs.database_tier} in {needs.region}")
