"""aws-gcp: a VPC with RDS and EKS in AWS, and what `pulumi up` makes at Google: network, VPN, Cloud SQL, GKE's nodes.

primary.py has what exists before `up`, standby.py what a user chooses for the other site. There is no story yet.
"""

import argparse
import dataclasses
from typing import Any

from lab.client import Refused
from lab.scenes import Existing, Given, Scene, Site
from lab.scenes.aws_gcp import application, primary, standby
from lab.services.kubernetes.image import crm
from lab.story import Tour

TOPOLOGY, STACK = "aws-gcp", "gcp"
UNTOLD = (
    f"`try` has no story of topology {TOPOLOGY} yet. `./scripts/lab up --topology {TOPOLOGY}` has the networks, the "
    "VPN, both databases, the nodes and the application, live."
)


def tell(tour: Tour, chosen: argparse.Namespace) -> dict[str, Any]:
    """There is no story."""
    raise Refused(UNTOLD)


def exists(given: Given) -> Existing:
    """The primary with its application, and a place for the cluster that `up` makes."""
    there = primary.exists(given, {application.REPOSITORY: crm()})
    records = application.records(given.authority, given.passwords)
    return dataclasses.replace(
        there,
        records=(*there.records, *records),
        balancers=(application.balancer(),),
        clusters=(*there.clusters, standby.cluster()),
    )


SCENE = Scene(
    topology=TOPOLOGY,
    stack=STACK,
    sites=(
        Site(
            primary.SITE,
            providers={"aws": (), "kubernetes": (primary.CONTEXT,)},
            apis=(".amazonaws.com",),
            machines=lambda machine: machine.id.startswith("i-"),
            vpns=lambda router: router.id.startswith("vgw-"),
        ),
        Site(
            standby.SITE,
            providers={"gcp": (), "kubernetes": (standby.CONTEXT,)},
            apis=(".googleapis.com",),
            machines=lambda machine: machine.id.startswith(("gke-", "sql-")),
            vpns=lambda router: not router.id.startswith("vgw-"),
        ),
    ),
    passwords=primary.PASSWORDS,
    exists=exists,
    settings=lambda given: {**primary.settings(given), **standby.settings(given)},
    secrets=standby.secrets,
    tell=tell,
    untold=UNTOLD,
)
