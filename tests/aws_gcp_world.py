"""A world for tests of the operations: the inventory of a stack of topology aws-gcp."""

from twinsite.inventory import CloudflarePools, Inventory, Name, Site

INVENTORY = Inventory(
    topology="aws-gcp",
    dr_mode="pilot-light",
    sites=(Site("aws", ("aws",), "ap-northeast-2"), Site("gcp", ("gcp",), "asia-northeast3")),
    home="aws",
    away="gcp",
    active_site="aws",
    names=(
        Name(
            fqdn="crm.example.com",
            stateful=True,
            primary_url="https://crm-aws.example.com/",
            secondary_url="https://crm-gcp.example.com/",
            path="/",
            primary_marker="served by site aws",
            secondary_marker="served by site gcp",
            ttl_seconds=300,
            failover_seconds=69.0,
            steering=CloudflarePools(),
        ),
    ),
    digest="digest-1",
)
