"""The stand-ins on the real engine, with no box: what a preview, an update and a refusal look like."""

from tests.engine.conftest import Stack

NETWORK = """
    import pulumi, pulumi_aws as aws
    settings = pulumi.Config()
    tags = {"Name": settings.get("tag") or "one"}
    vpc = aws.ec2.Vpc("vpc", cidr_block=settings.get("range") or "10.20.0.0/16", tags=tags)
    subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.20.1.0/24")
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id)
    face = aws.ec2.NetworkInterface("face", subnet_id=subnet.id, private_ips=["10.20.1.10"], security_groups=[group.id])
    machine = aws.ec2.Instance(
        "machine", ami="ami-0", instance_type=settings.get("type") or "t3.micro",
        primary_network_interface={"network_interface_id": face.id},
        user_data=settings.get("user_data") or "#!/bin/sh",
        user_data_replace_on_change=settings.get_bool("replace") or False,
        metadata_options={"http_tokens": "required"}, root_block_device={"encrypted": True},
    )
    pulumi.export("address", machine.private_ip)
    pulumi.export("vpc", vpc.id)
"""


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.program(NETWORK)
    said = stack.up()
    assert "this is the twinsite lab, not AWS; there is no box, so everything is recorded, not run" in said
    assert "+ 6 created" in said
    stack.up("--expect-no-changes")
    assert stack.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert stack.outputs()["address"] == "10.20.1.10"
    assert stack.outputs()["vpc"].startswith("vpc-0")


def test_a_preview_knows_what_can_be_known_and_nothing_more(stack: Stack) -> None:
    stack.program(NETWORK)
    said = stack.must("preview", "--diff")
    assert "address: [unknown]" in said.replace('"', "")
    assert "vpcId           : [unknown]" in said or "vpcId" in said
    assert set(stack.steps().values()) == {"create"}


def test_each_change_updates_or_replaces_as_the_real_provider_does(stack: Stack) -> None:
    stack.program(NETWORK)
    stack.up()
    stack.config("tag", "two")
    assert stack.steps() == {"vpc": "update"}
    stack.config("type", "t3.small")
    assert stack.steps() == {"vpc": "update", "machine": "update"}
    stack.config("user_data", "#!/bin/bash")
    assert stack.steps() == {"vpc": "update", "machine": "update"}
    stack.up()
    stack.up("--expect-no-changes")
    stack.config("replace", "true")
    assert stack.steps() == {"machine": "update"}, "the switch alone changes nothing on the machine"
    stack.config("user_data", "#!/bin/dash")
    assert stack.steps()["machine"] in ("replace", "create-replacement", "delete-replaced")
    stack.config("range", "10.20.0.0/17")
    replaced = {name for name, step in stack.steps().items() if "replace" in step}
    assert replaced == {"vpc", "subnet", "group", "face", "machine"}


