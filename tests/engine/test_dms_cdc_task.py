"""The program of docs/components/dms-cdc-task.md on the real engine, recorded: it settles, a change of what may run is
refused until it is said to be stopped for just that, and all of it goes."""

import json
import re
from pathlib import Path

import pytest

from operations.dms import command
from operations.dms.program import TaskProgram
from operations.stack import Stack as Known
from operations.subjects.dms_task import TaskSeen
from operations.subjects.dms_task import task as ask
from tests.engine.conftest import LiveStack, Stack
from tests.mocks.test_dms_cdc_task import PEM, SECRETS, TOPIC
from tests.unit.test_status_dms import answers
from twinsite.inventory import Site, from_dict

TREE = Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "components" / "dms-cdc-task.md"
SOURCE = {
    "address": "shop.abc.ap-northeast-2.rds.amazonaws.com",
    "secret_arn": SECRETS["source"],
    "tls_ca": PEM,
}
TARGET = {"address": "10.31.0.3", "secret_arn": SECRETS["target"], "tls_ca": PEM, "tls": "verify-ca"}
CONFIG = {
    "dr_mode": "pilot-light",
    "source": json.dumps(SOURCE),
    "target": json.dumps(TARGET),
    "largest_lob_kib": "900",
    "network": json.dumps(
        {
            "subnet_ids": {"ap-northeast-2a": "subnet-a", "ap-northeast-2c": "subnet-b"},
            "security_group_ids": ["sg-dms"],
        }
    ),
    "topic_arn": TOPIC,
}
LATER = ('"settings": config.get("settings") or "",', '"stopped_for": config.get_object("stopped_for") or [],')
"""What a change wants beside the example's arguments."""

MORE = '{"ChangeProcessingTuning": {"MemoryKeepTime": 90}}'

ROTATION = (
    ("aws:dms:Certificate", "created replacement"), ("aws:dms:Endpoint", "updated"),
    ("aws:dms:Certificate", "deleted original"),
)  # fmt: skip
CERTIFICATE = "aws:dms/certificate:Certificate"


def digests(said: str) -> set[str]:
    """What refusals want in stopped_for."""
    return set(re.findall(r"set stopped_for to ([0-9a-f]{12})", said))


def example() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def of_the_page(stack: Stack) -> Stack:
    last = '        **config.require_object("network"),\n'
    assert example().count(last) == 1
    whole = example().replace(last, last + "".join(f"        {one}\n" for one in LATER))
    stack.program(f"import sys\nsys.path.insert(0, {str(TREE)!r})\n{whole}")
    for key, value in CONFIG.items():
        stack.config(key, value)
    return stack


@pytest.fixture
def task(stack: Stack) -> Stack:
    return of_the_page(stack)


def test_the_example_fits_into_twenty_lines() -> None:
    assert len([one for one in example().splitlines() if one.strip()]) <= 20


