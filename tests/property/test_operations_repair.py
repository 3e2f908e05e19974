"""Whatever is wrong: repair never acts where it cannot see, never touches the source's data, never copies unasked."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operations import host_facts
from operations.guest import GUEST, Reports
from operations.repair.actions import Apply, Empty, Initiate, Reseed, Terminate
from operations.repair.plan import UNKNOWN, GatewaySas, Own, Sa, plan
from tests.operations_world import GATEWAYS, INVENTORY, reports

states = st.sampled_from(["ESTABLISHED", "CONNECTING", "DELETING", "INSTALLED", "REKEYED"])
sas = st.lists(
    st.builds(Sa, st.integers(1, 9), states, st.integers(1, 9)), max_size=4, unique_by=lambda sa: sa.unique_id
)
looks = st.builds(GatewaySas, sas.map(tuple), sas.map(tuple), st.sampled_from(["", "link-down"]))


COMPLAINT = {"what": "sync_binlog", "problem": "sync_binlog is 0", "fix": "run `twinsite repair`", "mends": "apply"}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, str]]:
    world = reports()
    for host in GATEWAYS:
        report = world[host, "gateway"]
        report["problem"] = draw(st.sampled_from(["", "error: connection refused"]))
        report["ike"] = [{"state": draw(states)} for _ in range(draw(st.integers(0, 2)))]
        report["children"] = [{"state": draw(states)} for _ in range(draw(st.integers(0, 3)))]
        report["crossing"] = {"ok": draw(st.booleans()), "rtt_ms": None}
        report["guard"] = {"rules": draw(st.booleans()), "blackholes": ["10.20.0.0/16"]}
    replica = world["onprem-database", "database"]
    replica["receiver"]["state"] = draw(st.sampled_from(["ON", "OFF", "CONNECTING"]))
    replica["receiver"]["error_number"] = draw(st.sampled_from([0, 1236, 2003, 13114]))
    replica["applier"] = draw(
        st.sampled_from([{"state": "ON", "error": ""}, {"state": "OFF", "error": "1062 duplicate"}])
    )
    replica["super_read_only"] = draw(st.booleans())
    source = world["aws-source", "database"]
    source["super_read_only"] = draw(st.booleans())
    # What its role would mend by `apply`: only a source that says so is ever sent one.
    source["problems"] = draw(st.sampled_from([[], [COMPLAINT]]))
    source["problem"] = draw(st.sampled_from(["", "mysqld does not answer"]))
    gone = draw(st.sets(st.sampled_from([host.name for host in INVENTORY.hosts])))
    for place in list(world):
        if place[0] in gone:
            del world[place]
    return world, dict.fromkeys(gone, "timed out")


UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
owns = st.sampled_from([Own((f"{UUID}:5",), "FLUSH TABLES"), Own((f"{UUID}:5",), "", "rows"), UNKNOWN])
words = st.frozensets(st.sampled_from(["reseed", "empty-transactions"]))
errants = st.sampled_from([{"onprem-database": ""}, {"onprem-database": None}, {"onprem-database": "uuid:5"}])


@given(worlds(), st.fixed_dictionaries(dict.fromkeys(GATEWAYS, looks)), errants, words, owns)
def test_a_repair_is_careful(
    seen: tuple[dict[tuple[str, str], dict[str, Any]], dict[str, str]],
    closely: dict[str, GatewaySas],
    errant: dict[str, str | None],
    confirmed: frozenset[str],
    own: Own,
) -> None:
    world, gone = seen
    closely = {host: look for host, look in closely.items() if host not in gone}
    repair = plan(
        host_facts.read(INVENTORY, Reports(world, gone)), closely, errant, confirmed, {"onprem-database": own}
    )
    for action in repair.actions:
        assert action.host not in gone, "nothing is done on a host that does not answer"
        what = "on the source only its own role, or empty transactions"
        assert action.host != "aws-source" or isinstance(action, (Empty, Apply)), what
        assert not isinstance(action, Apply) or action.command[0] == GUEST
        fenced = world.get(("aws-source", "database"), {}).get("super_read_only")
        assert action.host != "aws-source" or not fenced, "applying its role would open a source that was fenced"
        assert not isinstance(action, Empty) or ("empty-transactions" in confirmed and not own.holds)
        assert not isinstance(action, Reseed) or "reseed" in confirmed
        assert not isinstance(action, Initiate) or action.host == "onprem-gateway", "one end initiates"
    if any(host in gone for host in GATEWAYS):
        tunnel = (Initiate, Terminate, Apply)
        assert not [action for action in repair.actions if isinstance(action, tunnel) and action.host in GATEWAYS]
    # What is done or refused was found and said.
    assert repair.found or repair.refused or not repair.actions
    assert all("`" in words or "bring it back first" in words or "never undoes" in words for words in repair.refused)


@given(worlds(), st.fixed_dictionaries(dict.fromkeys(GATEWAYS, looks)), errants)
def test_a_plan_is_the_same_each_time(
    seen: tuple[dict[tuple[str, str], dict[str, Any]], dict[str, str]],
    closely: dict[str, GatewaySas],
    errant: dict[str, str | None],
) -> None:
    world, gone = seen
    known = host_facts.read(INVENTORY, Reports(world, gone))
    assert plan(known, closely, errant) == plan(known, closely, errant)