def test_a_property_that_the_sdk_does_not_have_is_refused_with_the_nearest_name(stack: Stack) -> None:
    stack.program("""
        import pulumi_aws as aws
        aws.ec2.Instance("machine", ami="ami-0", instance_type="t3.micro", metadata_options={"httpTokenz": "required"})
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert (
        "Invalid or unknown key. Examine values at 'machine.metadataOptions.httpTokenz'. Did you mean 'httpTokens'?"
        in said
    )


def test_a_missing_argument_and_a_wrong_type_are_refused_together(stack: Stack) -> None:
    stack.program("""
        import pulumi
        class Raw(pulumi.CustomResource):
            pass
        Raw("aws:ec2/route:Route", "route", {"destinationCidrBlock": ["0.0.0.0/0"], "gatewayId": "igw-1"})
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert 'The argument "routeTableId" is required' in said
    assert "Wrong type: expected a string, got a list. Examine values at 'route.destinationCidrBlock'." in said


def test_what_the_real_provider_checks_before_it_calls_the_cloud_is_checked(stack: Stack) -> None:
    stack.program("""
        import pulumi_aws as aws
        aws.ec2.SecurityGroup("sg", name="sg-web", vpc_id="vpc-1")
        aws.vpc.SecurityGroupIngressRule("rule", security_group_id="sg-1", ip_protocol="tcp", cidr_ipv4="0.0.0.0/0")
        aws.ec2.Instance("large", ami="ami-0", instance_type="t3.micro", user_data="x" * 16385)
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert "cannot begin with sg-" in said or "fromPort and toPort must be given" in said or "EC2 takes 16384" in said


def test_a_type_without_a_stand_in_is_refused_with_its_file(stack: Stack) -> None:
    stack.program("""
        import pulumi_aws as aws
        aws.rds.Instance("database", instance_class="db.t3.micro")
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert "resource type aws:rds/instance:Instance is not supported in the twinsite lab" in said
    assert "lab/providers/aws/rds_instance.py" in said


def test_a_function_that_asks_an_account_is_refused(stack: Stack) -> None:
    stack.program("""
        import pulumi_aws as aws
        aws.get_caller_identity()
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert "is not supported in the twinsite lab: a preview that asks an account cannot work without one" in said


def test_a_provider_without_a_region_is_refused_with_the_command_that_gives_it(stack: Stack) -> None:
    stack.program("""
        import pulumi_aws as aws
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
    """)
    stack.must("config", "rm", "aws:region")
    code, said = stack.run("preview")
    assert code != 0
    assert "pulumi config set aws:region" in said


def test_secrets_stay_secret_in_the_state(stack: Stack) -> None:
    stack.program("""
        import pulumi, pulumi_aws as aws, pulumi_random as random, pulumi_tls as tls
        password = random.RandomPassword("password", length=32)
        key = tls.PrivateKey("key", algorithm="ED25519")
        secret = aws.secretsmanager.Secret("secret")
        value = aws.secretsmanager.SecretVersion("value", secret_id=secret.id, secret_string=password.result)
        parameter = aws.ssm.Parameter("parameter", type="SecureString", value="clear-0123456789")
        tags = {"Name": pulumi.Output.secret("clear-0123456789")}
        tagged = aws.ec2.Vpc("tagged", cidr_block="10.0.0.0/16", tags=tags)
        pulumi.export("password", password.result)
        pulumi.export("private", key.private_key_openssh)
        pulumi.export("value", value.secret_string)
    """)
    said = stack.up()
    shown = stack.outputs()
    text = stack.must("stack", "export")
    assert "PRIVATE KEY" in shown["private"]
    for clear in (shown["password"], "clear-0123456789", "PRIVATE KEY"):
        assert clear not in text
        assert clear not in said
    assert shown["value"] == shown["password"]
    assert len(shown["password"]) == 32


def test_generated_names_stay_and_fixed_names_are_deleted_before_they_are_made_again(stack: Stack) -> None:
    program = """
        import pulumi, pulumi_aws as aws
        trust = '{"Version": "2012-10-17", "Statement": []}'
        aws.iam.Role("generated", assume_role_policy=trust, path=PATH)
        aws.iam.Role("fixed", name="fixed", assume_role_policy=trust, path=PATH)
    """
    stack.program(program.replace("PATH", '"/"'))
    stack.up()
    name = stack.state()["generated"]["outputs"]["name"]
    assert name.startswith("generated-")
    stack.up("--expect-no-changes")
    stack.program(program.replace("PATH", '"/other/"'))
    said = stack.up()
    assert stack.state()["generated"]["outputs"]["name"] != name
    assert said.index("fixed deleted original") < said.index("fixed created replacement")
    assert said.index("generated created replacement") < said.index("generated deleted original")


def test_destroy_leaves_nothing(stack: Stack) -> None:
    stack.program(NETWORK)
    stack.up()
    stack.must("destroy", "--yes", "--skip-preview")
    assert stack.state() == {}


def test_a_command_is_recorded_and_says_so(stack: Stack) -> None:
    stack.program("""
        import pulumi
        from pulumi_command import local, remote
        here = local.Command("here", create="touch ran-here")
        connection = {"host": "192.0.2.1", "private_key": "clear-0123456789"}
        there = remote.Command("there", connection=connection, create="id")
        pulumi.export("said", there.stdout)
    """)
    said = stack.up()
    assert said.count("recorded, not run\n") >= 2
    assert stack.outputs()["said"].startswith("recorded, not run")
    assert not (stack.folder / "ran-here").exists()
    assert "clear-0123456789" not in stack.must("stack", "export")
