"""On the real engine: a record waits for the latch's checks in its hook, and does not exist before they settle."""

from pathlib import Path

from tests.engine.conftest import Stack

TREE = Path(__file__).resolve().parents[2]

PROGRAM = f"""
    import sys, pathlib
    sys.path.insert(0, {str(TREE)!r})
    import pulumi, pulumi_aws as aws
    from twinsite import GateMode
    from twinsite.traffic import settling

    asked = pathlib.Path("asked")
    config = pulumi.Config()

    async def look(name):
        asked.open("a").write(name + "\\n")
        times = len(asked.read_text().split())
        return {{settling.CLEAR_ADDRESS if times > config.require_int("settles_after") else settling.SET_ADDRESS}}

    async def ask(url):
        return False

    settling.resolve, settling.is_there, settling.PAUSE_SECONDS = look, ask, 0.01
    settling.settled.__kwdefaults__.update(pause_seconds=0.01)
    check = aws.route53.HealthCheck("check", type="HTTPS", fqdn=config.get("host") or "one.example.com", port=443,
        resource_path="/latch/dr", request_interval=config.get_int("interval") or 10, failure_threshold=1)
    urls = pulumi.Output.from_input(["https://one.example.com/latch/dr"])
    gate = GateMode(config.get("gate") or "wait")
    wait = settling.settling("l", "latch-witness.example.com", urls, gate, deadline_seconds=0.5)
    hooks = pulumi.ResourceHookBinding(before_create=[wait], before_update=[wait])
    aws.route53.Record("name", zone_id="Z0PUBLIC", name="dr.example.com", type="A", records=["192.0.2.9"],
        ttl=config.get_int("ttl") or 60, set_identifier="primary", failover_routing_policies=[{{"type": "PRIMARY"}}],
        health_check_id=check.id, opts=pulumi.ResourceOptions(hooks=hooks))
"""


def looks(stack: Stack) -> int:
    """How often the witness was looked at since the last call. Never the record's own name: a resolver would remember
    that it is not there, for the zone's negative TTL."""
    asked = stack.folder / "asked"
    names = asked.read_text().split() if asked.exists() else []
    assert set(names) <= {"latch-witness.example.com"}
    asked.unlink(missing_ok=True)
    return len(names)


def test_a_record_waits_until_the_witness_is_clear_and_only_when_its_check_is_new(stack: Stack) -> None:
    stack.program(PROGRAM)
    stack.config("settles_after", "3")
    stack.must("preview")
    assert looks(stack) == 0, "a preview must not look"
    stack.up()
    assert looks(stack) == 4
    stack.up("--expect-no-changes")
    stack.config("ttl", "30")
    stack.up()
    assert looks(stack) == 0, "another TTL has nothing to wait for"
    stack.config("interval", "30")  # replaces the check, so the record gets another one
    stack.up()
    assert looks(stack) == 4


def test_a_record_is_not_created_while_the_checks_do_not_settle(stack: Stack) -> None:
    stack.program(PROGRAM)
    stack.config("settles_after", "1000000")
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "latch-witness.example.com still resolves to 192.0.2.2" in said
    assert "name" not in stack.state()
    assert "check" in stack.state()


def test_a_handed_over_gate_warns_and_goes_on(stack: Stack) -> None:
    stack.program(PROGRAM)
    stack.config("settles_after", "1000000")
    stack.config("gate", "handover")
    assert "not waited for latch-witness.example.com to be clear, because gate is handover" in stack.up()
    assert "name" in stack.state()
    assert looks(stack) == 0
