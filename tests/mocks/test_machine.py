"""Hosts: what reaches the engine, its options and its secrets."""

import base64
import importlib.util
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from twinsite import (
    AwsNetwork,
    Delivery,
    Ec2Host,
    GateMode,
    GuestStore,
    HostGate,
    OnPremHost,
    ec2_followup,
    onprem_followup,
)
from twinsite.machine import guest_store
from twinsite.payload import FOLDER

from .harness import Registered, Run, run

CONNECTION = {"host": "203.0.113.64", "port": 2210, "user": "ubuntu", "private_key": "KEY", "host_key": "ssh-ed25519 A"}
INSTANCE = "aws:ec2/instance:Instance"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
COMMAND = "command:remote:Command"


def keys(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"privateKeyOpenssh": "PRIVATE", "publicKeyOpenssh": "ssh-ed25519 PUBLIC\n"}


def ec2(give: Callable[[Any], Any] = lambda store: store, **changed: Any) -> Run:
    def program() -> None:
        store = GuestStore("site", {"region": "ap-northeast-2"})
        Ec2Host(
            "machine",
            {
                "host": "aws-machine",
                "role": "gateway",
                "config": {"local_id": pulumi.Output.from_input("aws")},
                "secrets": {"psk": {"1": "very-secret"}},
                "ami": "ami-12345678",
                "instance_type": "t3.micro",
                "availability_zone": "ap-northeast-2a",
                "subnet_id": "subnet-1",
                "private_address": "10.20.1.10",
                "security_group_ids": ["group-1"],
                "store": give(store),
                "operator_keys": ["ssh-ed25519 OPERATOR"],
                **changed,
            },
        )

    return run(program, fill={"tls:index/privateKey:PrivateKey": keys})


