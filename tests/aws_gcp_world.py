"""A world for tests of the operations: the inventory of a stack of topology aws-gcp."""

from twinsite.inventory import (
    CloudDatabase,
    CloudflarePools,
    CloudVpn,
    Cluster,
    Flow,
    Host,
    Inventory,
    Name,
    Pod,
    Setting,
    Site,
    SitePool,
)

ORIGINS = {
    "aws": "crm-123456789.ap-northeast-2.elb.amazonaws.com",
    "gcp": "34.120.1.7",
    "notice": "notice.example.net",
}
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
            steering=CloudflarePools(
                account="0123456789abcdef0123456789abcdef",
                zone="fedcba9876543210fedcba9876543210",
                pools=tuple(SitePool(site, f"aws-gcp-{site}", address) for site, address in ORIGINS.items()),
            ),
        ),
    ),
    hosts=(
        Host(
            name="gcp-logical-twinsite",
            site="gcp",
            address="",
            roles=("logical",),
            way=Pod("gke_example-dr_asia-northeast3_twinsite", "crm", "logical-twinsite"),
            status="gs://aws-gcp-operations-name/replicas/twinsite.json",
        ),
    ),
    flows=(
        Flow(
            name="twinsite",
            engine="postgres",
            kind="postgres-logical",
            source="crm",
            target="twinsite",
            source_address="crm.abcdefghijkl.ap-northeast-2.rds.amazonaws.com",
            source_port=5432,
            heartbeat_table="twinsite.heartbeat",
            resume_seconds=20.0,
            tolerated_outage_hours=4.0,
            through="gcp-logical-twinsite",
            look_seconds=120.0,
            lag_alarm_seconds=30.0,
        ),
    ),
    vpns=(
        CloudVpn(
            name="aws-gcp",
            aws_region="ap-northeast-2",
            connections=("vpn-0", "vpn-1"),
            project="example-dr",
            region="asia-northeast3",
            router="twinsite-router",
            tunnels=tuple(f"twinsite-tunnel-{at}" for at in (1, 2, 3, 4)),
            inside_ranges=tuple(f"169.254.20.{at}/30" for at in (0, 4, 8, 12)),
        ),
    ),
    databases=(
        CloudDatabase(
            name="twinsite",
            project="example-dr",
            instance="twinsite-0a1b2c3d",
            version="POSTGRES_17",
            availability="ZONAL",
            settings=(Setting("cloudsql.logical_decoding", "on"), Setting("timezone", "Asia/Seoul")),
        ),
    ),
    clusters=(
        Cluster(
            name="twinsite",
            site="gcp",
            project="example-dr",
            region="asia-northeast3",
            context="gke_example-dr_asia-northeast3_twinsite",
            pool="serving",
            serving_nodes=2,
            exists=True,
        ),
    ),
    digest="digest-1",
)
