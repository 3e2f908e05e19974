"""MySqlReplicaPair: what reaches the engine, in which order, and where its secrets are."""

import json
from typing import Any

import pulumi
import pytest

from tests.unit.test_database_rules import GOOD
from twinsite import Delivery, GateMode, GuestStore, MySqlReplicaPair
from twinsite.machine import documents

from .harness import Run, is_secret, plain, run

COMMAND = "command:remote:Command"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
PASSWORD = "random:index/randomPassword:RandomPassword"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
KEY = "-----BEGIN EC PRIVATE KEY-----"
FILL = {
    "tls:index/privateKey:PrivateKey": lambda name, inputs: {
        "privateKeyPem": f"{KEY}{name}",
        "privateKeyOpenssh": "OPENSSH",
        "publicKeyOpenssh": "ssh-ed25519 PUBLIC\n",
    },
    "tls:index/selfSignedCert:SelfSignedCert": lambda name, inputs: {"certPem": f"{CERTIFICATE}authority"},
    "tls:index/certRequest:CertRequest": lambda name, inputs: {"certRequestPem": "REQUEST"},
    "tls:index/locallySignedCert:LocallySignedCert": lambda name, inputs: {"certPem": f"{CERTIFICATE}server"},
    PASSWORD: lambda name, inputs: {"result": f"password-of-{name}"},
}
WORDS = ("password-of-pair-replication", "password-of-pair-clone", f"{KEY}pair-aws-database")


def pair(opts: pulumi.ResourceOptions | None = None, **changed: Any) -> Run:
    def program() -> None:
        store = GuestStore("site", {"region": "ap-northeast-2"})
        args = {**GOOD, "store": store, "delivery": Delivery.SSH, "gate": GateMode.WAIT, **changed}
        MySqlReplicaPair("pair", args, opts)  # type: ignore[arg-type]

    return run(program, fill=FILL)


@pytest.fixture(scope="module")
def built() -> Run:
    return pair()