def desired(found: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(found.one("machine-desired", OBJECT).inputs["content"])
    return document


def test_the_role_secrets_travel_in_secrets_manager_only() -> None:
    found = ec2()
    version = found.one("machine-secret", "aws:secretsmanager/secretVersion:SecretVersion")
    assert version.holds_secret("secretString")
    assert json.loads(version.inputs["secretString"])["role"] == {"psk": {"1": "very-secret"}}
    assert [r.name for r in found.resources if "very-secret" in json.dumps(r.inputs)] == [version.name]


def test_the_desired_document_names_payload_role_and_secret_version() -> None:
    document = desired(ec2())
    assert document["role"] == "gateway"
    assert document["config"] == {"local_id": "aws"}
    assert document["secret"]["version"] == "machine-secret-version"
    assert document["payload_key"].endswith(f"{document['payload_sha256']}.tar.gz")
    assert document["operators"] == {"user": "twinsite", "keys": ["ssh-ed25519 OPERATOR"]}


def test_the_instance_takes_session_tokens_only_and_encrypts_its_root() -> None:
    instance = ec2().one("machine-instance")
    assert instance.inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert instance.inputs["rootBlockDevice"]["encrypted"] is True


def test_a_machine_without_data_is_replaced_by_a_changed_bootstrap() -> None:
    instance = ec2().one("machine-instance")
    assert instance.inputs["userDataReplaceOnChange"] is True
    assert instance.request.deleteBeforeReplace is True
    assert list(instance.request.ignoreChanges) == ["sourceDestCheck"]


def test_no_configuration_change_replaces_a_machine_with_data() -> None:
    found = ec2(data_volume_gib=20)
    instance = found.one("machine-instance")
    assert instance.inputs["userDataReplaceOnChange"] is False
    assert sorted(instance.request.ignoreChanges) == ["ami", "sourceDestCheck", "userData"]
    assert desired(found)["config"]["data_device"] == "machine-data-id"
    volume = found.one("machine-data", "aws:ebs/volume:Volume")
    assert volume.inputs["encrypted"] is True


def test_a_raised_generation_takes_image_and_bootstrap_of_its_first_day() -> None:
    found = ec2(data_volume_gib=20, generation=2)
    kept = found.one("machine-bootstrap-2", "pulumi:index:Stash")
    instance = found.one("machine-instance")
    assert instance.inputs["ami"] == kept.inputs["input"]["ami"] == "ami-12345678"
    assert instance.inputs["userData"] == kept.inputs["input"]["user_data"]
    assert instance.inputs["userData"].endswith("# generation 2\n")
    assert instance.inputs["userDataReplaceOnChange"] is True
    assert list(instance.request.ignoreChanges) == ["sourceDestCheck"]
    assert instance.request.deleteBeforeReplace is True


def test_the_data_volume_is_kept_by_a_hook_that_runs_in_preview_too() -> None:
    volume = ec2(data_volume_gib=20, site_is_active=True).one("machine-data", "aws:ebs/volume:Volume")
    assert list(volume.request.hooks.before_delete) == ["machine-data-keep-while-active"]
    assert list(volume.request.hooks.before_update) == ["machine-data-grow-only"]


def test_the_data_volume_leaves_a_snapshot_when_it_goes() -> None:
    assert ec2(data_volume_gib=20).one("machine-data", "aws:ebs/volume:Volume").inputs["finalSnapshot"] is True


def test_the_role_reads_only_its_own_documents_and_secret() -> None:
    policy = json.loads(ec2().one("machine-role", "aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    allowed = {statement["Action"]: statement["Resource"] for statement in policy["Statement"]}
    assert set(allowed) == {"s3:GetObject", "s3:PutObject", "secretsmanager:GetSecretValue"}
    assert [resource.split("/", 1)[1] for resource in allowed["s3:GetObject"]] == ["payload/*", "hosts/aws-machine/*"]
    assert [resource.split("/", 1)[1] for resource in allowed["s3:PutObject"]] == [
        "status/aws-machine/status.json",
        "hosts/aws-machine/status.json",
    ]


@pytest.mark.parametrize(("forwards", "checked"), [(True, False), (False, True)])
def test_the_source_dest_check_is_off_only_for_a_gateway(forwards: bool, checked: bool) -> None:
    interface = ec2(forwards=forwards).one("machine-interface")
    assert interface.inputs["sourceDestCheck"] is checked


def test_the_recovery_alarm_acts_on_the_instance() -> None:
    alarm = ec2().one("machine-recover")
    assert alarm.inputs["dimensions"] == {"InstanceId": "machine-instance-id"}
    assert alarm.inputs["alarmActions"] == ["arn:aws:automate:ap-northeast-2:ec2:recover"]


def test_nothing_of_the_store_stays_for_ever_but_what_hosts_are_told_now() -> None:
    rules = ec2().one("site-guests", "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    by_id = {rule["id"]: rule for rule in rules}
    assert by_id["former-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    expiring = {rule["filter"]["prefix"] for rule in rules if (rule.get("expiration") or {}).get("days")}
    assert expiring == {"status/"}, "what machines said, never what they are told"
    # S3: "ExpiredObjectDeleteMarker cannot be specified with Days or Date"
    assert by_id["what-expiry-leaves"]["expiration"] == {"expiredObjectDeleteMarker": True}


def test_an_agent_renews_its_status_long_before_it_expires() -> None:
    spec = importlib.util.spec_from_file_location("agent", FOLDER / "agent" / "agent.py")
    assert spec and spec.loader
    agent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(agent)
    assert agent.SAY_SECONDS * 10 < guest_store.KEPT_DAYS * 86400


def test_the_store_is_closed_to_the_public_and_to_clear_text() -> None:
    found = ec2()
    block = found.one("site-guests", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert all(
        block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    )
    policy = json.loads(found.one("site-guests", "aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_followup_is_a_document_of_its_own() -> None:
    def program() -> None:
        store = GuestStore("site", {"region": "ap-northeast-2"})
        ec2_followup("later", store, "aws-gateway", {"psk_min": 2}, pulumi.ResourceOptions())

    found = run(program).one("later-followup", OBJECT)
    assert found.inputs["key"] == "hosts/aws-gateway/followup.json"
    assert json.loads(found.inputs["content"]) == {"psk_min": 2}


def onprem(delivery: Delivery, gone: bool = False) -> Run:
    def program() -> Any:
        host = OnPremHost(
            "end",
            {
                "host": "onprem-gateway",
                "role": "gateway",
                "config": {"a": 1},
                "secrets": {"psk": {"1": "very-secret"}},
                "delivery": delivery,
                "connection": CONNECTION if delivery == Delivery.SSH else None,  # type: ignore[typeddict-item]
                "gone": gone,
            },
        )
        return host.bundle

    return run(program)


def test_over_ssh_secrets_arrive_on_standard_input_and_the_key_is_secret() -> None:
    command: Registered = onprem(Delivery.SSH).one("end-apply", COMMAND)
    assert command.holds_secret("stdin")
    assert command.holds_secret("connection", "privateKey")
    assert command.inputs["connection"]["hostKey"] == "ssh-ed25519 A"
    assert "very-secret" not in command.inputs["create"]


def test_what_brings_the_role_takes_nothing_away_and_what_takes_it_away_brings_nothing() -> None:
    found = onprem(Delivery.SSH)
    brings, takes = found.one("end-apply", COMMAND), found.one("end-undo", COMMAND)
    assert "delete" not in brings.inputs
    assert not {"create", "update", "triggers", "stdin"} & set(takes.inputs)
    assert "install.py remove gateway" in takes.inputs["delete"]
    assert takes.request.deleteBeforeReplace is True
    assert takes.request.retainOnDelete is False
    assert "triggers" not in brings.inputs, "they would replace the one command of former versions, and so undo it last"
    assert brings.inputs["create"].endswith(f"# undone by {takes.id}"), "so it comes after, and again when that is new"


def test_of_a_host_that_is_gone_nothing_is_undone() -> None:
    found = onprem(Delivery.SSH, gone=True)
    assert found.one("end-undo", COMMAND).request.retainOnDelete is True


def test_a_handed_over_end_creates_nothing_and_gives_a_bundle() -> None:
    found = onprem(Delivery.BUNDLE)
    assert found.of(COMMAND) == []
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(found.result))) as archive:
        assert set(archive.getnames()) == {"install.sh", "payload.tar.gz", "desired.json", "secrets.json"}


def gate(mode: GateMode) -> Run:
    def program() -> Any:
        connection: Any = CONNECTION if mode == GateMode.WAIT else None
        return HostGate(
            "end", {"connection": connection, "role": "gateway", "triggers": ["i-1", "digest"], "mode": mode}
        ).passed

    return run(program)


def test_the_gate_runs_again_when_a_machine_or_the_configuration_changes() -> None:
    command = gate(GateMode.WAIT).one("end-gate", COMMAND)
    assert command.inputs["triggers"] == ["i-1", "digest"]
    assert command.inputs["create"] == "sudo /usr/local/sbin/twinsite-guest gateway gate --timeout 900"


def test_a_handed_over_gate_says_that_it_verified_nothing() -> None:
    found = gate(GateMode.HANDOVER)
    assert found.of(COMMAND) == []
    assert found.result == "handed over, not verified by this up"


def test_an_on_prem_followup_merges_by_standard_input() -> None:
    def program() -> None:
        onprem_followup("later", CONNECTION, "gateway", {"psk_min": 2}, "1", pulumi.ResourceOptions())  # type: ignore[arg-type]

    command = run(program).one("later-followup", COMMAND)
    assert json.loads(command.inputs["stdin"]) == {"psk_min": 2}
    assert command.inputs["triggers"] == ["1"], "told again to a host that was built anew"


def test_only_the_public_subnet_has_a_route_to_the_internet() -> None:
    def program() -> None:
        AwsNetwork(
            "net",
            {
                "region": "ap-northeast-2",
                "availability_zone": "ap-northeast-2a",
                "vpc_range": "10.20.0.0/16",
                "public_range": "10.20.1.0/24",
                "private_range": "10.20.2.0/24",
            },
        )

    found = run(program)
    routes = found.of("aws:ec2/route:Route")
    assert [(route.inputs["routeTableId"], route.inputs["destinationCidrBlock"]) for route in routes] == [
        ("net-public-id", "0.0.0.0/0")
    ]
