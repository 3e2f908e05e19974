"""What the doctor reads: stack files as they are, the program in its own process; and whom it asks without a login."""

import pathlib
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
import yaml

from operations import amazon, azure, project
from operations.doctor import resource_manager
from operations.stack import NoInventory
from operations.unanswered import CouldNotAsk
from stacks import TOPOLOGIES
from tests.aws_azure_config import SECRETS, TREE, stack_file
from twinsite.needs import Page


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A project as a clone has it, without any login."""
    for name in ("stacks", "components", "twinsite", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.dr.yaml"):
        (tmp_path / name).symlink_to(TREE / name)
    return tmp_path


def nobody() -> str:
    raise NoInventory("`pulumi` is not on PATH")


def test_a_fresh_clone_is_told_which_stacks_there_are(folder: pathlib.Path) -> None:
    with pytest.raises(project.NoProject) as refused:
        project.read(folder, "", nobody)
    assert "`twinsite --stack dev doctor` or `twinsite --stack dr doctor`" in str(refused.value)
    with pytest.raises(project.NoProject, match=r"there is no Pulumi\.prod\.yaml: `pulumi stack init prod`"):
        project.read(folder, "prod", nobody)


def test_a_fresh_stack_has_what_is_missing_and_what_it_will_need(folder: pathlib.Path) -> None:
    found = project.read(folder, "", lambda: "dev")
    assert found.needs is not None and found.needs.aws is not None
    assert [one.split()[0] for one in found.problems] == [
        "onprem_ssh_private_key", "onprem_gateway_ssh", "onprem_database_ssh", "onprem_gateway_host_key",
        "onprem_database_host_key",
    ]  # fmt: skip
    assert found.needs.aws.zone == "", "EC2 chooses one"
    assert [(one.role, one.size) for one in found.needs.aws.machines] == [
        ("gateway", "t3.micro"),
        ("source", "t3.medium"),
    ]


def test_settings_of_a_user_with_their_secrets_unread(folder: pathlib.Path) -> None:
    text = yaml.safe_load(stack_file(home_in_aws="accept"))
    secrets = {f"twinsite:{key}": {"secure": "v1:cannot be decrypted here"} for key in SECRETS}
    (folder / "Pulumi.mine.yaml").write_text(yaml.safe_dump({"config": text["config"] | secrets}))
    found = project.read(folder, "mine", nobody)
    assert found.problems == ()
    needs = found.needs
    assert needs is not None and needs.azure is not None and needs.aws is not None
    assert needs.azure.storage_accounts == ("exampledrbackup", "exampledrpublic", "exampledrlatch")
    assert [one.role for one in needs.azure.machines] == ["standby"], (
        "in cold, too: raising must not be the first to ask"
    )
    balancer = "petclinic-123456789.ap-northeast-2.elb.amazonaws.com"
    assert needs.pages == tuple(
        Page(name, balancer) for name in ("www.example.com", "dr.example.com", "origin-aws.example.com")
    )
    assert needs.certificates == {"origin_certificate": ("origin-dr.example.com",)}
    assert needs.aws.machines == ()
    clear = yaml.safe_dump({"config": text["config"] | {f"twinsite:{key}": value for key, value in SECRETS.items()}})
    (folder / "Pulumi.mine.yaml").write_text(clear)
    assert sum("in clear text" in one for one in project.read(folder, "mine", nobody).problems) == 2


def test_an_unknown_topology_and_settings_from_elsewhere(folder: pathlib.Path) -> None:
    (folder / "Pulumi.odd.yaml").write_text("environment: [prod]\nconfig:\n  twinsite:topology: mars\n")
    found = project.read(folder, "odd", nobody)
    assert found.needs is None
    assert f"with one of {', '.join(TOPOLOGIES)}" in found.problems[0]
    assert "Pulumi ESC" in found.note


def test_a_folder_that_is_no_project(tmp_path: pathlib.Path) -> None:
    with pytest.raises(project.NoProject, match="run this in the project's folder"):
        project.read(tmp_path, "dev", nobody)


@pytest.fixture
def no_login(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that has never heard of a cloud."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_credentials_aws_is_not_asked_and_the_way_to_log_in_is_said(no_login: None) -> None:
    for asked in (amazon.Boto("eu-west-1"), amazon.Boto("eu-west-1", "nobody")):
        with pytest.raises(CouldNotAsk) as problem:
            asked.ask("sts", "GetCallerIdentity")
        assert problem.value.fix == amazon.LOG_IN


def test_without_an_identity_azure_is_asked_for_none_once(no_login: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: list[str] = []

    class Counted(azure.Identity):
        def token(self, resource: str) -> str:
            tokens.append(resource)
            return super().token(resource)

    asked = resource_manager.ResourceManager(Counted(environment={}))
    for _ in range(3):
        with pytest.raises(CouldNotAsk, match="there is no identity for Azure") as problem:
            asked.get("/subscriptions/s", "1")
        assert problem.value.fix == resource_manager.LOG_IN
    assert len(tokens) == 1


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("AccessDenied", CouldNotAsk, "you may not ask it: iam:SimulatePrincipalPolicy"),
        ("ExpiredToken", CouldNotAsk, "does not take the credentials here"),
        ("NoSuchHostedZone", amazon.Refused, "NoSuchHostedZone"),
    ],
)
def test_aws_own_errors(code: str, kind: type[Exception], words: str) -> None:
    found = amazon._refusal("iam:SimulatePrincipalPolicy", {"Code": code, "Message": "no"})
    assert type(found) is kind
    assert words in str(found)


def test_every_call_is_one_that_aws_has_and_that_the_doctors_own_list_allows() -> None:
    import json
    import re

    session = boto3.Session()
    text = "".join(path.read_text() for path in (TREE / "operations" / "doctor").glob("*.py"))
    calls = set(re.findall(r'"(ec2|sts|iam|s3|route53|service-quotas|dms)",\s*"([A-Z]\w+)"', text))
    calls |= {("ec2", operation) for operation in re.findall(r'"(Describe(?:Addresses|Vpcs))"', text)}
    assert len(calls) >= 14
    listed = json.loads((TREE / "policies" / "aws" / "doctor.json").read_text())["Statement"]
    allowed = {action for one in listed for action in one["Action"]}
    needed = {f"{service.replace('-', '')}:{operation}" for service, operation in calls if service != "sts"}
    assert needed == allowed
    for service, operation in calls:
        model: Any = session.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        assert operation in model.meta.service_model.operation_names


@pytest.mark.parametrize(
    ("status", "helps"), [(0, "your own network"), (401, "az login"), (501, "ask again"), (429, "ask again")]
)
def test_a_cloud_that_answers_does_not_send_a_person_to_the_network(
    monkeypatch: pytest.MonkeyPatch, status: int, helps: str
) -> None:
    def call(*_: object) -> None:
        raise azure.AzureError("not now", status)

    monkeypatch.setattr(azure, "call", call)
    monkeypatch.setattr(azure.Identity, "token", lambda self, audience: "t")
    asked = resource_manager.ResourceManager(azure.Identity(environment={}))
    with pytest.raises(CouldNotAsk) as problem:
        asked.get("/subscriptions/s", "2022-12-01")
    assert helps in problem.value.fix
    assert ("look at your own network" in problem.value.fix) == (status == 0)
