"""Objects, secrets and parameters: the stand-ins call the AWS API as any program does. Here moto answers it."""

import os
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.conftest import REGION, LiveStack

PROGRAM = """
    import json, pulumi, pulumi_aws as aws
    settings = pulumi.Config()
    bucket = aws.s3.Bucket("bucket", force_destroy=True, tags={"of": "test"})
    aws.s3.BucketPublicAccessBlock("bucket", bucket=bucket.bucket, block_public_acls=True, restrict_public_buckets=True)
    versioning = aws.s3.BucketVersioning("bucket", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketOwnershipControls("bucket", bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"})
    aws.s3.BucketServerSideEncryptionConfiguration(
        "bucket", bucket=bucket.bucket, rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}]
    )
    aws.s3.BucketLifecycleConfiguration(
        "bucket", bucket=bucket.bucket,
        rules=[{"id": "old", "status": "Enabled", "noncurrent_version_expiration": {"noncurrent_days": 30}}],
    )
    aws.s3.BucketPolicy("bucket", bucket=bucket.bucket, policy=bucket.arn.apply(lambda arn: json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutBucketAcl", "Resource": [arn]}],
    })))
    text = aws.s3.BucketObjectv2(
        "text", bucket=bucket.bucket, key="a/b.json", content=settings.get("content") or "one",
        content_type="application/json", opts=pulumi.ResourceOptions(depends_on=[versioning]),
    )
    aws.s3.BucketObjectv2("raw", bucket=bucket.bucket, key="raw", content_base64="AAEC/w==")
    aws.s3.BucketObjectv2("file", bucket=bucket.bucket, key="file", source=pulumi.FileAsset("Pulumi.yaml"))
    secret = aws.secretsmanager.Secret("secret", recovery_window_in_days=7, description="of a test")
    value = aws.secretsmanager.SecretVersion(
        "value", secret_id=secret.id, secret_string=settings.get("value") or "clear-one"
    )
    aws.ssm.Parameter("parameter", name="/twinsite/x", type="SecureString", value=settings.get("value") or "clear-one")
    pulumi.export("bucket", bucket.bucket)
    pulumi.export("secret", secret.arn)
    pulumi.export("version", value.version_id)
    pulumi.export("text_version", text.version_id)
"""


@pytest.fixture
def api(live: LiveStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """boto3 at a desk whose AWS is moto; gives a function that makes clients."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    # moto's memory belongs to the process
    urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/reset", data=b"").close()
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    live.desk.extra |= settings
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        if name in os.environ:
            monkeypatch.delenv(name)
    yield lambda service: boto3.session.Session().client(service, region_name=REGION)
    server.stop()


def test_objects_secrets_and_parameters_are_really_there(live: LiveStack, api: Any) -> None:
    live.program(PROGRAM)
    said = live.up()
    outputs = live.outputs()
    s3, secrets, ssm = api("s3"), api("secretsmanager"), api("ssm")
    bucket = outputs["bucket"]
    assert s3.get_object(Bucket=bucket, Key="a/b.json")["Body"].read() == b"one"
    assert s3.get_object(Bucket=bucket, Key="raw")["Body"].read() == b"\x00\x01\x02\xff"
    assert s3.get_object(Bucket=bucket, Key="file")["Body"].read() == (live.folder / "Pulumi.yaml").read_bytes()
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == REGION
    found = secrets.get_secret_value(SecretId=outputs["secret"])
    assert (found["SecretString"], found["VersionId"]) == ("clear-one", outputs["version"])
    assert ssm.get_parameter(Name="/twinsite/x", WithDecryption=True)["Parameter"]["Value"] == "clear-one"
    assert "clear-one" not in said
    assert "clear-one" not in live.must("stack", "export")
    live.up("--expect-no-changes")
    live.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    live.config("content", "two")
    live.config("value", "clear-two")
    steps = live.steps()
    assert (steps["text"], steps["parameter"]) == ("update", "update")
    assert "replace" in steps["value"], "versions of a secret never change"
    live.up()
    assert s3.get_object(Bucket=bucket, Key="a/b.json")["Body"].read() == b"two"
    assert live.outputs()["text_version"] != outputs["text_version"]
    assert secrets.get_secret_value(SecretId=outputs["secret"])["SecretString"] == "clear-two"
    assert live.outputs()["version"] != outputs["version"]
    live.up("--expect-no-changes")

    live.must("destroy", "--yes", "--skip-preview")
    assert s3.list_buckets()["Buckets"] == []
    assert secrets.describe_secret(SecretId=outputs["secret"]).get("DeletedDate") is not None


def test_refresh_sees_a_bucket_and_a_secret_that_others_deleted(live: LiveStack, api: Any) -> None:
    live.program("""
        import pulumi, pulumi_aws as aws
        bucket = aws.s3.Bucket("bucket")
        secret = aws.secretsmanager.Secret("secret", recovery_window_in_days=0)
        pulumi.export("bucket", bucket.bucket)
        pulumi.export("secret", secret.arn)
    """)
    live.up()
    outputs = live.outputs()
    api("s3").delete_bucket(Bucket=outputs["bucket"])
    api("secretsmanager").delete_secret(SecretId=outputs["secret"], ForceDeleteWithoutRecovery=True)
    live.must("refresh", "--yes", "--skip-preview")
    assert not {"bucket", "secret"} & set(live.state())
    live.up()
    assert api("s3").list_buckets()["Buckets"][0]["Name"] == live.outputs()["bucket"]


def test_the_apis_own_error_is_what_the_user_reads(live: LiveStack, api: Any) -> None:
    live.program("""
        import pulumi_aws as aws
        aws.s3.BucketObjectv2("lost", bucket="no-such-bucket-here", key="x", content="y")
    """)
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "operation error s3: PutObject: NoSuchBucket: The specified bucket does not exist" in said