def test_it_settles_a_change_is_refused_until_the_task_is_stopped_for_it_and_all_of_it_goes(
    task: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.up()
    task.up("--expect-no-changes")
    assert task.state()["shop-task"]["outputs"]["replicationTaskArn"].endswith(":task:shop")
    assert task.state()["shop-task"]["outputs"]["status"] == "ready"

    found = from_dict(task.outputs()["inventory"])
    flow = command.chosen(Known("test", found, task.folder), "")
    assert (flow.name, flow.target_address, flow.schemas) == ("shop", "10.31.0.3", ("shop",))
    seen = TaskSeen(flow, ask(flow, answers()))
    assert list(seen.problems()) == []
    assert next(iter(seen.lines())).endswith("running, 2 s behind, to 10.31.0.3")

    task.must("config", "set", "settings", MORE)
    code, said = task.run("preview")
    assert code != 0
    assert "shop-task would change replicationTaskSettings while its task may be running" in said
    (digest,) = digests(said)
    assert task.run("up", "--yes", "--skip-preview")[0] != 0

    task.config("stopped_for", json.dumps([digest]))
    assert task.steps()["shop-task"] == "update"
    task.up()
    sent = json.loads(task.state()["shop-task"]["inputs"]["replicationTaskSettings"])
    assert sent["ChangeProcessingTuning"] == {"MemoryKeepTime": 90}
    task.up("--expect-no-changes")

    # `twinsite dms modify` is allowed it without a setting, for that one `up`.
    task.must("config", "set", "settings", MORE.replace("90", "80"))
    monkeypatch.chdir(task.folder)
    for name, value in task.desk.environment().items():
        monkeypatch.setenv(name, value)
    program = TaskProgram("test", task.folder, Site("aws", ("aws",)))
    assert program.wanted().changes == ("shop-task would change replicationTaskSettings",)
    assert program.up_for(lambda words: None) == "shop-task would change replicationTaskSettings"
    sent = json.loads(task.state()["shop-task"]["inputs"]["replicationTaskSettings"])
    assert sent["ChangeProcessingTuning"] == {"MemoryKeepTime": 80}
    assert program.wanted().changes == ()
    task.must("config", "set", "settings", MORE)
    task.config("stopped_for", json.dumps([*digests(task.run("preview")[1])]))
    task.up()

    # The permission was for that change alone, the way back included.
    task.must("config", "rm", "settings")
    assert "shop-task would change replicationTaskSettings" in task.run("preview")[1]
    task.must("config", "set", "settings", MORE)
    task.config("target", json.dumps({**TARGET, "secret_arn": SECRETS["target"] + "-2"}))
    code, said = task.run("preview")
    assert code != 0
    assert "shop-target would change secretsManagerArn while its task may be running" in said
    task.config("target", CONFIG["target"])

    # Another authority is another certificate, whose ARN a preview does not know: the digest is the same in `up`.
    task.config("target", json.dumps({**TARGET, "tls_ca": PEM.replace("MIIB", "MIIC")}))
    code, said = task.run("preview")
    assert code != 0
    assert "shop-target would change certificateArn while its task may be running" in said
    (digest,) = digests(said)
    task.config("stopped_for", json.dumps([digest]))
    task.up()
    task.up("--expect-no-changes")

    task.config("dr_mode", "cold")
    gone = {name for name, step in task.steps().items() if step == "delete"}
    assert gone == {
        "shop-task", "shop-task-events", "shop-instance", "shop-instance-events",
        "shop-latency-source", "shop-latency-target", "shop-memory", "shop-storage",
    }  # fmt: skip
    task.up()
    task.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert [name for name in task.state() if name.startswith("shop")] == []


def test_another_authority_is_there_before_its_endpoint_asks_by_it_and_the_old_one_goes_last(live: LiveStack) -> None:
    task = of_the_page(live)
    task.config("dr_mode", "cold")  # nothing runs, so nothing has to stop
    task.up()
    before = task.state()["shop-target"]["outputs"]["certificateArn"]
    task.config("target", json.dumps({**TARGET, "tls_ca": PEM.replace("MIIB", "MIIC")}))
    said = task.up()
    order = [re.search(rf"{kind} +shop-target {does}", said) for kind, does in ROTATION]
    assert None not in order, said
    begins = [one.start() for one in order if one]
    assert begins == sorted(begins)
    found = {one["certificateId"]: one["certificateArn"] for one in live.memory.records_list(CERTIFICATE).values()}
    assert len(found) == 2, "one of each end"
    endpoint = live.memory.records_list("aws:dms/endpoint:Endpoint")["shop-target"]
    assert endpoint["certificateArn"] in found.values() and before not in found.values()
    task.up("--expect-no-changes")


def test_the_lab_takes_no_second_certificate_of_one_name_as_dms_takes_none(live: LiveStack) -> None:
    live.program("""
        import pulumi, pulumi_aws as aws
        pem = pulumi.Config().get("pem") or "one"
        aws.dms.Certificate("ours", certificate_id="ours", certificate_pem=pem)
    """)
    live.up()
    live.config("pem", "two")
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "ImportCertificate" in said and "ResourceAlreadyExistsFault: ours already exists" in said
    assert live.memory.records_list(CERTIFICATE)["ours"]["certificatePem"] == "one"