def desired(found: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(found.one("pair-aws-database-desired").inputs["content"])
    return document


def rotations(found: Run) -> list[Any]:
    return [password.inputs["keepers"]["generation"] for password in found.of(PASSWORD)]


def test_the_passwords_and_the_key_reach_secrets_manager_and_the_replica_and_nothing_else(built: Run) -> None:
    holders = {r.name for r in built.resources if any(word in json.dumps(r.inputs) for word in WORDS[:2])}
    # The bundle on standard input is packed; its text shows no password, its envelope says secret.
    assert holders == {"pair-aws-database-secret"}
    assert built.one("pair-aws-database-secret", VERSION).holds_secret("secretString")
    assert built.one("pair-onprem-apply", COMMAND).holds_secret("stdin")


def test_the_source_gets_both_passwords_and_its_key_as_one_secret(built: Run) -> None:
    role = json.loads(built.one("pair-aws-database-secret", VERSION).inputs["secretString"])["role"]
    assert role == {"replication_password": WORDS[0], "clone_password": WORDS[1], "tls_key": WORDS[2]}


def test_passwords_fit_mysql_and_have_no_character_to_quote(built: Run) -> None:
    assert [(p.inputs["length"], p.inputs["special"]) for p in built.of(PASSWORD)] == [(32, False), (32, False)]


def test_nothing_secret_is_in_the_documents_or_the_outputs(built: Run) -> None:
    published = json.dumps(plain(built.published("pair")))
    document = json.dumps(desired(built))
    for word in WORDS:
        assert word not in document
        assert word not in published


def test_the_certificate_names_the_address_that_the_replica_connects_to(built: Run) -> None:
    request = built.one("pair-aws-database", "tls:index/certRequest:CertRequest")
    assert request.inputs["ipAddresses"] == ["10.20.2.20"]
    signed = built.one("pair-aws-database", "tls:index/locallySignedCert:LocallySignedCert")
    assert "server_auth" in signed.inputs["allowedUses"]
    assert built.one("pair-authority", "tls:index/selfSignedCert:SelfSignedCert").inputs["isCaCertificate"] is True


def test_mysql_is_open_to_the_replica_and_ssh_to_the_gateway_only(built: Run) -> None:
    rules = {(r.inputs["cidrIpv4"], r.inputs["fromPort"], r.inputs["toPort"]) for r in built.of(INGRESS)}
    assert rules == {("192.168.64.20/32", 3306, 3306), ("10.20.1.10/32", 22, 22)}


def test_named_clients_get_in_on_the_mysql_port() -> None:
    found = pair(client_ranges=["10.20.5.0/24"])
    assert ("10.20.5.0/24", 3306) in {(r.inputs["cidrIpv4"], r.inputs["fromPort"]) for r in found.of(INGRESS)}


def test_the_source_is_told_its_role_its_volume_and_its_timers(built: Run) -> None:
    config = desired(built)["config"]
    assert (config["role"], config["server_id"], config["data_device"]) == ("source", 1, "pair-aws-database-data-id")
    assert config["binlog_retention_hours"] == 72
    assert config["tls_cert"] == f"{CERTIFICATE}server"
    assert config["operator_users"] == ["twinsite", "ubuntu"]


def test_a_database_host_is_never_replaced_by_a_change_of_configuration(built: Run) -> None:
    instance = built.one("pair-aws-database-instance")
    assert instance.inputs["userDataReplaceOnChange"] is False
    assert sorted(instance.request.ignoreChanges) == ["ami", "sourceDestCheck", "userData"]


def test_the_volume_is_kept_while_the_site_serves_unless_told_otherwise(built: Run) -> None:
    volume = built.one("pair-aws-database-data", "aws:ebs/volume:Volume")
    assert list(volume.request.hooks.before_delete) == ["pair-aws-database-data-keep-while-active"]
    assert volume.inputs["size"] == 20


def test_the_replica_waits_for_the_source_and_the_gate_for_both(built: Run) -> None:
    replica, gate = built.one("pair-onprem"), built.one("pair-replica")
    attachment = built.one("pair-aws-database-data", "aws:ec2/volumeAttachment:VolumeAttachment")
    assert {built.one("pair-aws-database-instance").urn, attachment.urn} <= replica.depends_on
    assert built.one("pair-onprem-apply").urn in gate.depends_on


def test_the_gate_runs_on_the_replica_and_again_when_anything_changed(built: Run) -> None:
    gate = built.one("pair-replica-gate", COMMAND)
    desired = built.one("pair-aws-database-desired").inputs["content"]
    told = documents.digest(json.loads(desired))
    assert gate.inputs["create"].endswith(f"twinsite-guest database gate --timeout 900 --source-told {told}")
    assert list(gate.request.hooks.on_error) == ["pair-replica-gate-words"]
    machine, *digests, delivered = gate.inputs["triggers"]
    assert built.one("pair-onprem-apply", COMMAND).id in delivered
    assert machine == "pair-aws-database-instance-id"
    changed = pair(tolerated_outage_hours=50).one("pair-replica-gate", COMMAND).inputs["triggers"]
    assert changed[0] == machine
    assert all(before != after for before, after in zip(digests, changed[1:-1], strict=True))


def test_the_replica_waits_for_the_path_and_the_source_does_not() -> None:
    def program() -> None:
        store = GuestStore("site", {"region": "ap-northeast-2"})
        tunnel = pulumi.CustomResource("test:index:Tunnel", "tunnel", {"up": "yes"})
        ready = tunnel.urn.apply(lambda _: "ready")
        args = {**GOOD, "store": store, "delivery": Delivery.SSH, "gate": GateMode.WAIT, "path_ready": ready}
        MySqlReplicaPair("pair", args)  # type: ignore[arg-type]

    found = run(program, fill=FILL)
    tunnel = found.one("tunnel")
    assert tunnel.urn in found.one("pair-onprem").depends_on
    assert tunnel.urn not in found.one("pair-aws-database-instance").depends_on


def test_what_the_pair_is_meant_to_be_is_readable_for_policies(built: Run) -> None:
    intent = built.one("pair", "twinsite:index:MySqlReplicaPair").inputs["intent"]
    assert (intent["retry_count"], intent["tolerated_outage_hours"]) == (0, 36)
    assert "existing_source" not in intent
    assert "password" not in str(intent).replace("password_generation", "")


def test_outputs_are_published_once_and_honestly(built: Run) -> None:
    published = plain(built.published("pair"))
    assert published["binlog_retention_hours"] == 72
    assert published["source_address"] == "10.20.2.20"
    assert published["source_instance_id"] == "pair-aws-database-instance-id"
    assert published["host_key"] == "ssh-ed25519 PUBLIC"
    assert published.get("source_sql") is None
    assert published.get("onprem_bundle") is None


def test_every_resource_of_the_pair_descends_from_it(built: Run) -> None:
    parents = {r.urn: r.parent for r in built.resources}
    own = built.one("pair", "twinsite:index:MySqlReplicaPair").urn

    def descends(urn: str) -> bool:
        return urn == own or (urn in parents and descends(parents[urn]))

    mine = [r for r in built.resources if r.name.startswith("pair")]
    assert len(mine) > 20
    assert [r.name for r in mine if not descends(r.urn)] == []


def test_a_rotation_renews_both_passwords(built: Run) -> None:
    assert rotations(built) == ["1", "1"]
    assert rotations(pair(password_generation=2)) == ["2", "2"]


def test_a_bundle_is_a_secret_output_and_no_ssh_is_used() -> None:
    found = pair(delivery=Delivery.BUNDLE, gate=GateMode.HANDOVER, onprem_connection=None)
    assert is_secret(found.published("pair")["onprem_bundle"])
    assert found.of(COMMAND) == []


def test_an_existing_source_is_followed_and_nothing_is_created_on_ec2() -> None:
    found = pair(existing_source={"tls_ca": f"{CERTIFICATE}theirs"})
    assert [r.name for r in found.resources if r.type.startswith("aws:") and r.name.startswith("pair")] == []
    published = found.published("pair")
    assert plain(published.get("source_instance_id")) is None
    assert is_secret(published["source_sql"])
    sql = plain(published["source_sql"])
    words = "IDENTIFIED BY 'password-of-pair-replication-1' REQUIRE SSL"
    assert f"CREATE USER IF NOT EXISTS 'twinsite_repl'@'192.168.64.20' {words}" in sql
    assert "GRANT REPLICATION SLAVE ON *.*" in sql
    assert "binlog_expire_logs_seconds = 259200" in sql
    assert "CREATE EVENT twinsite.heartbeat" in sql
    assert "${" not in sql
    assert "$version" not in sql


def test_an_existing_source_learns_the_next_passwords_one_generation_ahead() -> None:
    def drawn(generation: int) -> tuple[set[str], str]:
        found = pair(existing_source={"tls_ca": f"{CERTIFICATE}theirs"}, password_generation=generation)
        return {one.name for one in found.of(PASSWORD)}, plain(found.published("pair")["source_sql"])

    (first, before), (second, after) = drawn(1), drawn(2)
    assert first == {f"pair-{kind}-{number}" for kind in ("replication", "clone") for number in (1, 2)}
    assert second - first == {"pair-replication-3", "pair-clone-3"}, "a rotation draws one, and uses one that is there"
    for sql, now in ((before, 1), (after, 2)):
        for user, kind in (("twinsite_repl", "replication"), ("twinsite_clone", "clone")):
            who = f"ALTER USER '{user}'@'192.168.64.20' IDENTIFIED BY 'password-of-pair-{kind}"
            assert f"{who}-{now}';\n{who}-{now + 1}' RETAIN CURRENT PASSWORD;" in sql


def test_own_passwords_of_an_existing_source_have_no_next_one() -> None:
    given = {"replication_password": "their-own", "clone_password": "their-own-2"}
    found = pair(existing_source={"tls_ca": f"{CERTIFICATE}theirs"}, **given)
    assert "RETAIN" not in plain(found.published("pair")["source_sql"])
    assert found.of(PASSWORD) == []


def test_the_source_forgets_former_passwords_after_the_gate_and_what_it_is_told_is_what_the_gate_saw(
    built: Run,
) -> None:
    told = built.one("pair-aws-database-followup")
    document = json.loads(built.one("pair-aws-database-desired").inputs["content"])
    assert json.loads(told.inputs["content"]) == {"replica_knows": documents.digest(document)}
    assert document["followup"] is True
    assert built.one("pair-replica-gate", COMMAND).urn in told.depends_on
    handed = pair(delivery=Delivery.BUNDLE, gate=GateMode.HANDOVER, onprem_connection=None)
    assert "pair-aws-database-followup" not in {one.name for one in handed.resources}


def test_given_passwords_are_secret_and_none_is_generated() -> None:
    found = pair(replication_password="their-own", clone_password="their-own-2")
    assert found.of(PASSWORD) == []
    version = found.one("pair-aws-database-secret", VERSION)
    assert version.holds_secret("secretString")
    assert json.loads(version.inputs["secretString"])["role"]["clone_password"] == "their-own-2"
