"""aws-azure: an application in AWS with its cluster, database and names; backups and a standby in Azure.

primary.py has what exists before `up`, standby.py what a user chooses for the other site, story.py what `try` tells.
"""

from lab.scenes import Given, Scene, Site
from lab.scenes.aws_azure import primary, standby, story


def _secrets(given: Given) -> dict[str, str]:
    return {"primary_database_password": given.passwords["backup"], **standby.secrets(given)}


SCENE = Scene(
    topology=story.TOPOLOGY,
    stack=story.STACK,
    sites=(
        Site(
            primary.SITE,
            providers={"aws": (), "kubernetes": (primary.CONTEXT,)},
            apis=(".amazonaws.com",),
            machines=lambda machine: machine.id.startswith("i-"),
        ),
        Site("azure"),
    ),
    passwords=primary.PASSWORDS,
    exists=primary.exists,
    settings=lambda given: {**primary.settings(given), **standby.settings(given)},
    secrets=_secrets,
    downloads={standby.RELEASE: primary.war},
    tell=story.tell,
)
