"""onprem-aws in a network that exists, on the real engine: what is asked, what is added, what stays at the end.

The stand-ins keep records of EC2 without machines; S3 and Secrets Manager are moto's. No host on-prem: handed over.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.server import ThreadedMotoServer

from lab.providers.aws import topology

from .conftest import REGION, LiveStack, Stack

TREE = Path(__file__).resolve().parents[2]
THEIRS = """
    import pulumi, pulumi_aws as aws
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
    internet = aws.ec2.InternetGateway("internet", vpc_id=vpc.id)
    public = aws.ec2.Subnet("public", vpc_id=vpc.id, cidr_block="10.20.1.0/24", availability_zone="ap-northeast-2a")
    private = aws.ec2.Subnet("private", vpc_id=vpc.id, cidr_block="10.20.2.0/24", availability_zone="ap-northeast-2a")
    tables = {name: aws.ec2.RouteTable(name, vpc_id=vpc.id) for name in ("public", "private")}
    for name, subnet in (("public", public), ("private", private)):
        aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=tables[name].id)
    out = {"destination_cidr_block": "0.0.0.0/0"}
    aws.ec2.Route("public", route_table_id=tables["public"].id, gateway_id=internet.id, **out)
    nat = aws.ec2.NetworkInterface("nat", subnet_id=public.id, private_ips=["10.20.1.99"])
    aws.ec2.Route("private", route_table_id=tables["private"].id, network_interface_id=nat.id, **out)
    for name, one in (("vpc", vpc), ("public", public), ("private", private)):
        pulumi.export(name, one.id)
    pulumi.export("table", tables["private"].id)
"""


@pytest.fixture
def apis(live: LiveStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveStack]:
    # moto reads policies without their conditions: "deny unless TLS" denies everything (lab/services/moto_process.py).
    monkeypatch.setattr(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    live.desk.extra |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
    }
    yield live
    server.stop()


def ours(live: LiveStack) -> Stack:
    """The tree's own program in a project of its own."""
    project = live.desk.folder / "twinsite"
    project.mkdir()
    for name in ("__main__.py", "components", "stacks"):
        (project / name).symlink_to(TREE / name)
    (project / "twinsite").symlink_to("components")
    text = (TREE / "Pulumi.yaml").read_text()
    (project / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {live.desk.python}"))
    live.desk.must(project, "stack", "init", "dev")
    stack = Stack(live.desk, project)
    settings = {
        "aws:region": REGION,
        "topology": "onprem-aws",
        "availability_zone": "ap-northeast-2a",
        "ami": "ami-0123456789abcdef0",
        "onprem_delivery": "bundle",
        "gate": "handover",
    }
    for key, value in settings.items():
        stack.config(key, value)
    return stack


def records(live: LiveStack) -> dict[str, Any]:
    """All that EC2 has of networks: kind → id → record."""
    kinds = (topology.VPC, topology.SUBNET, topology.TABLE, topology.ROUTE, topology.ASSOCIATION, topology.GATEWAY)
    kinds += (topology.GROUP, topology.INTERFACE, topology.INSTANCE, topology.EIP)
    return {kind: live.memory.records_list(kind) for kind in kinds}


def test_a_network_that_exists_gets_what_is_twinsites_and_keeps_what_is_not(apis: LiveStack) -> None:
    apis.program(THEIRS)
    apis.up()
    before, ids = records(apis), apis.outputs()
    stack = ours(apis)
    stack.config("vpc_id", ids["vpc"])
    stack.config("gateway_subnet_id", ids["public"])
    stack.config("database_subnet_id", ids["private"])
    stack.must("config", "set", "--path", "route_table_ids.private", ids["table"])

    stack.config("private_range", "10.20.3.0/24")
    stack.config("source_address", "10.20.3.20")
    for words in (("preview",), ("up", "--yes", "--skip-preview")):
        code, said = stack.run(*words)
        assert code != 0
        assert f"{ids['private']} has 10.20.2.0/24: set private_range to 10.20.2.0/24" in " ".join(said.split())
        assert records(apis) == before, "before anything was made"

    stack.config("private_range", "10.20.2.0/24")
    stack.config("source_address", "10.20.2.20")
    stack.up()
    stack.up("--expect-no-changes")
    during = records(apis)
    for kind in (topology.VPC, topology.SUBNET, topology.TABLE, topology.ASSOCIATION, topology.GATEWAY):
        assert during[kind] == before[kind], kind
    added = [one for key, one in during[topology.ROUTE].items() if key not in before[topology.ROUTE]]
    assert [(one["routeTableId"], one["destinationCidrBlock"]) for one in added] == [(ids["table"], "192.168.64.0/24")]
    assert len(during[topology.INSTANCE]) == 2

    stack.config("active_site", "onprem")
    stack.must("destroy", "--run-program", "--yes", "--skip-preview")
    assert records(apis) == before


def test_a_route_that_somebody_made_is_never_changed(apis: LiveStack) -> None:
    taken = 'aws.ec2.Route("peer", route_table_id=tables["private"].id, destination_cidr_block="192.168.64.0/25", '
    apis.program(f"{THEIRS}\n    {taken}network_interface_id=nat.id)\n")
    apis.up()
    before, ids = records(apis), apis.outputs()
    stack = ours(apis)
    for key, output in (("vpc_id", "vpc"), ("gateway_subnet_id", "public"), ("database_subnet_id", "private")):
        stack.config(key, ids[output])
    stack.must("config", "set", "--path", "route_table_ids.private", ids["table"])
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "has a route to 192.168.64.0/25 already" in " ".join(said.split())
    assert records(apis) == before
