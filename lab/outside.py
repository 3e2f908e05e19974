"""What a scene's settings name outside all sites: a project at Google, a zone of Cloudflare's, a page of nobody's.

Whoever owns them has them before `up`; nothing of a stack makes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.box.layout import LOAD_BALANCERS
from lab.services.cloudflare import ZONE
from lab.services.google.projects import PROJECT

NOTICE = LOAD_BALANCERS[-1]
"""Where the page is that says that nobody serves."""
UNAVAILABLE = 503


@dataclass(frozen=True)
class Page:
    """The same for every path, with a certificate for its name."""

    host: str
    text: str


def records(settings: Mapping[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """(type, id, record) of the project and of the zone that holds `fqdn`, as far as there are settings of them."""
    found: list[tuple[str, str, dict[str, str]]] = []
    if project := settings.get("gcp:project"):
        found.append((PROJECT, str(project), {}))
    if zone := settings.get("cloudflare_zone_id"):
        name = str(settings["fqdn"]).partition(".")[2]
        plan = str(settings.get("cloudflare_plan") or "pro")
        found.append((ZONE, str(zone), {"name": name, "account": str(settings["cloudflare_account_id"]), "plan": plan}))
    return found


def page(settings: Mapping[str, Any]) -> Page | None:
    """The notice, where settings name one by a host name."""
    host = str(settings.get("notice_address") or "")
    return Page(host, str(settings["notice_text"])) if host and not host[-1].isdigit() else None
