"""Whether the world asks Route 53 about the domain: its NS records against the hosted zone's own."""

from collections.abc import Sequence

from .. import dns
from ..amazon import Amazon, Refused
from ..unanswered import CouldNotAsk
from .answers import Finding, needs_setting, not_ok, ok


def ask(aws: Amazon, domain: str, zone_id: str) -> Finding:
    """The desk's resolver, and Route 53."""
    needs_setting(domain, "domain")
    needs_setting(zone_id, "zone_id")
    seen = _servers(domain)
    try:
        found = aws.ask("route53", "GetHostedZone", "us-east-1", Id=zone_id)
    except Refused as error:
        if error.code != "NoSuchHostedZone":
            raise
        return not_ok(f"{zone_id} is no hosted zone of this account", "`aws route53 list-hosted-zones`")
    zone = found["HostedZone"]
    if (zone.get("Config") or {}).get("PrivateZone"):
        return not_ok(
            f"{zone_id} is a private zone: nobody outside asks it", "`pulumi config set zone_id` a public one"
        )
    return delegated(domain, str(zone["Name"]).rstrip("."), seen, found["DelegationSet"]["NameServers"])


def _servers(domain: str) -> list[str]:
    """NS records; none for a name that there is not."""
    servers = dns.resolvers()
    if not servers:
        raise CouldNotAsk("this desk has no resolver", "look at /etc/resolv.conf")
    try:
        return [one.value for one in dns.ask(servers[0], domain, dns.NS, recursive=True) if one.kind == dns.NS]
    except dns.NoAnswer as problem:
        if str(problem) == "NXDOMAIN":
            return []
        raise CouldNotAsk(f"the resolver does not say: {problem}", "look at your own network") from None


def delegated(domain: str, zone: str, seen: Sequence[str], own: Sequence[str]) -> Finding:
    """Pure."""
    if domain != zone and not domain.endswith(f".{zone}"):
        return not_ok(
            f"the hosted zone is of {zone}, not of {domain}", "`pulumi config set zone_id` that of the domain"
        )
    there, here = ({name.rstrip(".").lower() for name in names} for names in (seen, own))
    if domain != zone and not there:
        return ok(f"{domain} lies in the zone of {zone}")
    if not there:
        return not_ok(f"{domain} is not delegated at all", f"at its registrar, set NS to {', '.join(sorted(here))}")
    if there & here:
        return ok(f"{domain} is delegated to {', '.join(sorted(there & here))}")
    return not_ok(
        f"{domain} is delegated to {', '.join(sorted(there))}, not to this zone",
        f"at its registrar, set NS to {', '.join(sorted(here))}",
    )
