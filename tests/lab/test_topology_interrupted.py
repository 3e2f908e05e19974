"""Ctrl-C during `pulumi up` on machines: the next one goes on from there, and nothing exists twice."""

import json
import os
import random
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lab.client import Client
from lab.paths import TREE

from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import PATHS, needs_a_box

pytestmark = [needs_a_box, pytest.mark.alone]  # for the modules after it, whose stack it makes

UP = ("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive")
EARLY = random.Random(3).randint(2, 12)
"""How many resources are there at the early moment."""


def interrupted_up(moment: Callable[[str], Any]) -> str:
    """`pulumi up` in a process group of its own, as a shell starts it, with Ctrl-C at the first line of `moment`."""
    running = subprocess.Popen(
        [TREE / "scripts" / "lab", "exec", "--", *UP],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    said = []
    for line in running.stdout:
        said.append(line)
        if moment(line):
            os.killpg(running.pid, signal.SIGINT)
            break
    said.append(running.communicate(timeout=120)[0])
    assert running.returncode != 0, "the moment never came:\n" + "".join(said)
    return "".join(said)


def state(stack: Provisioned) -> list[dict[str, Any]]:
    """Resources of the stack's state, in which nothing is pending."""
    deployment = json.loads(stack.pulumi("stack", "export"))["deployment"]
    assert deployment.get("pending_operations", []) == []
    found: list[dict[str, Any]] = deployment["resources"]
    return found


def twice_or_unknown(stack: Provisioned) -> list[str]:
    """What exists in the cloud and not in the state, or the reverse. EC2 makes some things with a VPC, by itself."""
    known: dict[str, set[str]] = {}
    for one in state(stack):
        if one["type"].startswith("aws:"):
            known.setdefault(one["type"], set()).add(one["id"])
    by_ec2 = {
        one["outputs"][name]
        for one in state(stack)
        if one["type"] == "aws:ec2/vpc:Vpc"
        for name in ("mainRouteTableId", "defaultSecurityGroupId")
    }
    box = Client(PATHS.socket)
    exist = {kind: set(box.call("records_list", token=kind)) - by_ec2 for kind in known}
    assert any(exist.values()), "the box keeps records of what exists"
    return [f"{kind}: {exist[kind] ^ ids}" for kind, ids in known.items() if exist[kind] and exist[kind] != ids]


def test_each_interrupted_up_goes_on_in_the_next_and_nothing_exists_twice(site: Provisioned, one_lab: OneLab) -> None:
    """Three in a row, each further than the one before, then one that is left alone."""
    created = Counter[str]()

    def early(line: str) -> bool:
        created["done"] += bool(re.search(r" created \(", line))
        return created["done"] >= EARLY

    def boot(line: str) -> bool:
        return bool(re.search(r"aws:ec2:Instance .* creating", line))

    def gate(line: str) -> bool:
        return "onprem-aws-tunnel-gate creating" in line

    for moment in (early, boot, gate):
        said = interrupted_up(moment)
        assert "^C received; cancelling" in said
        assert twice_or_unknown(site) == []
    site.pulumi("up", "--yes", "--skip-preview")
    assert twice_or_unknown(site) == []
    kinds = Counter(one["type"] for one in state(site))
    assert (kinds["aws:ec2/instance:Instance"], kinds["aws:ebs/volume:Volume"], kinds["aws:ec2/vpc:Vpc"]) == (2, 1, 1)
    assert site.json("twinsite", "status", "--json")["problems"] == []
    site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    one_lab.uses.add("dev is up")  # as good as any: whoever wants it need not make another
