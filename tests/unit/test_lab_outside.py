"""What a scene's settings name outside all sites is there before `up`, as they name it."""

from lab import outside
from lab.services.cloudflare import ZONE
from lab.services.google.projects import PROJECT

SETTINGS = {
    "gcp:project": "example-dr", "fqdn": "crm.example.com", "cloudflare_account_id": "a", "cloudflare_zone_id": "z",
    "notice_address": "notice.example.net", "notice_text": "not served",
}  # fmt: skip


def test_project_and_zone_are_what_the_settings_name() -> None:
    zone = {"name": "example.com", "account": "a", "plan": "pro"}
    assert outside.records(SETTINGS) == [(PROJECT, "example-dr", {}), (ZONE, "z", zone)]
    assert outside.records({**SETTINGS, "cloudflare_plan": "business"})[1][2]["plan"] == "business"
    assert outside.records({}) == []


def test_a_notice_has_a_page_where_it_is_a_host_name() -> None:
    assert outside.page(SETTINGS) == outside.Page("notice.example.net", "not served")
    assert outside.page({**SETTINGS, "notice_address": "192.0.2.1"}) is None
    assert outside.page({}) is None
