"""What the stand-ins share, without an engine."""

import base64
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab.providers import PACKAGES, tokens
from lab.providers.framework import values
from lab.providers.framework.changes import Declared, Undeclared, changes, filled, left_out, replacing
from lab.providers.framework.checks import Checker
from lab.providers.framework.provider import Provider, file_of
from lab.providers.framework.schema import Schemas, sdk_version
from lab.providers.framework.types import AutoName, Refusal, unique_name
from lab.providers.framework.values import UNKNOWN, Secret


@pytest.fixture(scope="session")
def schemas() -> dict[str, Schemas]:
    found = {package: Schemas(package, sdk_version(package)) for package in PACKAGES}
    for package, one in found.items():
        one.require(tokens(package))
    return found


def test_the_wires_constants_are_pulumis_own() -> None:
    from pulumi.runtime import rpc

    assert rpc._special_sig_key == values.SIGNATURE
    assert rpc._special_secret_sig == values.SECRET
    assert rpc._special_asset_sig == values.ASSET
    assert rpc._special_archive_sig == values.ARCHIVE
    assert rpc._special_resource_sig == values.RESOURCE
    assert values.UNKNOWN_TEXT == rpc.UNKNOWN


def test_every_type_that_acts_has_the_file_that_its_token_names_the_others_a_row(
    schemas: dict[str, Schemas],
) -> None:
    for package in PACKAGES:
        folder = Path(sys.modules["lab.providers"].__file__ or "").parent / package
        assert len(tokens(package)) == len(set(tokens(package)))
        for token in tokens(package):
            kind = Provider(package, schemas[package]).type(token)
            assert kind.token == token
            assert (folder / f"{file_of(token)}.py").exists() == kind.live, token


def test_what_a_type_declares_exists_in_the_sdk(schemas: dict[str, Schemas]) -> None:
    """A misspelt name would never match a change, and the change would be refused for ever."""
    wrong: list[str] = []
    for package in PACKAGES:
        for token in tokens(package):
            kind = Provider(package, schemas[package]).type(token)
            schema = schemas[package].resource(token)
            inputs, outputs = set(schema["inputs"]), set(schema["outputs"])
            declared = kind.rules
            for name in sorted(declared.replaces | declared.updates | declared.sets | declared.keeps):
                if name.partition(".")[0] not in inputs | outputs:
                    wrong.append(f"{token}: {name}")
            both = sorted(declared.replaces & declared.updates)
            wrong += [f"{token}: {name} both replaces and updates" for name in both]
            known = outputs | inputs
            wrong += [
                f"{token}: {name}"
                for name in {*declared.defaults, *declared.secrets}
                if name.partition(".")[0] not in known
            ]
            if kind.autoname is not None and kind.autoname.property.partition(".")[0] not in inputs:
                wrong.append(f"{token}: {kind.autoname.property}")
    assert wrong == []


def test_a_list_without_order_is_the_same_whatever_order_its_objects_keys_have() -> None:
    declared = Declared(frozenset(), frozenset({"origins"}), frozenset({"origins"}))
    one = {"origins": [{"id": "a", "port": 80}, {"id": "b", "port": 80}]}
    other = {"origins": [{"port": 80, "id": "b"}, {"port": 80, "id": "a"}]}
    assert changes(declared, one, other, {}) == []
    assert len(changes(declared, one, {"origins": other["origins"][:1]}, {})) == 1


def test_the_lab_has_one_range_of_elastic_addresses() -> None:
    from lab.box.layout import ELASTIC
    from lab.providers.aws import ec2_eip

    assert (ec2_eip.FIRST, ec2_eip.LAST) == ELASTIC


