"""Whether sizes, zones, server versions and images are offered to this account, in this place."""

import datetime
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from twinsite.needs import Aws, Machine, MySqlServer
from twinsite.needs import Azure as AzureNeeds
from twinsite.rules.hosts import machine_problems, offer_problems

from ..amazon import Amazon, Refused
from ..unanswered import CouldNotAsk
from .answers import Finding, all_of, needs_setting, not_ok, ok
from .resource_manager import Absent, Azure, items

SKUS, IMAGES, MYSQL = "2021-07-01", "2024-07-01", "2023-12-30"


def in_zone(aws: Amazon, needs: Aws) -> Finding:
    """Zone and EC2 types."""
    needs_setting(needs.region, "aws:region")
    zones = aws.ask(
        "ec2", "DescribeAvailabilityZones", Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
    )["AvailabilityZones"]
    wanted = sorted({machine.size for machine in needs.machines})
    offered = aws.ask(
        "ec2", "DescribeInstanceTypeOfferings", LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": wanted}],
    )["InstanceTypeOfferings"]  # fmt: skip
    has = {str(one["ZoneName"]) for one in zones if one.get("State") == "available"}
    return zone_offers(offered, needs.zone, has, wanted)


def zone_offers(offered: Sequence[Mapping[str, Any]], zone: str, zones: Set[str], wanted: Sequence[str]) -> Finding:
    """Pure; `zone` "" is one that EC2 will choose of the account's `zones`. What the program itself would say."""
    problems = []
    for kind in wanted:
        places = {str(one["Location"]) for one in offered if one["InstanceType"] == kind}
        problems += [problem.rpartition(": ") for problem in offer_problems(kind, zone, zones, places)]
    if problems:
        return not_ok("; ".join(said for said, _, _ in problems), problems[0][2])
    return ok(f"{', '.join(wanted)} in {zone or 'each zone of this account'}")


def amis(aws: Amazon, needs: Aws) -> Finding:
    """Images, and whether they run on the types."""
    needs_setting(needs.region, "aws:region")
    findings = []
    for image in dict.fromkeys(machine.image for machine in needs.machines):
        problems = list(machine_problems(image))
        if problems:
            words, _, fix = problems[0].partition(": ")
            findings.append(not_ok(words, fix))
            continue
        try:
            found = aws.ask("ec2", "DescribeImages", ImageIds=[image])["Images"]
        except Refused as error:
            if not error.code.startswith("InvalidAMIID"):
                raise
            found = []
        sizes_of = sorted({machine.size for machine in needs.machines if machine.image == image})
        described = aws.ask("ec2", "DescribeInstanceTypes", InstanceTypes=sizes_of)["InstanceTypes"]
        kinds = {str(one["InstanceType"]): list(one["ProcessorInfo"]["SupportedArchitectures"]) for one in described}
        findings.append(image_fits(image, found, kinds, needs.region, datetime.datetime.now(datetime.UTC)))
    return all_of(findings)


def image_fits(
    image: str,
    found: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, Sequence[str]],
    region: str,
    now: datetime.datetime,
) -> Finding:
    """Pure. `kinds`: architectures of each type."""
    look_up = "look one up (page onprem-aws of the documentation has the command) and `pulumi config set ami ami-…`"
    if not found or found[0].get("State") != "available":
        return not_ok(f"{image} is no image in {region} that this account may use", look_up)
    one = found[0]
    wrong = [size for size, supported in kinds.items() if one["Architecture"] not in supported]
    if wrong:
        return not_ok(f"{image} is {one['Architecture']}, which {', '.join(wrong)} cannot run", look_up)
    end = str(one.get("DeprecationTime") or "")
    if end and datetime.datetime.fromisoformat(end) < now:
        return not_ok(f"{image} is deprecated since {end[:10]}: it may vanish when a machine must be made", look_up)
    return ok(f"{one.get('Name') or image}, {one['Architecture']}")


