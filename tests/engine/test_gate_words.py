"""A gate that fails on-prem brings the EC2 machine's own last words along: real engine, real SSH, S3 by moto."""

import json
import os
from typing import Any

import pytest

from tests.engine.conftest import LiveStack
from tests.engine.ssh_host import Host
from tests.engine.test_onprem_delivery import TREE
from tests.engine.test_providers_api import api as api
from tests.engine.test_providers_command import CONNECTION

PROGRAM = """
    import pulumi_aws as aws
    from twinsite import GateMode, HostGate
    at = {
        "host": "127.0.0.1", "port": int(settings.require("port")), "user": "ubuntu",
        "private_key": os.environ["TEST_KEY"], "host_key": settings.require("host_key"),
    }
    bucket = aws.s3.Bucket("bucket", bucket="guests", force_destroy=True)
    said = settings.get("said")
    if said:
        aws.s3.BucketObjectv2(
            "said", bucket=bucket.bucket, key="status/aws-gateway/status.json", content=said,
            content_type="application/json",
        )
    place = bucket.bucket.apply(
        lambda name: {"host": "aws-gateway", "bucket": name, "region": aws.config.region, "machine": "i-2"}
    )
    HostGate("tunnel", {
        "connection": at, "role": "gateway", "elsewhere": place, "triggers": [settings.get("try") or "1"],
        "mode": GateMode.WAIT,
    }, pulumi.ResourceOptions(depends_on=[bucket]))
"""
SUDO = "#!/bin/sh\n[ ! -e works ] || exit 0\necho 'charon says: no proposal' >&2\nexit 1\n"
SAID = {"machine": "i-2", "outcome": "failed", "detail": "E: no space left on device", "time": "2026-11-29T03:00:00Z"}


def test_a_failed_gate_brings_the_other_machines_words_and_a_former_machines_are_not_believed(
    live: LiveStack, host: Host, api: Any
) -> None:
    (live.folder / "twinsite").symlink_to(TREE / "twinsite")
    sudo = host.folder / "bin" / "sudo"
    sudo.parent.mkdir()
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    host.path = f"{sudo.parent}:{os.environ['PATH']}"
    for name, value in {"port": str(host.port), "host_key": host.host_key}.items():
        live.config(name, value)
    live.desk.extra["TEST_KEY"] = host.private_key
    live.program(CONNECTION + PROGRAM)

    def fails() -> str:
        with pytest.raises(AssertionError) as failure:
            live.up()
        said = str(failure.value)
        assert "charon says: no proposal" in said
        return said

    assert "aws-gateway (i-2) has not said how it is" in fails()
    live.config("said", json.dumps(SAID))
    live.up("--target", "**::bucket", "--target", "**::said")
    assert "aws-gateway says (failed, 2026-11-29T03:00:00Z): E: no space left on device" in fails()
    live.config("said", json.dumps({**SAID, "machine": "i-1"}))
    live.up("--target", "**::said")
    said = fails()
    assert "its status is of i-1, a former machine" in said
    assert "no space left" not in said
    (host.folder / "works").touch()
    assert "aws-gateway" not in live.up()
    live.must("destroy", "--yes", "--skip-preview")