def test_a_provider_starts_in_half_a_second_of_processor_time(tmp_path: Path) -> None:
    """Four of them start with every `pulumi` command. No SDK and no client library is imported for that."""
    import resource

    launcher = Path(sys.modules["lab.providers"].__file__ or "").parent / "start.py"
    words = [sys.executable, "-P", "-X", "importtime", str(launcher), "aws", "0", str(tmp_path), "127.0.0.1:1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=(tmp_path / "imports").open("w"), text=True)
    assert running.stdout is not None
    assert int(running.stdout.readline()) > 0
    running.terminate()
    running.wait(10)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    imported = {line.rpartition("|")[2].strip() for line in (tmp_path / "imports").read_text().splitlines()}
    assert not imported & {"pulumi", "pulumi_aws", "boto3", "asyncssh", "cryptography", "moto"}
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 0.5


def test_a_provider_ends_when_its_engine_is_gone(tmp_path: Path) -> None:
    launcher = Path(sys.modules["lab.providers"].__file__ or "").parent / "start.py"
    words = [sys.executable, "-P", str(launcher), "tls", "0", str(tmp_path), "127.0.0.1:1"]
    script = f"import subprocess, sys\np = subprocess.Popen({words!r}, stdout=sys.stdout)\nprint(p.pid, flush=True)\n"
    script += "import time\ntime.sleep(60)"
    engine = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    assert int(engine.stdout.readline()) > 0
    engine.kill()
    engine.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def check(schemas: dict[str, Schemas], token: str, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    package = schemas[token.partition(":")[0]]
    checker = Checker(package, "name")
    found = checker.inputs(package.resource(token), given)
    return found, [f"{one.path}: {one.reason}" for one in checker.problems]


def test_numbers_booleans_and_texts_are_brought_to_their_type_as_by_the_bridge(schemas: dict[str, Schemas]) -> None:
    given = {"availabilityZone": "a", "size": "20", "encrypted": "true", "tags": {"count": 3}, "iops": UNKNOWN}
    found, problems = check(schemas, "aws:ebs/volume:Volume", given)
    assert problems == []
    assert found == {"availabilityZone": "a", "size": 20, "encrypted": True, "tags": {"count": "3"}, "iops": UNKNOWN}


def test_secrets_are_checked_and_stay_secret_and_unshown(schemas: dict[str, Schemas]) -> None:
    given = {"connection": Secret({"host": "h", "privateKey": ["clear"]}), "stdin": Secret(5)}
    found, problems = check(schemas, "command:remote:Command", given)
    assert found["stdin"] == Secret("5")
    assert problems == [
        "connection.privateKey: Wrong type: expected a string, got a list. "
        "Examine values at 'name.connection.privateKey'."
    ]


@pytest.mark.parametrize("size", [2.5, "many", True, [1]])
def test_what_is_no_whole_number_is_refused(schemas: dict[str, Schemas], size: Any) -> None:
    _, problems = check(schemas, "aws:ebs/volume:Volume", {"availabilityZone": "a", "size": size})
    assert len(problems) == 1
    assert "expected a whole number" in problems[0]


RULES = Declared(
    replaces=frozenset({"a", "root.encrypted", "blocks.kind"}),
    updates=frozenset({"b", "root", "root.size", "root.deleted", "list", "blocks", "blocks.size"}),
    sets=frozenset({"list"}),
    keeps=frozenset({"b", "root"}),
    defaults={"a": 1, "root.deleted": True, "blocks.size": 8},
)


def decide(old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None) -> dict[str, bool]:
    found = changes(RULES, old, new, state or old)
    return {change.path: yes for change, yes in replacing(RULES, found, "aws:x/y:Y", lambda change: None).items()}


def test_changes_inside_an_object_are_decided_one_by_one() -> None:
    assert decide({"root": {"size": 1, "encrypted": True}}, {"root": {"size": 2, "encrypted": True}}) == {
        "root.size": False
    }
    assert decide({}, {"root": {"size": 2, "encrypted": True}}) == {"root.size": False, "root.encrypted": True}


def test_spelling_out_what_is_so_already_changes_nothing() -> None:
    assert decide({}, {"a": 5}, state={"a": 5}) == {}
    assert decide({"a": 1}, {}) == {}, "1 is the default"
    assert decide({"b": 7}, {}) == {}, "the cloud keeps b"
    assert decide({"list": [1, 2]}, {"list": [2, 1]}) == {}
    assert decide({"a": None, "b": "", "list": []}, {}) == {}
    assert decide({"a": 2}, {}) == {"a": True}
    assert decide({"root": {"size": 1}}, {"root": {"size": 1, "deleted": True}}, {"root": {"deleted": True}}) == {}
    assert decide({"root": {"size": 1, "deleted": True}}, {"root": {"size": 1}}) == {}, "True is the default inside"


def test_what_the_program_leaves_out_and_the_cloud_reports_otherwise_is_a_difference() -> None:
    """Terraform's rule for every argument that is optional, has a default and is not computed, in blocks too."""
    assert decide({}, {}, {"a": 2}) == {"a": True}
    assert decide({}, {}, {"a": 1}) == {}
    assert decide({"root": {"size": 1}}, {"root": {"size": 1}}, {"root": {"deleted": False}}) == {"root.deleted": False}
    assert decide({}, {}, {"root": {"deleted": False}}) == {}, "the program says nothing of the block"


def test_an_update_sets_what_the_program_leaves_out() -> None:
    given = {"root": {"size": 1}, "blocks": [{"kind": "x"}]}
    assert filled(given, RULES.defaults) == {
        "a": 1,
        "root": {"size": 1, "deleted": True},
        "blocks": [{"kind": "x", "size": 8}],
    }
    assert left_out(RULES, given) == {"a": 1, "root.deleted": True}
    assert left_out(RULES, given, ["root"]) == {"a": 1}


def test_a_block_more_or_less_replaces_when_a_part_of_it_does() -> None:
    one = {"kind": "x", "size": 1}
    assert decide({"blocks": [one]}, {"blocks": [one, one]}) == {"blocks": True}
    assert decide({"blocks": [one]}, {"blocks": [{**one, "size": 2}]}) == {"blocks[0].size": False}


def test_an_unknown_value_is_a_change_that_may_replace() -> None:
    assert decide({"a": 2}, {"a": UNKNOWN}) == {"a": True}
    assert decide({"b": 2}, {"b": UNKNOWN}) == {"b": False}


def test_an_undeclared_change_is_refused_with_the_place_to_write_it_down() -> None:
    with pytest.raises(Undeclared, match=r"property 'c' changed.*lab/providers/facts/aws/"):
        decide({"c": 1}, {"c": 2})


def test_a_provider_does_not_guess_what_a_property_that_nobody_has_read_of_does(schemas: dict[str, Schemas]) -> None:
    kept = Provider("command", schemas["command"], connect=lambda: None)
    urn = "urn:pulumi:s::p::command:local:Command::x"
    with pytest.raises(Undeclared, match="property 'archivePaths' changed"):
        kept.diff(urn, "id", {}, {"archivePaths": ["a"]}, {})


def test_a_row_makes_its_outputs_once_and_reads_its_record(schemas: dict[str, Schemas]) -> None:
    azure = Provider("azure_native", schemas["azure_native"], connect=lambda: None)
    urn = "urn:pulumi:s::p::azure-native:operationalinsights:Workspace::x"
    given = {"resourceGroupName": "g", "workspaceName": "w", "location": "westeurope"}
    identity, made = azure.create(urn, given, False, 0.0)
    assert identity.endswith("/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w")
    changed = azure.update(urn, identity, made, given, {**given, "retentionInDays": 30}, False, 0.0)
    assert {**changed, "retentionInDays": None} == {**made, "retentionInDays": None}
    assert len(made["customerId"]) == 36

    aws = Provider("aws", schemas["aws"], connect=lambda: None)
    urn = "urn:pulumi:s::p::aws:sns/topicSubscription:TopicSubscription::x"
    identity, made = aws.create(urn, {"topic": "arn:t", "protocol": "email", "endpoint": "a@b.c"}, False, 0.0)
    assert identity == made["arn"] != "arn:t"
    assert (made["pendingConfirmation"], made["confirmationWasAuthenticated"]) == (True, False)


def test_a_generated_name_is_the_same_for_the_same_registration_and_never_too_long() -> None:
    rule = AutoName("name", 20, lower=True)
    assert unique_name(rule, "My_Bucket", b"seed") == unique_name(rule, "My_Bucket", b"seed")
    assert unique_name(rule, "My_Bucket", b"seed").startswith("my-bucket-")
    assert unique_name(rule, "My_Bucket", b"seed") != unique_name(rule, "My_Bucket", b"other")
    with pytest.raises(Refusal, match="longer than maximum length 20"):
        unique_name(rule, "x" * 13, b"seed")


def test_a_password_has_its_minima_and_only_allowed_characters() -> None:
    from lab.providers.random.random_password import RandomPassword

    for _ in range(50):
        drawn = RandomPassword().draw({"length": 12, "special": False, "minUpper": 3, "minNumeric": 4})
        assert len(drawn) == 12
        assert drawn.isalnum()
        assert sum(one.isupper() for one in drawn) >= 3
        assert sum(one.isdigit() for one in drawn) >= 4


def test_every_algorithm_of_keys_gives_what_ssh_and_openssl_read(tmp_path: Path) -> None:
    from lab.providers.framework.types import Call
    from lab.providers.tls.private_key import PrivateKey

    call = Call("urn:pulumi:s::p::tls:index/privateKey:PrivateKey::k", {}, None, lambda a, b: None, lambda a, b: None)
    for inputs in ({"algorithm": "ED25519"}, {"algorithm": "ECDSA", "ecdsaCurve": "P384"}, {"algorithm": "RSA"}):
        _, made = PrivateKey().create(call, inputs)
        key = tmp_path / "key"
        key.touch(0o600)
        key.write_text(made["privateKeyOpenssh"])
        said = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True).stdout
        assert said.split()[:2] == made["publicKeyOpenssh"].split()[:2]
        shown = subprocess.run(["ssh-keygen", "-l", "-f", key], capture_output=True, text=True, check=True).stdout
        assert made["publicKeyFingerprintSha256"] in shown
        assert base64.b64decode(made["publicKeyPem"].splitlines()[1])
    _, made = PrivateKey().create(call, {"algorithm": "ECDSA"})
    assert made["publicKeyOpenssh"] == "", "OpenSSH has no P224"


def test_a_function_has_the_file_that_its_token_names_and_the_others_are_refused(schemas: dict[str, Schemas]) -> None:
    recorded = Provider("azure_native", schemas["azure_native"], connect=lambda: None)
    with pytest.raises(Refusal, match="nobody to give tokens"):
        recorded.invoke("azure-native:authorization:getClientToken", {"endpoint": "https://storage.azure.com"})
    with pytest.raises(Refusal, match="function azure-native:authorization:getClientConfig is not supported"):
        recorded.invoke("azure-native:authorization:getClientConfig", {})
