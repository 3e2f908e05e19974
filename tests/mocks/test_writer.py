"""WriterRegisters and WriterAgent under mocks: private and kept, two agents without a key, one pod that is told what to
do, nothing secret in the open, refusals."""

import base64
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.mocks import harness
from twinsite import WriterAgent, WriterRegisters, rules
from twinsite.guest.writer import config as guest
from twinsite.payload import payload

from .test_gcs_backup import FILL as OF_BUCKETS
from .test_gcs_backup import ISSUER

S3, GCS = "aws:s3/bucket:Bucket", "gcp:storage/bucket:Bucket"
GRANT = "gcp:storage/bucketIAMMember:BucketIAMMember"
KUBERNETES = "kubernetes:core/v1"
GKE = "https://container.googleapis.com/v1/projects/crm-dr/locations/asia-northeast3/clusters/crm"
ACCOUNT = "arn:aws:iam::123456789012"
REGISTERS: dict[str, Any] = {
    "project": "crm-dr",
    "bucket": "crm-dr-writer",
    "aws_region": "ap-northeast-2",
    "gcp_location": "asia-northeast3",
    "third": "azblob://crmthird/registers/writer.json",
    "home": {"issuer": ISSUER, "namespace": "crm", "service_account": "twinsite-writer"},
    "home_provider": f"{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}",
    "away": {"issuer": GKE, "namespace": "crm", "service_account": "twinsite-writer"},
    "away_account": "crm-gate@crm-dr.iam.gserviceaccount.com",
    "tags": {"team": "dr"},
}
PLACES = ["s3://crm-dr-writer/writer.json", "gs://crm-dr-writer/writer.json", REGISTERS["third"]]
AGENT: dict[str, Any] = {
    "site": "aws",
    "home": "aws",
    "namespace": "crm",
    "image": f"registry.example.com/postgres-client@sha256:{'a' * 64}",
    "flow": "crm",
    "schemas": ["public"],
    "database": {
        "address": "crm.abc.ap-northeast-2.rds.amazonaws.com",
        "database": "crm",
        "user": "crm_owner",
        "password": "the-word",
        "version": "16.4",
        "tls_ca": "PEM",
    },
    "places": PLACES,
    "regions": {PLACES[0]: "ap-northeast-2"},
    "role": f"{ACCOUNT}:role/crm-dr-writer-agents",
    "audience": "//iam.googleapis.com/projects/7/p",
    "service_account": "crm-dr-writer-agent@crm-dr.iam.gserviceaccount.com",
    "third": {"tenant": "t", "client_id": "c", "client_secret": "another-word"},
    "text": "this site may write",
    "tags": {"team:name": "dr"},
}
FILL: dict[str, harness.Fill] = {
    **OF_BUCKETS,
    S3: lambda name, inputs: {"arn": f"arn:aws:s3:::{inputs['bucket']}"},
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": lambda name, inputs: {
        "arn": f"{ACCOUNT}:oidc-provider/{inputs['url'].removeprefix('https://')}"
    },
    "aws:iam/role:Role": lambda name, inputs: {"arn": f"{ACCOUNT}:role/{inputs['name']}"},
}


def registers(**change: Any) -> harness.Run:
    def program() -> Any:
        made = WriterRegisters("r", {**REGISTERS, **change})  # type: ignore[typeddict-item]
        return pulumi.Output.all(made.places, made.role, made.audience, made.service_account)

    return harness.run(program, FILL)


def agent(leave_out: tuple[str, ...] = (), **change: Any) -> harness.Run:
    def program() -> Any:
        args = {key: value for key, value in {**AGENT, **change}.items() if key not in leave_out}
        made = WriterAgent("w", args)  # type: ignore[arg-type]
        return pulumi.Output.all(made.service_name, made.status)

    return harness.run(program, FILL)


