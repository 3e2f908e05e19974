"""onprem-aws: the on-prem site as its owner left it. The story: the tunnel is cut and heals, and nothing is lost."""

import argparse
import json
from typing import Any

from lab.cloud_config import USER
from lab.model import OPERATOR_ADDRESS, SITE_ADDRESS, SiteMachine
from lab.scenes import Given, Scene, Site
from lab.story import Tour, desk, lab

STACK = "dev"
MACHINES = (
    SiteMachine("onprem-gateway", "192.168.64.10", 2210),
    SiteMachine("onprem-database", "192.168.64.20", 2220),
)


def settings(given: Given) -> dict[str, Any]:
    """Whom the site lets in, and where its hosts are found from outside."""
    values: dict[str, Any] = {
        "ami": given.ami,
        "onprem_public_range": f"{SITE_ADDRESS}/32",
        "operator_ranges": [f"{OPERATOR_ADDRESS}/32"],
        "operator_keys": [given.operator.public],
    }
    for machine in MACHINES:
        key = machine.name.replace("-", "_")
        values[f"{key}_ssh"] = f"{USER}@{SITE_ADDRESS}:{machine.forwarded_port}"
        values[f"{key}_host_key"] = " ".join(given.hosts[machine.name].public.split()[:2])
    return values


def secrets(given: Given) -> dict[str, str]:
    """The key that the site's hosts know."""
    return {"onprem_ssh_private_key": given.operator.private}


def options(parser: argparse.ArgumentParser) -> None:
    """Which cut, and how long."""
    parser.add_argument(
        "--how", default="link-down", help="onprem-aws: kind of cut; see `twinsite drill tunnel-cut --help`"
    )
    parser.add_argument("--seconds", type=int, default=30, help="onprem-aws: length of the cut")


def tell(tour: Tour, chosen: argparse.Namespace) -> dict[str, Any]:
    """The drill's own result."""
    tour.step("lab up", lab("up"))
    tour.step("pulumi up", desk("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK))
    tour.step("status", desk("twinsite", "status"))
    cut = ["--how", chosen.how, "--seconds", str(chosen.seconds), "--settle", "20", "--json"]
    drill = tour.step(f"drill {chosen.how}", desk("twinsite", "drill", "tunnel-cut", *cut), allowed=(0, 1), shows=True)
    result: dict[str, Any] = json.loads(drill.stdout)
    return result


SCENE = Scene(
    topology="onprem-aws",
    stack=STACK,
    sites=(
        Site("aws", {"aws": ()}, (".amazonaws.com",), lambda machine: machine.id.startswith("i-")),
        Site("onprem", links=("onprem-wan",)),
    ),
    machines=MACHINES,
    settings=settings,
    secrets=secrets,
    options=options,
    tell=tell,
)
