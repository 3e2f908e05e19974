"""What a token of Cloudflare's may do, held against its list in policies/: by the token's own policies, where it may
read them; by what it may read, where it may not.
"""

import json
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from twinsite.needs import Cloudflare as CloudflareNeeds

from ..cloudflare import Cloudflare, CloudflareError
from ..unanswered import CouldNotAsk
from . import identity, policies
from .answers import Finding, all_of, needs_setting, not_ok, ok
from .rights import held


def ask(cloudflare: Cloudflare, file: pathlib.Path | None, who: str, needs: CloudflareNeeds) -> Finding:
    """By the token's policies; where it may not read its own, by what it may read."""
    if file is None:
        return ok(f"the {who} needs none there")
    words = {
        "cloudflare_account_id": needs_setting(needs.account, "cloudflare_account_id"),
        "cloudflare_zone_id": needs_setting(needs.zone, "cloudflare_zone_id"),
    }
    wanted = list(grants(json.loads(policies.filled(file.read_text(encoding="utf-8"), words))["policies"]))
    token = identity.verified(cloudflare, needs.account)
    place = f"accounts/{token['of']}" if token.get("of") else "user"
    try:
        own = cloudflare.get(f"{place}/tokens/{token['id']}")
    except CloudflareError as error:
        if error.status not in (401, 403, 404):
            raise
        return _by_reading(cloudflare, file, needs, any(group.endswith(" Write") for _, group in wanted))
    asked = {
        f"{group} ({resource.rpartition('.')[2]})": given(own, resource, group, words) for resource, group in wanted
    }
    return held(asked, file, "edit the token at dash.cloudflare.com/profile/api-tokens")


def grants(found: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(resource, permission group) of a token's policies that allow. Pure."""
    for policy in found:
        if policy.get("effect") == "allow":
            for resource in policy.get("resources") or {}:
                for group in policy.get("permission_groups") or []:
                    yield str(resource), str(group.get("name"))


def given(token: Mapping[str, Any], resource: str, group: str, words: Mapping[str, str]) -> bool:
    """Whether the token has it there: on the thing itself, on all of its kind, or on all zones of its account; whoever
    may write may read. Pure. A denial counts for whatever it names."""
    account = f"com.cloudflare.api.account.{words['cloudflare_account_id']}"
    places = {resource, f"{resource.rpartition('.')[0]}.*", account if ".zone." in resource else resource}
    groups = {group, re.sub(" Read$", " Write", group)}
    denied = [
        policy for policy in token.get("policies") or [] if policy.get("effect") == "deny"
        and places & set(policy.get("resources") or {})
        and group in {one.get("name") for one in policy.get("permission_groups") or []}
    ]  # fmt: skip
    return not denied and any(there in places and has in groups for there, has in grants(token.get("policies") or []))


def _by_reading(cloudflare: Cloudflare, file: pathlib.Path, needs: CloudflareNeeds, writes: bool) -> Finding:
    """A token that may not read its own policies shows what it may read."""
    read = (
        f"zones/{needs.zone}",
        f"zones/{needs.zone}/load_balancers",
        f"accounts/{needs.account}/load_balancers/pools",
    )
    lacking = []
    for path in read:
        try:
            cloudflare.get(path)
        except CloudflareError as error:
            if error.status not in (401, 403, 404):
                raise
            lacking.append(not_ok(error.words, error.fix))
    if lacking:
        return all_of(lacking)
    if writes:
        raise CouldNotAsk(
            "the token may look; whether it may write, Cloudflare tells only to a token that may read its own policies",
            f"give it API Tokens: Read, or compare it with {policies.name(file)} at dash.cloudflare.com",
        )
    return ok(f"all that {policies.name(file)} reads")
