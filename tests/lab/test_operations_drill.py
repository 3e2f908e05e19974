"""Drill and repair on the lab's machines: what only real machines can show. The five kinds of cut are in
test_topology_onprem_aws.py."""

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.sampling import sample

from .conftest import Provisioned
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.alone]

TOOLS = "/opt/twinsite/current/drill"
HOSTS = ("onprem-gateway", "aws-gateway", "aws-source", "onprem-database")


def eventually(what: str, seconds: float, check: Any) -> Any:
    """The first true answer of `check`, within a deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}; last seen: {found!r}"
        time.sleep(0.2)


def start(stack: Provisioned, *words: str) -> subprocess.Popen[str]:
    """A drill under way, once its cut is."""
    command = ["./scripts/lab", "exec", "--", "twinsite", "drill", "tunnel-cut", *words, "--json"]
    drill = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    eventually("the cut", 60, lambda: drill.poll() is not None or fault(stack)["active"])
    assert drill.poll() is None, drill.communicate()
    return drill


def fault(stack: Provisioned) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.on("onprem-gateway", f"sudo python3 {TOOLS}/fault.py status"))
    return found


def left(stack: Provisioned) -> list[str]:
    """Units of a drill that still run, on any host, its tables and its lock."""
    found = []
    for host in HOSTS:
        units = stack.on(
            host, "systemctl list-units --plain --no-legend 'twinsite-probe-*' 'twinsite-ledger-*' 'twinsite-row-*'"
        )
        found += [f"{host}: {line.split()[0]}" for line in units.splitlines() if line.strip()]
    schemas = stack.on("aws-source", "sudo mysql -Ne 'SHOW DATABASES'").split()
    found += [name for name in ("twinsite_drill", "testdb") if name in schemas]
    if stack.on("onprem-database", "sudo ls /var/lib/twinsite").split().count("lock.json"):
        found.append("the lock")
    return found


def healthy(stack: Provisioned) -> None:
    eventually("a healthy stack", 40, lambda: stack.json("twinsite", "status", "--json")["healthy"])


@pytest.mark.parametrize("number", sample([signal.SIGINT, signal.SIGTERM], in_ci=[signal.SIGTERM]))
def test_a_drill_that_is_stopped_in_the_cut_puts_everything_back(stack: Provisioned, number: signal.Signals) -> None:
    healthy(stack)
    drill = start(stack, "--seconds", "120")
    operator = stack.must("pgrep", "-f", "operations [d]rill tunnel-cut").split()[-1]
    stack.must("kill", f"-{number.value}", operator)
    stdout, stderr = drill.communicate(timeout=60)
    assert drill.returncode == 1, stderr
    result = json.loads(stdout)
    assert result["verdict"] == "failed"
    assert result["problems"] == ["interrupted; what had been done was undone"]
    assert fault(stack)["active"] is False
    assert left(stack) == []
    healthy(stack)


def test_a_killed_operator_leaves_a_cut_that_ends_itself_and_the_next_drill_cleans_up(stack: Provisioned) -> None:
    healthy(stack)
    drill = start(stack, "--seconds", "12")
    stack.must("kill", "-KILL", stack.must("pgrep", "-f", "operations [d]rill tunnel-cut").split()[-1])
    drill.communicate(timeout=60)
    eventually("the timer on the gateway", 20, lambda: not fault(stack)["active"])
    assert "the lock" in left(stack)
    result = stack.json("twinsite", "drill", "tunnel-cut", "--how", "terminate", "--settle", "2", "--json")
    assert result["verdict"] == "passed", json.dumps(result, indent=1)
    steps = {step["name"]: step["detail"] for step in result["steps"]}
    assert "whose process is gone" in steps["take the operation lock"]
    assert "twinsite-ledger-" in steps["look for what an earlier drill left"]
    assert left(stack) == []


def test_status_says_what_is_cut_and_repair_ends_it(stack: Provisioned) -> None:
    healthy(stack)
    stack.on("onprem-gateway", f"sudo python3 {TOOLS}/fault.py link-down --connection onprem-aws --seconds 120")
    found = eventually("the loss to show", 60, lambda: _unhealthy(stack))
    assert found["replicas"][0]["replica_io_running"] == "Connecting"
    assert found["replicas"][0]["seconds_behind_source"] is None
    assert any("onprem-aws" in problem for problem in found["problems"])
    repaired = stack.json("twinsite", "repair", "--json")
    assert repaired["verdict"] == "passed", json.dumps(repaired, indent=1)
    assert any("a drill's fault is active on onprem-gateway" in found for found in repaired["found"])
    healthy(stack)


def _unhealthy(stack: Provisioned) -> dict[str, Any] | None:
    found = stack.json("twinsite", "status", "--json")
    return found if found["replicas"][0]["receiver"] == "CONNECTING" and not found["tunnels"][0]["up"] else None


def test_the_sniffer_catches_clear_text_when_the_rules_are_taken_away(stack: Provisioned) -> None:
    healthy(stack)
    ranges = "--local-range 192.168.64.0/24 --remote-range 10.20.0.0/16"
    watch = f"--gateway onprem-aws --source 192.168.64.10 {ranges}"
    stack.on("onprem-gateway", f"sudo python3 {TOOLS}/probe.py start --id leak --seconds 120 {watch}")
    stack.on("onprem-gateway", "sudo systemctl stop strongswan")

    def leaked() -> int:
        lines = stack.on("onprem-gateway", "sudo cat /run/twinsite-probe/leak.jsonl").splitlines()
        looks = [json.loads(line) for line in lines if '"clear"' in line]
        return int(looks[-1]["count"])

    # The receiver tries to connect each second, through the gateway.
    stack.on("onprem-database", "timeout 3 ping -c 3 -i 0.5 10.20.1.10 || true")
    assert leaked() == 0
    stack.on("onprem-gateway", "sudo systemctl stop twinsite-gateway")
    assert eventually("clear packets", 15, leaked) > 0
    stack.on("onprem-gateway", f"sudo python3 {TOOLS}/probe.py stop --id leak")
    repaired = stack.json("twinsite", "repair", "--json")
    assert repaired["verdict"] == "passed", json.dumps(repaired, indent=1)
    healthy(stack)


def test_a_cut_cable_is_a_cut_like_any_other(stack: Provisioned) -> None:
    healthy(stack)
    result = stack.json(
        "twinsite", "drill", "tunnel-cut", "--seconds", "20", "--settle", "3", "--json",
        "--fault-command", "python -m lab.cli cut onprem-wan",
    )  # fmt: skip
    failed = [check for check in result["checks"] if not check["passed"]]
    assert failed == []
    assert result["verdict"] == "passed"


def test_repair_starts_what_a_person_stopped_and_nothing_else(stack: Provisioned) -> None:
    healthy(stack)
    stack.on("onprem-database", "sudo mysql -e 'STOP REPLICA'")
    planned = stack.json("twinsite", "repair", "--plan", "--json")
    assert planned["planned"] == ["start replication on onprem-database: stopped by hand"]
    repaired = stack.json("twinsite", "repair", "--json")
    assert [step["name"] for step in repaired["steps"]][2:4] == [
        "start replication on onprem-database",
        "see that it helped",
    ]
    again = stack.json("twinsite", "repair", "--json")
    assert (again["verdict"], again["found"], again["planned"]) == ("passed", [], [])


TWO = "CREATE DATABASE mine; CREATE TABLE mine.x (id INT)"
OWN = f"SET GLOBAL super_read_only = OFF; {TWO}; SET PERSIST super_read_only = ON"


def test_a_replica_with_transactions_of_its_own_is_copied_anew_only_on_a_persons_word(stack: Provisioned) -> None:
    healthy(stack)
    uuid = stack.on("onprem-database", "sudo mysql -Ne 'SELECT @@server_uuid'").strip()
    stack.on("onprem-database", f"sudo mysql -e '{OWN}'")
    refused = stack.json("twinsite", "repair", "--json")
    assert refused["verdict"] == "refused"
    assert refused["found"] == [f"onprem-database has transactions that its source has not: {uuid}:1-2"]
    assert "`twinsite repair --confirm reseed`" in refused["refused"][0]
    planned = stack.json("twinsite", "repair", "--plan", "--confirm", "reseed", "--json")
    assert planned["planned"] == [f"seed the replica again on onprem-database: confirmed; {uuid}:1-2 are given up"]
    assert "mine" in stack.on("onprem-database", "sudo mysql -Ne 'SHOW DATABASES'").split(), "nothing was done yet"
    repaired = stack.json("twinsite", "repair", "--confirm", "reseed", "--json")
    assert repaired["verdict"] == "passed", json.dumps(repaired, indent=1)
    assert "seed the replica again on onprem-database" in [step["name"] for step in repaired["steps"]]
    assert "mine" not in stack.on("onprem-database", "sudo mysql -Ne 'SHOW DATABASES'").split()
    status = stack.json("twinsite", "status", "--json")
    assert (status["problems"], status["replicas"][0]["super_read_only"]) == ([], True)
    again = stack.json("twinsite", "repair", "--json")
    assert (again["verdict"], again["found"]) == ("passed", [])


def test_only_one_operation_runs_at_a_time(stack: Provisioned) -> None:
    healthy(stack)
    drill = start(stack, "--seconds", "10", "--settle", "1")
    second = stack.json("twinsite", "drill", "tunnel-cut", "--json")
    drill.communicate(timeout=180)
    assert second["verdict"] == "refused"
    assert "holds the lock" in second["problems"][0]
    assert drill.returncode == 0
