"""What status says of the agents that hold databases' gates: role, epoch, lease; silence and their own problems."""

import datetime
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from operations.amazon import Refused
from operations.google import GoogleError
from operations.subjects import writer_agents
from tests.clouds_world import Clouds
from tests.writer_registers import MemoryRegister
from twinsite.guest.writer.agent import Agent
from twinsite.guest.writer.database import DatabaseGate
from twinsite.inventory import Agent as Named

from .test_status_clouds import seen

BOTH = (
    Named("aws", "twinsite-writer", "crm", "eks", "s3://crm-writer/agent-aws.json"),
    Named("gcp", "twinsite-writer", "crm", "", "gs://crm-writer/agent-gcp.json"),
)
GOOGLE = "storage/storage/v1/b/crm-writer/o/agent-gcp.json"


def said(seconds_ago: float = 10, **change: Any) -> dict[str, Any]:
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
    return {
        "version": 1, "at": at.strftime(writer_agents.STAMP), "site": "aws", "role": "writer", "epoch": 3,
        "lease_seconds": 27.5, "has_data": True, "why": "", "problems": [], **change,
    }  # fmt: skip


READS = {"role": "reader", "lease_seconds": 0.0, "why": "aws is named for epoch 3: 2 of 3 have to name gcp"}


def world(aws: Any, gcp: Any) -> Clouds:
    clouds = Clouds()
    clouds.s3["s3:GetObject"] = (
        aws if isinstance(aws, Exception) else lambda given: {"Body": io.BytesIO(json.dumps(aws).encode())}
    )
    if gcp is not None:
        clouds.google[GOOGLE] = gcp
    clouds.inventory = replace(clouds.inventory, agents=BOTH)
    return clouds


def problems(aws: Any, gcp: Any) -> list[str]:
    """Of what each agent said, or of what says it now: a table is made long before its tests run."""
    aws, gcp = (one() if callable(one) else one for one in (aws, gcp))
    return [one for one in seen(world(aws, gcp)).problems() if "pool serving" not in one]


def test_role_epoch_and_lease_are_shown_for_each_site() -> None:
    found = seen(world(said(), said(**READS)))
    assert found.problems() == []
    shown = found.shown()["agents"]
    assert [(one["site"], one["role"], one["epoch"], one["lease_seconds"]) for one in shown] == [
        ("aws", "writer", 3, 27.5),
        ("gcp", "reader", 3, 0.0),
    ]
    text = found.text()
    assert "agent    aws              writer, epoch 3, lease 27.5 s, said" in text
    assert "agent    gcp              reader, epoch 3, said" in text and "2 of 3 have to name gcp" in text
    assert "agents" not in seen(Clouds()).shown()


@pytest.mark.parametrize(
    ("aws", "gcp", "words"),
    [
        (lambda: said(400), lambda: said(**READS), "the agent of aws has said nothing for"),
        (said, None, "the agent of gcp has never said anything"),
        (Refused("NoSuchKey", "gone"), lambda: said(**READS), "the agent of aws has never said anything"),
        (Refused("AccessDenied", "no"), lambda: said(**READS), "what the agent of aws says cannot be read"),
        (said, GoogleError("no answer"), "what the agent of gcp says cannot be read"),
        (lambda: said(version=2), lambda: said(**READS), "s3://crm-writer/agent-aws.json is none of an agent's"),
        (
            lambda: said(problems=["register x: no answer"]),
            lambda: said(**READS),
            "the agent of aws: register x: no answer",
        ),
    ],
)
def test_what_is_wrong_is_told_with_where_to_look(aws: Any, gcp: Any, words: str) -> None:
    (found,) = problems(aws, gcp)
    assert words in found
    if "nothing" in words or "never" in words:
        assert "logs deploy/twinsite-writer`" in found


def test_what_an_agent_writes_is_what_status_reads() -> None:
    gate = DatabaseGate.__new__(DatabaseGate)
    gate.seen, gate._given = None, None
    agent = Agent("aws", "aws", [MemoryRegister() for _ in range(3)], gate)
    told = writer_agents.parse(json.loads(json.dumps(agent.known())))
    assert (told.role, told.epoch, told.lease_seconds) == ("reader", -1, 0.0)
    assert told.why == "no register has been asked"
