"""No rule stays undecided: a policy that needs what is not known yet has failed, and says what it lacks."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_policy.proxy import UNKNOWN_OBJECT_VALUE
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as LATER

from policy.judging import HIDDEN

from .pack import Given, said

EXAMPLES = Path(__file__).parent / "examples"


def test_a_policy_that_reads_an_unknown_has_failed_and_names_resource_property_and_way_out() -> None:
    web = Given("aws:ec2/instance:Instance", "web", {"metadataOptions": {"httpTokens": "required"}, "userData": LATER})
    assert said([web]) == {
        "secret-in-machine-data": [
            "web: could not decide, because userData is not known before it is made: judge the state after an `up`, "
            "`pulumi stack export --file FILE` and `pulumi policy analyze --file FILE`"
        ]
    }


def test_an_unknown_deep_in_a_value_is_named_by_its_path() -> None:
    group = Given(
        "aws:ec2/securityGroup:SecurityGroup", "web", {"ingress": [{"protocol": "tcp", "cidrBlocks": [LATER]}]}
    )
    (message,) = said([group])["port-open-to-world"]
    assert "web: could not decide, because ingress.0.cidrBlocks.0 is not known" in message


def test_a_policy_over_several_resources_says_of_which_it_could_not_decide_and_judges_the_others() -> None:
    unknown = Given("aws:route53/healthCheck:HealthCheck", "later", {"type": "HTTPS", "fqdn": LATER})
    bad = Given("aws:route53/healthCheck:HealthCheck", "page", {"type": "HTTPS", "ipAddress": "10.1.2.3"})
    undecided, refused = said([unknown, bad])["check-cannot-work"]
    assert "later: could not decide, because fqdn is not known" in undecided
    assert "a check asks 10.1.2.3" in refused


def test_what_was_found_before_the_unknown_is_told_as_well() -> None:
    group = Given(
        "azure-native:storage:StorageAccount", "shop", {"allowBlobPublicAccess": True, "enableHttpsTrafficOnly": LATER}
    )
    public, undecided = said([group])["storage-public"]
    assert "allowBlobPublicAccess is true" in public
    assert "could not decide, because enableHttpsTrafficOnly" in undecided


def test_an_unknown_that_no_policy_reads_leaves_nothing_undecided() -> None:
    web = Given(
        "aws:ec2/instance:Instance",
        "web",
        {"metadataOptions": {"httpTokens": "required"}, "privateIp": LATER, "networkInterfaces": UNKNOWN_OBJECT_VALUE},
    )
    assert said([web]) == {}


@pytest.mark.parametrize(
    ("policy", "kind", "props", "lacks"),
    [
        (
            "migration-task-unsafe",
            "aws:dms/replicationTask:ReplicationTask",
            {"replicationTaskSettings": HIDDEN},
            "replicationTaskSettings is a secret that is not shown",
        ),
        (
            "migration-task-unsafe",
            "aws:dms/replicationTask:ReplicationTask",
            {"replicationTaskSettings": "{"},
            "replicationTaskSettings is no JSON",
        ),
        (
            "migration-task-unsafe",
            "aws:dms/replicationTask:ReplicationTask",
            {"replicationTaskSettings": '{"TargetMetadata": {"LobMaxSize": "much"}}'},
            "replicationTaskSettings.TargetMetadata.LobMaxSize is 'much' and no number",
        ),
        (
            "secret-in-container-environment",
            "aws:ecs/taskDefinition:TaskDefinition",
            {"containerDefinitions": HIDDEN},
            "containerDefinitions is a secret that is not shown",
        ),
        (
            "secret-in-container-environment",
            "aws:ecs/taskDefinition:TaskDefinition",
            {"containerDefinitions": "[1]"},
            "containerDefinitions.containers.0 is no object",
        ),
        (
            "secret-in-container-environment",
            "kubernetes:core/v1:ConfigMap",
            {"data": HIDDEN},
            "data is a secret that is not shown",
        ),
        (
            "storage-public",
            "aws:s3/bucketPolicy:BucketPolicy",
            {"policy": "not a policy"},
            "policy is no JSON",
        ),
        (
            "port-open-to-world",
            "aws:ec2/securityGroup:SecurityGroup",
            {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": HIDDEN}]},
            "ingress.0.cidrBlocks is a secret that is not shown",
        ),
        (
            "check-cannot-work",
            "aws:route53/healthCheck:HealthCheck",
            {"type": "HTTPS", "fqdn": HIDDEN},
            "fqdn is a secret that is not shown",
        ),
    ],
)
def test_what_is_not_shown_or_no_document_leaves_a_policy_undecided(
    policy: str, kind: str, props: dict[str, Any], lacks: str
) -> None:
    (message,) = said([Given(kind, "it", props)])[policy]
    assert message.startswith(f"it: could not decide, because {lacks}")


def test_a_secret_that_no_policy_reads_leaves_nothing_undecided() -> None:
    origin = {"domainName": "a.example.com", "customHeaders": [{"name": "x", "value": HIDDEN}]}
    front = Given("aws:cloudfront/distribution:Distribution", "front", {"origins": [origin]})
    assert said([front]) == {}


def test_a_variable_that_is_a_secret_is_refused_beside_one_that_hides_nothing() -> None:
    containers = [{"env": [{"name": "PLAIN", "value": HIDDEN}]}, {"env": [{"name": "DB_PASSWORD", "value": "horse1"}]}]
    found = said([Given("kubernetes:core/v1:Pod", "shop", {"spec": {"containers": containers}})])
    first, second = found["secret-in-container-environment"]
    assert "variable PLAIN holds what the program itself marks as a secret" in first
    assert "variable DB_PASSWORD holds" in second


def test_what_the_provider_fills_in_leaves_undecided_only_what_the_program_gives() -> None:
    volume = Given("aws:ebs/volume:Volume", "data", {"size": 20, "snapshotId": LATER})
    filled = [
        volume,
        Given("aws:ec2/instance:Instance", "web", {"ebsBlockDevices": LATER}),
        Given("aws:transfer/server:Server", "partners", {"protocols": LATER, "endpointType": "VPC", "hostKey": "key"}),
    ]
    assert not {"inherited-unseen", "sftp-identity-lost"} & set(said(filled))
    (message,) = said([replace(volume, fed=("snapshotId",))])["inherited-unseen"]
    assert "data: could not decide, because snapshotId is not known" in message


def spoilt(value: Any, bad: Any) -> Iterator[Any]:
    """The value with `bad` in place of each of its parts in turn."""
    yield bad
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for other in spoilt(part, bad):
            copied = copy.copy(value)
            copied[key] = other
            yield copied


@pytest.mark.parametrize("bad", [HIDDEN, "{", LATER], ids=["hidden", "no document", "not known"])
@pytest.mark.parametrize("file", sorted(EXAMPLES.iterdir()), ids=lambda file: str(file.stem))
def test_no_policy_breaks_on_an_example_in_which_one_part_cannot_be_read(file: Path, bad: str) -> None:
    """It says something, or it does not read that part; a traceback would end the whole review."""
    for example in [one for kind in yaml.safe_load(file.read_text()).values() for one in kind]:
        given = [Given(**one) for one in example["resources"]]
        for at, one in enumerate(given):
            for name in one.props:
                for value in spoilt(one.props[name], bad):
                    changed = replace(one, props={**one.props, name: value})
                    said([*given[:at], changed, *given[at + 1 :]], example.get("config"))
