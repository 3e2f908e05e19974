"""Registers of who may write, on the real engine: S3 is moto's, Google's buckets say how much they hold."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import LiveStack
from tests.engine.test_providers_api import api  # noqa: F401

TREE = Path(__file__).resolve().parents[2]
BUCKET = "crm-dr-writer"
ISSUER = "oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF"
PROGRAM = f"""
    import sys
    sys.path.insert(0, {str(TREE)!r})
    import pulumi
    from twinsite import WriterRegisters
    from twinsite.protection import keep_registers

    config = pulumi.Config()
    released = config.get_bool("released") or False
    agent = {{"namespace": "crm", "service_account": "twinsite-writer"}}
    if config.get_bool("away"):
        keep_registers("r", released)
    else:
        WriterRegisters(
            "r",
            {{
                "project": "crm-dr",
                "bucket": "{BUCKET}",
                "aws_region": "ap-northeast-2",
                "gcp_location": "asia-northeast3",
                "third": "azblob://crmthird/registers/writer.json",
                "home": {{**agent, "issuer": "https://{ISSUER}"}},
                "home_provider": "arn:aws:iam::123456789012:oidc-provider/{ISSUER}",
                "away": {{
                    **agent,
                    "issuer": "https://container.googleapis.com/v1/projects/crm-dr/locations/asia-northeast3/clusters/crm",
                }},
                "away_account": "crm-gate@crm-dr.iam.gserviceaccount.com",
                "given_up": released,
            }},
        )
"""


@pytest.fixture
def registers(live: LiveStack, api: Any) -> LiveStack:  # noqa: F811
    """Both, each with the register and an agent's state in it."""
    live.program(PROGRAM)
    live.config("gcp:project", "crm-dr")
    live.up()
    for key in ("writer.json", "agent-aws.json"):
        api("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    live.objects[BUCKET] = 2
    return live


def test_registers_go_with_what_is_in_them_one_up_after_the_gates_were_released(
    registers: LiveStack,
    api: Any,  # noqa: F811
) -> None:
    s3 = api("s3")
    registers.config("released", "true")
    assert registers.steps() == {"r": "update", "r-aws": "update", "r-gcp": "update"}
    registers.up()
    assert {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]} == {"writer.json", "agent-aws.json"}
    registers.config("away", "true")
    registers.up()
    assert s3.list_buckets()["Buckets"] == []
    assert registers.memory.records_list("gcp:storage/bucket:Bucket") == {}


def test_without_that_up_neither_goes_while_it_holds_anything(registers: LiveStack, api: Any) -> None:  # noqa: F811
    registers.config("released", "true")
    registers.config("away", "true")
    code, said = registers.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert code != 0
    assert "BucketNotEmpty" in said
    assert f"Error trying to delete bucket {BUCKET} containing objects without `force_destroy` set to true" in said
    assert [one["Name"] for one in api("s3").list_buckets()["Buckets"]] == [BUCKET]
    assert set(registers.memory.records_list("gcp:storage/bucket:Bucket")) == {BUCKET}
