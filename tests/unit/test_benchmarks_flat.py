"""The flat program says the same as the state it was written from."""

import ast
import json

import pytest

from benchmarks.flat import ASSET, SECRET_KEY, SECRET_VALUE, Untold, differences, leaves, program, python_class, snake

STACK = "urn:pulumi:dev::twinsite::pulumi:pulumi:Stack::twinsite-dev"
VPC = "urn:pulumi:dev::twinsite::twinsite:index:AwsNetwork$aws:ec2/vpc:Vpc::vpc"
SUBNET = "urn:pulumi:dev::twinsite::twinsite:index:AwsNetwork$aws:ec2/subnet:Subnet::subnet"
PASSWORD = "urn:pulumi:dev::twinsite::random:index/randomPassword:RandomPassword::key"
SECRET = "urn:pulumi:dev::twinsite::aws:secretsmanager/secretVersion:SecretVersion::secret"


def secret(value):
    return {SECRET_KEY: SECRET_VALUE, "plaintext": json.dumps(value)}


def state(*more):
    return {
        "deployment": {
            "resources": [
                {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"},
                {"urn": "urn:…::default", "custom": True, "type": "pulumi:providers:aws", "id": "p"},
                {"urn": "urn:…::network", "custom": False, "type": "twinsite:index:AwsNetwork", "parent": STACK},
                {
                    "urn": VPC,
                    "custom": True,
                    "type": "aws:ec2/vpc:Vpc",
                    "id": "vpc-0123456789",
                    "inputs": {"__defaults": [], "cidrBlock": "10.20.0.0/16", "tags": {"Name": "vpc"}},
                    "outputs": {"arn": "arn:aws:ec2:::vpc/vpc-0123456789", "cidrBlock": "10.20.0.0/16"},
                },
                *more,
            ]
        }
    }


SUBNET_STATE = {
    "urn": SUBNET,
    "custom": True,
    "type": "aws:ec2/subnet:Subnet",
    "id": "subnet-1",
    "inputs": {"vpcId": "vpc-0123456789", "cidrBlock": "10.20.1.0/24"},
    "outputs": {},
    "dependencies": [VPC],
    "propertyDependencies": {"vpcId": [VPC]},
}


def call(source, name):
    """The constructor call of resource `name`: {"class": …, keyword: source text}."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and getattr(node.args[0], "value", None) == name:
            return {"class": ast.unparse(node.func)} | {each.arg: ast.unparse(each.value) for each in node.keywords}
    raise AssertionError(f"{name} is not in\n{source}")


def test_only_resources_of_a_cloud_are_leaves():
    assert [leaf.name for leaf in leaves(state(SUBNET_STATE))] == ["vpc", "subnet"]


def test_inputs_have_python_names_and_the_engines_own_are_left_out():
    vpc = call(program(state()), "vpc")
    assert vpc == {"class": "pulumi_aws.ec2.Vpc", "cidr_block": "'10.20.0.0/16'", "tags": "{'Name': 'vpc'}"}


def test_a_computed_value_is_a_reference_again():
    subnet = call(program(state(SUBNET_STATE)), "subnet")
    assert subnet["vpc_id"] == "r0.id"
    assert "opts" not in subnet


def test_a_computed_value_inside_a_text_is_a_reference_again():
    inputs = {**SUBNET_STATE["inputs"], "vpcId": "see arn:aws:ec2:::vpc/vpc-0123456789 there"}
    subnet = call(program(state({**SUBNET_STATE, "inputs": inputs})), "subnet")
    assert subnet["vpc_id"] == "pulumi.Output.concat('see ', r0.arn, ' there')"


def test_a_dependency_without_a_value_is_still_waited_for():
    inputs = {"cidrBlock": "10.20.1.0/24", "vpcId": "vpc-other"}
    subnet = call(program(state({**SUBNET_STATE, "inputs": inputs})), "subnet")
    assert subnet["opts"] == "pulumi.ResourceOptions(depends_on=[r0])"


def test_protection_and_ignored_changes_stay():
    more = {"protect": True, "ignoreChanges": ["tags"]}
    subnet = call(program(state({**SUBNET_STATE, **more})), "subnet")
    assert subnet["opts"] == "pulumi.ResourceOptions(protect=True, ignore_changes=['tags'])"


def test_a_secret_stays_secret_and_refers_to_what_made_it():
    password = {
        "urn": PASSWORD,
        "custom": True,
        "type": "random:index/randomPassword:RandomPassword",
        "id": "none",
        "inputs": {"length": 48},
        "outputs": {"result": secret("p0123456789")},
    }
    version = {
        "urn": SECRET,
        "custom": True,
        "type": "aws:secretsmanager/secretVersion:SecretVersion",
        "id": "v",
        "inputs": {"secretId": "s", "secretString": secret('{"psk":"p0123456789"}')},
        "dependencies": [PASSWORD],
        "propertyDependencies": {"secretString": [PASSWORD]},
    }
    found = call(program(state(password, version)), "secret")
    assert found["secret_string"] == """pulumi.Output.secret(pulumi.Output.concat('{"psk":"', r1.result, '"}'))"""


def test_a_secret_without_its_text_is_refused():
    hidden = {**SUBNET_STATE, "inputs": {"vpcId": {SECRET_KEY: SECRET_VALUE, "ciphertext": "…"}}}
    with pytest.raises(Untold, match="--show-secrets"):
        program(state(hidden))


def test_a_type_that_the_sdk_does_not_have_is_refused():
    with pytest.raises(Untold, match="no Vpcx on the way to aws:ec2/vpcx:Vpcx"):
        program(state({**SUBNET_STATE, "type": "aws:ec2/vpcx:Vpcx"}))


def test_the_same_leaves_do_not_differ_and_others_are_named():
    assert differences(state(SUBNET_STATE), state(SUBNET_STATE)) == []
    assert differences(state(SUBNET_STATE), state()) == ["aws:ec2/subnet:Subnet subnet is in one only"]
    fewer = {**SUBNET_STATE, "inputs": {"vpcId": "x"}}
    assert differences(state(SUBNET_STATE), state(fewer)) == ["aws:ec2/subnet:Subnet subnet: cidrBlock"]


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("cidrBlock", "cidr_block"),
        ("privateKeyOpenssh", "private_key_openssh"),
        ("sourceDestCheck", "source_dest_check"),
    ],
)
def test_wire_names_become_python_names(wire, python):
    assert snake(wire) == python


def test_a_kubernetes_version_is_part_of_the_class():
    account = {**SUBNET_STATE, "type": "kubernetes:core/v1:ServiceAccount", "inputs": {"metadata": {"name": "x"}}}
    assert call(program(state(account)), "subnet")["class"] == "pulumi_kubernetes.core.v1.ServiceAccount"


def test_a_property_with_the_name_of_a_constructors_own_parameter_gets_the_sdks_underscore():
    identity = {
        **SUBNET_STATE,
        "type": "azure-native:managedidentity:UserAssignedIdentity",
        "inputs": {"resourceName": "reader"},
    }
    assert call(program(state(identity)), "subnet")["resource_name_"] == "'reader'"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("page", "pulumi.StringAsset('page')"),
        ("at vpc-0123456789", "pulumi.Output.concat('at ', r0.id).apply(pulumi.StringAsset)"),
    ],
)
def test_a_text_asset_is_one_again_also_when_it_holds_what_another_resource_computed(text, source):
    blob = {
        **SUBNET_STATE,
        "type": "azure-native:storage:Blob",
        "inputs": {"source": {SECRET_KEY: ASSET, "hash": "…", "text": text}},
        "propertyDependencies": {"source": [VPC]},
    }
    assert call(program(state(blob)), "subnet")["source"] == source


@pytest.mark.parametrize(
    ("token", "path"),
    [
        ("kubernetes:networking.k8s.io/v1:Ingress", "pulumi_kubernetes.networking.v1.Ingress"),
        ("kubernetes:core/v1:Secret", "pulumi_kubernetes.core.v1.Secret"),
        ("random:index/randomPassword:RandomPassword", "pulumi_random.RandomPassword"),
    ],
)
def test_a_type_is_found_where_its_sdk_has_it(token, path):
    found, kind = python_class(token)
    assert (found, kind.__name__) == (path, token.rpartition(":")[2])
