"""aws-gcp: a VPC with RDS and EKS in AWS, and what `pulumi up` makes at Google: network, VPN, Cloud SQL, GKE's nodes.

primary.py has what exists before `up`, standby.py what a user chooses for the other site, third.py the third place that
says who may write. story.py what `try` tells.
"""

import dataclasses

from lab.scenes import Existing, Given, Scene, Site
from lab.scenes.aws_gcp import application, primary, standby, story, third
from lab.services.kubernetes.image import crm


def exists(given: Given) -> Existing:
    """The primary with its application, and a place for the cluster that `up` makes."""
    there = primary.exists(given, {application.REPOSITORY: crm()})
    records = application.records(given.authority, given.passwords)
    return dataclasses.replace(
        there,
        records=(*there.records, *records, *third.records(given)),
        balancers=(application.balancer(),),
        clusters=(*there.clusters, standby.cluster()),
    )


SCENE = Scene(
    topology=story.TOPOLOGY,
    stack=story.STACK,
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
    passwords=(*primary.PASSWORDS, *third.PASSWORDS),
    exists=exists,
    settings=lambda given: {**primary.settings(given), **standby.settings(given), **third.settings()},
    secrets=lambda given: {**standby.secrets(given), **third.secrets(given)},
    tell=story.tell,
)