def sizes(azure: Azure, needs: AzureNeeds) -> dict[str, Mapping[str, Any]]:
    """Azure's machine sizes of the location, by name in lower case."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    listed = items(
        azure, f"{scope}/providers/Microsoft.Compute/skus", SKUS, **{"$filter": f"location eq '{needs.location}'"}
    )
    return {str(one["name"]).lower(): one for one in listed if one.get("resourceType") == "virtualMachines"}


def azure_sizes(azure: Azure, needs: AzureNeeds) -> Finding:
    """Machine sizes."""
    return sizes_offered(sizes(azure, needs), sorted({machine.size for machine in needs.machines}), needs.location)


def sizes_offered(known: Mapping[str, Mapping[str, Any]], wanted: Sequence[str], location: str) -> Finding:
    """Pure."""
    if not known:
        raise CouldNotAsk(f"Azure lists no machine size in {location}")
    problems = []
    for size in wanted:
        sku = known.get(size.lower())
        reasons = [
            str(one.get("reasonCode"))
            for one in (sku or {}).get("restrictions") or []
            # One zone less is no matter: the machine names none.
            if one.get("type") == "Location"
        ]
        if sku is None or reasons:
            problems.append(f"{size} is not offered in {location}" + (f" ({', '.join(reasons)})" if reasons else ""))
    if not problems:
        return ok(f"{', '.join(wanted)} in {location}")
    return not_ok(
        "; ".join(problems),
        f"`az vm list-skus --location {location} --resource-type virtualMachines --output table`, then `pulumi config "
        "set machine_size SIZE`; where Azure says NotAvailableForSubscription, support opens it",
    )


def mysql(azure: Azure, needs: AzureNeeds, server: MySqlServer) -> Finding:
    """Size and version of the managed database."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    path = f"{scope}/providers/Microsoft.DBforMySQL/locations/{needs.location}/capabilitySets/default"
    try:
        return server_offered(azure.get(path, MYSQL), server, needs.location)
    except CouldNotAsk as problem:
        if "InternalServerError" not in problem.words:
            raise
        closed = f"a location that is closed to a subscription answers so: {problem.words}"
        raise CouldNotAsk(closed, "ask again; if it stays, another azure-native:location, or Azure's support") from None


def server_offered(found: Mapping[str, Any], server: MySqlServer, location: str) -> Finding:
    """Pure. Where in the answer sizes and versions stand changed between versions of the API; their keys did not."""
    sizes_of = {str(one.get("name")) for one in _under(found, "supportedSkus")}
    versions = {str(one.get("name")) for one in _under(found, "supportedServerVersions")}
    if not sizes_of or not versions:
        raise CouldNotAsk("the answer of Azure Database for MySQL names neither sizes nor versions")
    problems = []
    if server.size not in sizes_of:
        problems.append(f"size {server.size}")
    if server.version and server.version not in versions:
        problems.append(f"version {server.version} (there are {', '.join(sorted(versions))})")
    if problems:
        return not_ok(
            f"MySQL in {location} has no {' and no '.join(problems)}",
            f"`az mysql flexible-server list-skus --location {location}`, then `pulumi config set database_size SIZE` "
            "or database_version",
        )
    return ok(f"MySQL {server.version} on {server.size} in {location}")


def _under(value: Any, key: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key:
                yield from (one for one in inner or [] if isinstance(one, Mapping))
            yield from _under(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _under(inner, key)


def azure_images(azure: Azure, needs: AzureNeeds) -> Finding:
    """Marketplace images by their four words, own ones by id."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    return all_of([_azure_image(azure, scope, needs, machine) for machine in needs.machines])


def _azure_image(azure: Azure, scope: str, needs: AzureNeeds, machine: Machine) -> Finding:
    image = machine.image
    fix = "`az vm image list --publisher Canonical --all --output table`, then `pulumi config set machine_image …`"
    try:
        if image.startswith("/"):
            azure.get(image, IMAGES)
            return ok(image.rpartition("/")[2])
        publisher, offer, sku, version = image.split(":")
        path = (
            f"{scope}/providers/Microsoft.Compute/locations/{needs.location}/publishers/{publisher}/artifacttypes/"
            f"vmimage/offers/{offer}/skus/{sku}/versions"
        )
        found: Any = azure.get(path, IMAGES)
    except Absent:
        return not_ok(f"{image} is no image in {needs.location}", fix)
    listed = found if isinstance(found, list) else found.get("value") or []
    versions = [str(one["name"]) for one in listed]
    if not versions or (version != "latest" and version not in versions):
        return not_ok(f"{image} is no image in {needs.location}", fix)
    return ok(f"{publisher}:{offer}:{sku}, {version if version != 'latest' else f'latest is {versions[-1]}'}")