def test_both_buckets_are_private_and_neither_goes_before_gates_are_released() -> None:
    run = registers()
    amazon, google = run.one("r-aws", S3), run.one("r-gcp", GCS)
    assert (amazon.inputs["bucket"], google.inputs["name"]) == ("crm-dr-writer", "crm-dr-writer")
    assert google.inputs["publicAccessPrevention"] == "enforced"
    block = run.one("r-aws", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert [block[one] for one in ("blockPublicAcls", "blockPublicPolicy", "restrictPublicBuckets")] == [True] * 3
    for one in (amazon, google):
        assert one.inputs["forceDestroy"] is False
        assert list(one.request.hooks.before_delete) == ["r-keep-registers"]
    assert run.result[0] == PLACES


def test_once_gates_are_released_both_buckets_go_with_what_agents_left_in_them() -> None:
    run = registers(given_up=True)
    assert [run.one(name, kind).inputs["forceDestroy"] for name, kind in (("r-aws", S3), ("r-gcp", GCS))] == [True] * 2


def test_each_agent_is_trusted_as_its_own_pods_account_alone_and_deletes_nothing() -> None:
    run = registers()
    role = json.loads(run.one("r-agents", "aws:iam/role:Role").inputs["assumeRolePolicy"])
    said = [(one["Principal"]["Federated"], one["Condition"]["StringEquals"]) for one in role["Statement"]]
    subject = "system:serviceaccount:crm:twinsite-writer"
    assert said == [
        (
            f"{ACCOUNT}:oidc-provider/{issuer.removeprefix('https://')}",
            {
                f"{issuer.removeprefix('https://')}:aud": "sts.amazonaws.com",
                f"{issuer.removeprefix('https://')}:sub": subject,
            },
        )
        for issuer in (ISSUER, GKE)
    ]
    rights = json.loads(run.one("r-agents", "aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert {action for one in rights["Statement"] for action in one["Action"]} == {
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
    provider = run.one("r-provider", "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider").inputs
    assert provider["attributeCondition"] == f"assertion.sub == '{subject}'"
    members = {one.inputs["member"] for one in run.of(GRANT)}
    assert members == {
        "serviceAccount:crm-dr-writer-agent@crm-dr.iam.gserviceaccount.com",
        "serviceAccount:crm-gate@crm-dr.iam.gserviceaccount.com",
    }


def test_a_third_register_at_aws_is_among_the_roles_rights() -> None:
    run = registers(third="s3://elsewhere/writer.json", third_region="eu-west-1")
    rights = json.loads(run.one("r-agents", "aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert rights["Statement"][1]["Resource"] == ["arn:aws:s3:::crm-dr-writer/*", "arn:aws:s3:::elsewhere/*"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bucket": "Crm"}, "use 6 to 48 lower-case letters"),
        ({"bucket": "my-google-bucket"}, "a cloud keeps such names for itself"),
        ({"third": ""}, "name a register that somebody made in a third place"),
        ({"third": "gs://crm-dr-writer/third.json"}, "in one of the two buckets"),
        ({"third": "s3://x/writer.json"}, "name its region, third_region"),
        ({"third": "s3://x/writer.json", "third_region": "ap-northeast-2"}, "one region that fails takes two of three"),
        ({"home_provider": ""}, "aws iam list-open-id-connect-providers"),
        ({"home_provider": f"{ACCOUNT}:oidc-provider/oidc.eks/other"}, "its pods would be nobody at AWS"),
        ({"home": {**REGISTERS["home"], "issuer": "oidc.eks"}}, "home.issuer is 'oidc.eks'"),
        ({"away": {**REGISTERS["away"], "namespace": "A"}}, "away.namespace is 'A'"),
        ({"generation": 0}, "generation 0 is no generation"),
    ],
)
def test_registers_that_fail_together_or_that_no_agent_could_read_are_refused(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(rules.Refused, match=words):
        registers(**change)


def told(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.one("w-told").inputs["data"]["writer.json"])
    return found


def test_the_agent_understands_what_it_is_told_and_its_words_are_in_a_secret_alone(tmp_path: Path) -> None:
    run = agent()
    secret = run.one("w-secret", f"{KUBERNETES}:Secret")
    assert secret.holds_secret("stringData", "writer.secrets.json")
    files = {"config": json.dumps(told(run)), "secrets": secret.inputs["stringData"]["writer.secrets.json"]}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = guest.read(str(tmp_path / "config"), str(tmp_path / "secrets"))
    assert (found.site, found.home, found.text, found.released) == ("aws", "aws", "this site may write", False)
    assert [one.url for one in found.places] == PLACES and found.places[0].region == "ap-northeast-2"
    assert found.status == guest.Place("s3://crm-dr-writer/agent-aws.json", "ap-northeast-2")
    assert (found.flow.source.user, found.flow.source.password) == ("crm_owner", "the-word")
    assert found.google.audience == AGENT["audience"] and found.aws_role == AGENT["role"]
    assert [str(found.register(one)) for one in found.places] == PLACES
    assert "word" not in run.one("w-told").inputs["data"]["writer.json"].replace("password", "")
    assert base64.b64decode(run.one("w-told").inputs["binaryData"]["payload.tar.gz"]) == payload("writer")


def test_one_pod_with_a_token_for_each_cloud_is_no_root_and_says_whether_it_runs() -> None:
    spec = agent().one("w-agent").inputs["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["restartPolicy"] == "Always" and pod["automountServiceAccountToken"] is False
    assert container["args"] == ["python3", "-m", "writer", "agent"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": guest.PORT}]
    (tokens,) = [one for one in pod["volumes"] if one["name"] == "tokens"]
    asked = [one["serviceAccountToken"]["audience"] for one in tokens["projected"]["sources"]]
    assert asked == ["sts.amazonaws.com", f"https:{AGENT['audience']}"]


def test_another_word_starts_another_pod_and_the_same_does_not() -> None:
    def digest(**change: Any) -> str:
        template = agent(**change).one("w-agent").inputs["spec"]["template"]
        return str(template["metadata"]["annotations"]["twinsite.io/told"])

    assert digest() == digest()
    assert len({digest(), digest(text="other"), digest(third={"tenant": "t"})}) == 3


def test_at_google_the_pod_is_somebody_by_its_cluster_and_load_balancers_ask_for_health() -> None:
    run = agent(
        ("audience", "service_account"), site="gcp", account_annotations={"iam.gke.io/gcp-service-account": "a"}
    )
    assert "google" not in told(run)
    assert told(run)["status"] == {"place": "gs://crm-dr-writer/agent-gcp.json"}
    service = run.one("w-service").inputs
    assert service["metadata"]["annotations"]["alb.ingress.kubernetes.io/healthcheck-path"] == "/health"
    assert service["metadata"]["annotations"]["cloud.google.com/neg"] == '{"ingress": true}'
    assert run.result[0] == "twinsite-writer"


def test_another_payload_or_word_never_deletes_the_agent() -> None:
    """Its hook would refuse that, and so every `up` with another twinsite, and the taking back of `released`."""
    run = agent()
    made = run.one("w-agent")
    assert made.drawn_from == set()
    assert {run.one(f"w-{one}").urn for one in ("account", "told", "secret")} <= made.depends_on


def test_the_agents_deployment_has_a_hook_in_every_mode() -> None:
    for change in ({"site_is_active": True}, {}, {"released": True}):
        assert list(agent(**change).one("w-agent").request.hooks.before_delete) == ["w-keep-registers"]


def test_without_a_cluster_there_is_no_agent_and_the_same_outputs() -> None:
    run = agent(exists=False)
    assert [one.type for one in run.resources if one.custom] == []
    assert run.result == [None, "s3://crm-dr-writer/agent-aws.json"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "postgres:17"}, "is not pinned"),
        ({"places": PLACES[:2]}, "name 3 that fail apart"),
        ({"places": [*PLACES[:2], PLACES[0]]}, "name 3 that fail apart"),
        ({"places": [*PLACES[:2], "ftp://x/y"]}, "name 3 that fail apart"),
        ({"text": ""}, "text is empty"),
        ({"flow": ""}, "flow is empty"),
        ({"schemas": []}, "schemas is empty"),
    ],
)
def test_an_agent_that_could_not_do_its_work_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(rules.Refused, match=words):
        agent(**change)
