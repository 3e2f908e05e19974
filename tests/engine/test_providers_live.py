"""The stand-ins on the real engine with a daemon: what the world becomes, also when something goes wrong halfway."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lab.model import Route, Rule
from tests.engine.conftest import LiveStack, late

TOPOLOGY = """
    import pulumi, pulumi_aws as aws
    settings = pulumi.Config()

    def early():
        import pathlib, time
        def wait(args):
            while not pathlib.Path("pending").exists():
                time.sleep(0.02)
        hooks = pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook("pending", wait)])
        return pulumi.ResourceOptions(depends_on=[internet], hooks=hooks)

    vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
    internet = aws.ec2.InternetGateway("internet", vpc_id=vpc.id)
    subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.20.1.0/24", availability_zone="ap-northeast-2a")
    table = aws.ec2.RouteTable("table", vpc_id=vpc.id)
    aws.ec2.RouteTableAssociation("table", subnet_id=subnet.id, route_table_id=table.id)
    aws.ec2.Route("out", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=internet.id)
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id)
    aws.vpc.SecurityGroupIngressRule(
        "ssh", security_group_id=group.id, ip_protocol="tcp", from_port=22, to_port=22,
        cidr_ipv4=settings.get("admitted") or "203.0.113.10/32",
    )
    aws.vpc.SecurityGroupEgressRule("out", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")
    face = aws.ec2.NetworkInterface(
        "face", subnet_id=subnet.id, private_ips=["10.20.1.10"], security_groups=[group.id], source_dest_check=False
    )
    peer = "192.168.64.0/24"
    aws.ec2.Route("peer", route_table_id=table.id, destination_cidr_block=peer, network_interface_id=face.id)
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = aws.iam.Role("role", assume_role_policy=trust)
    aws.iam.RolePolicy(
        "role", role=role.name,
        policy='{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}',
    )
    profile = aws.iam.InstanceProfile("profile", role=role.name)
    address = aws.ec2.Eip("address", domain="vpc")
    machine = aws.ec2.Instance(
        "machine", ami="ami-0", instance_type="t3.micro", iam_instance_profile=profile.name,
        primary_network_interface={"network_interface_id": face.id},
        user_data=settings.get("user_data") or "#!/bin/sh",
        user_data_replace_on_change=settings.get_bool("replace") or False,
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
        opts=pulumi.ResourceOptions(
            delete_before_replace=True, depends_on=[address],
            ignore_changes=[settings.get("ignored") or "sourceDestCheck"],
        ),
    )
    volume = aws.ebs.Volume("volume", availability_zone="ap-northeast-2a", size=2, type="gp3")
    aws.ec2.VolumeAttachment(
        "volume", device_name="/dev/sdf", volume_id=volume.id, instance_id=machine.id,
        opts=pulumi.ResourceOptions(delete_before_replace=True),
    )
    late = pulumi.ResourceOptions(depends_on=[internet, machine])
    aws.ec2.EipAssociation(
        "address", allocation_id=address.id, network_interface_id=face.id,
        opts=early() if settings.get_bool("early") else late,
    )
    aws.cloudwatch.MetricAlarm(
        "alarm", comparison_operator="GreaterThanThreshold", evaluation_periods=1, metric_name="x", namespace="AWS/EC2",
        period=60, statistic="Maximum", threshold=0, dimensions={"InstanceId": machine.id},
    )
    pulumi.export("machine", machine.id)
    pulumi.export("public", address.public_ip)
"""


def test_the_world_is_what_the_program_says(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    said = live.up()
    assert "this is the twinsite lab, not AWS\n" in said
    assert "recorded, not run: the lab has nothing that acts as aws:cloudwatch/metricAlarm:MetricAlarm" in said
    world, outputs = live.world, live.outputs()
    (vpc,), (subnet,), (face,), (volume,), (machine,) = (
        world.vpcs, world.subnets, world.interfaces, world.volumes, world.machines
    )  # fmt: skip
    assert (vpc.cidr, vpc.internet) == ("10.20.0.0/16", True)
    assert set(subnet.routes) == {
        Route("10.20.0.0/16", "local"), Route("0.0.0.0/0", "igw"), Route("192.168.64.0/24", f"nic:{face.id}")
    }  # fmt: skip
    (group,) = [one for one in world.groups if one.id in face.groups]
    assert group.ingress == (Rule("tcp", 22, 22, "203.0.113.10/32"),)
    assert [(rule.protocol, rule.cidr) for rule in group.egress] == [("-1", "0.0.0.0/0")]
    assert (face.address, face.source_dest_check, face.public_address) == ("10.20.1.10", False, outputs["public"])
    assert face.public_address.startswith("203.0.113.")
    assert (machine.id, machine.interface, machine.user_data) == (outputs["machine"], face.id, "#!/bin/sh")
    assert machine.volumes == (("/dev/sdf", volume.id),)
    assert (machine.metadata_hop_limit, machine.metadata_tokens_required, machine.running) == (2, True, True)
    assert machine.hostname == "ip-10-20-1-10"
    assert live.memory.role(machine.role) is not None
    assert (volume.gib, machine.region) == (2, "ap-northeast-2")
    before = len(live.box.worlds)
    live.up("--expect-no-changes")
    live.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert len(live.box.worlds) == before, "nothing was to be done, so the box was not asked"

    live.must("destroy", "--yes", "--skip-preview")
    rest = live.world
    assert (rest.vpcs, rest.subnets, rest.groups, rest.interfaces, rest.volumes, rest.machines) == ((),) * 6
    assert live.memory.records_list("aws:ec2/instance:Instance") == {}
    assert live.memory.role(machine.role) is None


def test_changed_user_data_stops_and_starts_the_same_machine_or_replaces_it(live: LiveStack) -> None:
    live.desk.extra.update(late())
    live.program(TOPOLOGY)
    live.up()
    (first,) = live.world.machines
    asked = len(live.box.worlds)
    live.config("user_data", "#!/bin/bash")
    live.up()
    seen = [(one.running, one.user_data) for world in live.box.worlds[asked:] for one in world.machines]
    assert seen == [(False, "#!/bin/sh"), (True, "#!/bin/bash")]
    (second,) = live.world.machines
    assert (second.id, second.user_data) == (first.id, "#!/bin/bash")

    live.config("replace", "true")
    live.config("user_data", "#!/bin/dash")
    live.up()
    (third,) = live.world.machines
    assert third.id != first.id
    assert (third.user_data, third.interface) == ("#!/bin/dash", first.interface)
    assert third.volumes == first.volumes, "the volume moved to the new machine"


def test_what_the_program_leaves_out_is_set_to_the_providers_default_unless_it_is_ignored(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    live.up()
    assert live.state()["machine"]["outputs"]["sourceDestCheck"] is False, "read from the interface"
    assert "sourceDestCheck" not in live.state()["machine"]["inputs"]
    live.config("ignored", "tags")
    assert live.steps() == {"machine": "update"}
    live.up()
    (face,) = live.world.interfaces
    assert face.source_dest_check is True, "the update switched the interface's check on: a gateway forwards no more"
    live.must("refresh", "--yes", "--skip-preview")
    live.config("ignored", "sourceDestCheck")
    live.up()
    (face,) = live.world.interfaces
    assert face.source_dest_check is False, "a refresh sees it, and the interface is put right"
    live.up("--expect-no-changes")


def test_an_address_is_refused_to_a_machine_that_is_still_pending(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    live.config("early", "true")
    live.box.hold_when = "i-"
    running = live.desk.start(live.folder, "up", "--yes", "--skip-preview")
    assert running.stdout is not None
    assert live.box.holding.wait(60), "the machine is not being made"
    (live.folder / "pending").touch()
    refused = "IncorrectInstanceState: The pending-instance-creation instance to which"
    said = ""
    for line in running.stdout:
        said += line
        if refused in line:
            live.box.hold.set()
    running.wait(60)
    assert refused in said
    live.up()
    assert live.world.interfaces[0].public_address, "the next up, with the machine running, gives it"


def test_a_changed_rule_reaches_the_machines_firewall_in_place(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    live.up()
    (face,) = live.world.interfaces
    live.config("admitted", "198.51.100.0/24")
    assert live.steps() == {"ssh": "update"}
    live.up()
    (group,) = [one for one in live.world.groups if one.id in face.groups]
    assert group.ingress == (Rule("tcp", 22, 22, "198.51.100.0/24"),)


def test_refresh_sees_what_went_away_and_up_makes_it_again(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    live.up()
    (machine,) = live.world.machines
    live.memory.records_delete("aws:ec2/instance:Instance", machine.id)
    live.memory.world_delete("machines", machine.id)
    live.must("refresh", "--yes", "--skip-preview")
    assert "machine" not in live.state()
    live.up()
    (again,) = live.world.machines
    assert again.id != machine.id


def test_what_the_box_refuses_fails_the_resource_and_leaves_nothing(live: LiveStack) -> None:
    live.program("""
        import pulumi_aws as aws
        aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
    """)
    live.box.refuse = "the box is full: take another machine away"
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "error: the box is full: take another machine away" in said
    assert "Traceback" not in said
    assert (live.world.vpcs, live.memory.records_list("aws:ec2/vpc:Vpc")) == ((), {})
    live.box.refuse = ""
    live.up()
    assert len(live.world.vpcs) == 1


def test_what_aws_refuses_is_refused(live: LiveStack) -> None:
    live.program("""
        import pulumi, pulumi_aws as aws
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
        one = aws.ec2.Subnet("one", vpc_id=vpc.id, cidr_block="10.20.1.0/24")
        after = pulumi.ResourceOptions(depends_on=[one])
        aws.ec2.Subnet("overlapping", vpc_id=vpc.id, cidr_block="10.20.1.128/25", opts=after)
        aws.ec2.Subnet("outside", vpc_id=vpc.id, cidr_block="10.21.1.0/24")
        aws.ec2.NetworkInterface("reserved", subnet_id=one.id, private_ips=["10.20.1.2"])
    """)
    code, said = live.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert code != 0
    assert "InvalidSubnet.Conflict" in said
    assert "InvalidSubnet.Range" in said
    assert "reserves its first four" in said
    assert len(live.world.subnets) == 1


def until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def quiet(folder: Path) -> bool:
    """Whether nothing under `folder` was written within the last second."""
    return time.time() - max(one.stat().st_mtime for one in folder.rglob("*")) > 1


def test_a_kill_between_make_and_remember_leaves_one_machine_after_the_next_up(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    live.box.hold_when = "i-"
    running = live.desk.start(live.folder, "up", "--yes", "--skip-preview")
    drain = threading.Thread(target=running.communicate, daemon=True)
    drain.start()
    assert live.box.holding.wait(60), "the machine's create never reached the box"
    # The engine writes its state without a rename (fileblob's .attrs): killed amid that, no Pulumi reads it any more.
    # That is not what this test is about.
    until(lambda: quiet(live.desk.folder / "state"), "the state is still written")
    os.kill(running.pid, signal.SIGKILL)
    drain.join(30)
    live.box.hold_when = ""
    live.box.hold.set()
    until(lambda: len(live.world.machines) == 1, "the machine was not made")
    (orphan,) = live.world.machines
    live.must("cancel", "--yes")
    said = live.up()
    assert f"an interrupted run had left {orphan.id}" in said
    (machine,) = live.world.machines
    assert machine.id == live.outputs()["machine"] != orphan.id
    live.up("--expect-no-changes")


def test_ctrl_c_finishes_what_is_being_made_and_the_next_up_goes_on(live: LiveStack) -> None:
    live.program(TOPOLOGY)
    live.box.hold_when = "i-"
    running = live.desk.start(live.folder, "up", "--yes", "--skip-preview")
    said: list[str] = []
    drain = threading.Thread(target=lambda: said.append(running.communicate()[0]), daemon=True)
    drain.start()
    assert live.box.holding.wait(60), "the machine's create never reached the box"
    os.kill(running.pid, signal.SIGINT)
    live.box.hold.set()
    drain.join(60)
    assert running.returncode not in (0, None)
    (made,) = live.world.machines
    assert live.state()["machine"]["id"] == made.id, "what was made is remembered"
    live.box.hold_when = ""
    assert "an interrupted run had left" not in live.up()
    assert [one.id for one in live.world.machines] == [made.id]


def test_what_is_there_already_can_be_imported_by_its_id(live: LiveStack) -> None:
    program = """
        import pulumi, pulumi_aws as aws
        settings = pulumi.Config()
        def given(key):
            return pulumi.ResourceOptions(import_=settings.get(key), retain_on_delete=True)
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16", opts=given("vpc"))
        subnet = aws.ec2.Subnet(
            "subnet", vpc_id=vpc.id, cidr_block="10.20.1.0/24", availability_zone="ap-northeast-2a",
            opts=given("subnet"),
        )
        table = aws.ec2.RouteTable("table", vpc_id=vpc.id, opts=given("table"))
        use = aws.ec2.RouteTableAssociation("use", subnet_id=subnet.id, route_table_id=table.id, opts=given("use"))
        for one in (vpc, subnet, table, use):
            pulumi.export(one._name, one.id)
    """
    live.program(program)
    live.up()
    ids, world = live.outputs(), live.world
    live.must("destroy", "--yes", "--skip-preview")
    assert live.world == world, "it was to be kept"
    for key in ("vpc", "subnet", "table"):
        live.config(key, ids[key])
    live.config("use", f"{ids['subnet']}/{ids['table']}")
    said = live.up()
    assert "= 4 imported" in said
    assert live.outputs() == ids
    live.must("config", "rm", "use")
    live.up("--expect-no-changes")


def test_a_socket_without_a_daemon_stops_the_command_instead_of_recording(live: LiveStack) -> None:
    live.desk.extra["TWINSITE_LAB_SOCKET"] = str(live.desk.folder / "nobody.sock")
    live.program("""
        import pulumi_aws as aws
        aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
    """)
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "the lab's daemon does not answer" in said
