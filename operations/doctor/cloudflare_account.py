"""Cloudflare's zone and account: whether they are the stack's, and pay for what it needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from twinsite.needs import Cloudflare as CloudflareNeeds

from ..cloudflare import Cloudflare, CloudflareError
from ..unanswered import CouldNotAsk
from .answers import Finding, all_of, needs_setting, not_ok, ok

PLANS = ("free", "pro", "business", "enterprise")


def zone(cloudflare: Cloudflare, needs: CloudflareNeeds) -> Finding:
    """Its state, its account, its name, its plan."""
    needs_setting(needs.account, "cloudflare_account_id")
    return zone_fits(cloudflare.get(f"zones/{needs_setting(needs.zone, 'cloudflare_zone_id')}"), needs)


def zone_fits(found: Mapping[str, Any], needs: CloudflareNeeds) -> Finding:
    """Pure."""
    name, status = str(found.get("name")), str(found.get("status"))
    account = str((found.get("account") or {}).get("id"))
    plan = str((found.get("plan") or {}).get("legacy_id"))
    findings = []
    if status != "active":
        servers = ", ".join(str(one) for one in found.get("name_servers") or ())
        findings.append(not_ok(f"zone {name} is {status}", f"at its registrar, set NS to {servers or 'what it says'}"))
    if account != needs.account:
        fix = f"`pulumi config set cloudflare_account_id {account}`, or another cloudflare_zone_id"
        findings.append(not_ok(f"zone {name} is of account {account}", fix))
    if needs.fqdn != name and not needs.fqdn.endswith(f".{name}"):
        findings.append(
            not_ok(f"zone {name} is not that of {needs.fqdn}", "`pulumi config set cloudflare_zone_id` its own")
        )
    if plan not in PLANS:
        raise CouldNotAsk(f"zone {name} has plan {plan}, which is not known here", "compare it with cloudflare_plan")
    if PLANS.index(plan) < PLANS.index(needs.plan):
        fix = f"`pulumi config set cloudflare_plan {plan}`, whose monitors ask less often, or buy the plan"
        if plan == "free":
            fix = f"buy the plan {needs.plan}: checks as often as the stack promises need it"
        findings.append(not_ok(f"zone {name} has plan {plan}, and the stack says {needs.plan}", fix))
    return all_of(findings or [ok(f"zone {name} is active, plan {plan}")])


def balancing(cloudflare: Cloudflare, needs: CloudflareNeeds) -> Finding:
    """Whether load balancing is paid for: pools that are there show it, else the account's subscriptions."""
    account = needs_setting(needs.account, "cloudflare_account_id")
    if cloudflare.items(f"accounts/{account}/load_balancers/pools"):
        return ok("there are pools, so it is paid for")
    look = "look it up at dash.cloudflare.com, Traffic, Load Balancing; or give the token Billing: Read"
    try:
        found = cloudflare.items(f"accounts/{account}/subscriptions")
    except CloudflareError as error:
        if error.status not in (401, 403):
            raise
        raise CouldNotAsk("whether load balancing is paid for, this token is not told", look) from None
    return subscribed(found)


def subscribed(found: Sequence[Mapping[str, Any]]) -> Finding:
    """Pure. Which words a subscription has for it is from memory, so that none that is known is no refusal."""
    plans = [one.get("rate_plan") or {} for one in found]
    names = {f"{one.get('id')} {one.get('public_name')}".lower().replace("_", " ") for one in plans}
    if any("load balanc" in name for name in names):
        return ok("the account has a subscription for it")
    raise CouldNotAsk(
        "no subscription of the account has load balancing in its name",
        "look it up at dash.cloudflare.com, Traffic, Load Balancing: it must be enabled, with three origins or more",
    )
