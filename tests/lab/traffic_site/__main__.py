"""Three names on a latch: www is a notice, dr the application, one the application without anything in front of it.

The primary's page is a blob that a test can remove.
"""

import sys

import pulumi

settings = pulumi.Config()
sys.path.insert(0, settings.require("tree"))

import pulumi_aws as aws
from pulumi_azure_native import resources

from tests.mocks.traffic_world import MARKER, World
from twinsite import Route53FailoverPair

zone = aws.route53.Zone("zone", name="example.com")
group = resources.ResourceGroup("group", resource_group_name="dr", location="koreacentral")
on_azure, in_zone = {"resource_group_name": group.name}, {"zone_id": zone.zone_id}
primary = {
    "dns_name": "shop-123.ap-northeast-2.elb.amazonaws.com",
    "zone_id": "ZWKZPGTI48KDX",
    "has_ipv6": False,
}


def name(world_page: pulumi.Output[str]) -> dict[str, object]:
    return {
        **in_zone,
        "primary": primary,
        "primary_check": {"host": world_page, "path": "/primary", "text": "served by site aws"},
    }


class Site(World):
    """The world of the tests under mocks, its primary's page on the second store's website."""

    def args(self, part: str, **good: object) -> dict[str, object]:
        found = super().args(part, **good)
        return {**found, **name(self.second.host)} if part in ("www", "dr") else found


site = Site({"public": on_azure, "second": on_azure, "latch": in_zone, "page": in_zone, "front": in_zone})
machine = "203.0.113.9"  # nobody has it: its check is red
Route53FailoverPair(
    "one",
    {
        "fqdn": "one.example.com",
        "stateful": True,
        "secondary": {"ipv4": machine},
        "secondary_check": {"host": "one.example.com", "address": machine, "path": "/petclinic/", "text": MARKER},
        "latch": site.latch,
        **name(site.second.host),
    },
)
pulumi.export("notice", site.page.distribution_domain)
pulumi.export("front", site.front.distribution_domain)
