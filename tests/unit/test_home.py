"""Where recovery itself lives (K51): what a program sees of its home, and what is refused of that."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from stacks.home import see
from twinsite.rules.home import Home, artefact_problems, context_problem, home_problems, in_aws

GOOD = Home(backend="azblob://state", skips_sts=True, skips_cluster=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: twinsite\nruntime: python\n")
    return tmp_path


def seen(project: Path, hardware: Path | None = None, /, **environment: str) -> Home:
    return see("dr", project, {"HOME": str(project), **environment}, hardware or project / "none")


def test_a_home_outside_aws_is_accepted() -> None:
    assert home_problems(GOOD) == ()
    assert home_problems(Home(skips_sts=True, skips_cluster=True)) == (), "what was not seen is not judged"


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"backend": "s3://bucket?region=ap-northeast-2"}, "`pulumi login azblob://CONTAINER`"),
        ({"secrets_provider": "awskms://alias/x?region=us-east-1"}, "`pulumi stack change-secrets-provider"),
        ({"runner": "AWS CodeBuild"}, "run it elsewhere"),
        ({"skips_sts": False}, "`pulumi config set aws:skipCredentialsValidation true`"),
        ({"skips_cluster": False}, "`pulumi config set kubernetes:skipUpdateUnreachable true`"),
    ],
)
def test_what_dies_with_aws_is_refused_with_the_fix(change: dict[str, Any], fix: str) -> None:
    problems = home_problems(Home(**{**GOOD.__dict__, **change}))
    assert len(problems) == 1
    assert fix in problems[0]


def test_a_rehearsal_may_stand_in_aws_but_its_providers_must_start_without_it() -> None:
    problems = home_problems(Home("s3://bucket", "awskms://key", "an ECS task"), accepted=True)
    assert [problem.split(" asks")[0] for problem in problems] == ["AWS's provider", "Kubernetes' provider"]


@pytest.mark.parametrize(
    ("backend", "answer"),
    [
        ("s3://bucket", True),
        ("s3://bucket?region=us-east-1&endpoint=s3.us-east-1.amazonaws.com", True),
        ("s3://bucket?endpoint=minio.example.com:9000&s3ForcePathStyle=true", False),
        ("s3://bucket?endpoint=https://notamazonaws.com", False),
        ("azblob://state?storage_account=x", False),
        ("gs://state", False),
        ("file:///srv/state", False),
        ("https://api.pulumi.com", False),
        ("", False),
    ],
)
def test_only_a_bucket_of_aws_itself_is_in_aws(backend: str, answer: bool) -> None:
    assert in_aws(backend) is answer


def test_an_artefact_in_aws_is_refused_and_one_elsewhere_is_not() -> None:
    assert "application_artefact" in artefact_problems("https://bucket.s3.amazonaws.com/petclinic.war")[0]
    assert "neither an https URL nor" in artefact_problems("http://example.com/petclinic.war")[0]
    assert "neither an https URL nor" in artefact_problems("s3://bucket/petclinic.war")[0]
    assert artefact_problems("https://releases.example.com/petclinic.war") == ()
    assert artefact_problems("artefacts/petclinic.war") == ()


def test_the_backend_is_found_as_the_cli_finds_it(project: Path) -> None:
    assert seen(project).backend == ""
    (project / ".pulumi").mkdir()
    (project / ".pulumi" / "credentials.json").write_text(json.dumps({"current": "s3://login", "accessTokens": {}}))
    assert seen(project).backend == "s3://login"
    (project / "Pulumi.yaml").write_text("name: twinsite\nbackend:\n  url: s3://project\n")
    assert seen(project).backend == "s3://project"
    assert seen(project, PULUMI_BACKEND_URL="s3://variable").backend == "s3://variable"


def test_the_secrets_provider_is_that_of_the_stack_file(project: Path) -> None:
    assert seen(project).secrets_provider == ""
    (project / "Pulumi.dr.yaml").write_text("secretsprovider: awskms://alias/x\nencryptedkey: abc\nconfig: {}\n")
    assert seen(project).secrets_provider == "awskms://alias/x"


@pytest.mark.parametrize(
    ("environment", "runner"),
    [
        ({"CODEBUILD_BUILD_ID": "x:1"}, "AWS CodeBuild"),
        ({"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4"}, "an ECS task"),
        ({"AWS_EXECUTION_ENV": "CloudShell"}, "Lambda, Fargate or CloudShell"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"},
            "an EKS pod",
        ),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/runner/github-oidc-token", "AWS_REGION": "us-east-1"}, ""),
    ],
)
def test_a_runner_in_aws_is_known_by_what_only_aws_sets(
    project: Path, environment: dict[str, str], runner: str
) -> None:
    assert seen(project, **environment).runner == runner


def test_an_ec2_machine_is_known_by_its_hardware(project: Path) -> None:
    hardware = project / "sys_vendor"
    hardware.write_text("Amazon EC2\n")
    assert seen(project, hardware).runner == "an EC2 machine"
    hardware.write_text("QEMU\n")
    assert seen(project, hardware).runner == ""


def test_both_settings_of_awss_provider_are_needed(project: Path) -> None:
    try:
        pulumi.runtime.set_all_config({"aws:skipCredentialsValidation": "true"})
        assert not seen(project).skips_sts
        pulumi.runtime.set_config("aws:skipRequestingAccountId", "true")
        assert seen(project).skips_sts
        assert not seen(project).skips_cluster
        pulumi.runtime.set_config("kubernetes:skipUpdateUnreachable", "true")
        assert seen(project).skips_cluster
    finally:
        pulumi.runtime.set_all_config({})


KUBECONFIG = "apiVersion: v1\nkind: Config\ncontexts:\n- {{name: {name}, context: {{cluster: c, user: u}}}}\n"


def passed_over(home: Home) -> str:
    return context_problem(home.context, home.contexts)


def test_a_context_that_kubeconfig_does_not_have_is_told_with_those_that_it_has(project: Path) -> None:
    one, other = project / "one", project / "other"
    one.write_text(KUBECONFIG.format(name="seoul"))
    other.write_text(KUBECONFIG.format(name="tokyo"))
    try:
        pulumi.runtime.set_all_config({"kubernetes:context": "soul"})
        assert passed_over(seen(project)) == "", "a desk without a kubeconfig knows nothing"
        home = seen(project, KUBECONFIG=f"{one}:{other}:{project / 'none'}")
        assert "soul is not in this desk's kubeconfig, which has seoul, tokyo" in passed_over(home)
        (project / ".kube").mkdir()
        (project / ".kube" / "config").write_text(KUBECONFIG.format(name="soul"))
        assert passed_over(seen(project)) == ""
        pulumi.runtime.set_config("kubernetes:kubeconfig", "one of its own")
        assert passed_over(seen(project, KUBECONFIG=str(one))) == "", "the provider does not read that file"
    finally:
        pulumi.runtime.set_all_config({})
