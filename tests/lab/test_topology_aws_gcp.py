"""Topology aws-gcp on the real engine and on machines: the clouds are joined, a database follows, nodes come and go.

One story on one box: each test goes on where the one before it ended.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.client import Client
from lab.operator.desk import Desk
from lab.scenes.aws_gcp import SCENE, application, primary, standby, writers
from lab.story import Tour

from .box_world import eventually
from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import PATHS, needs_a_box

pytestmark = needs_a_box

NODE = "gke-twinsite-system-0"
AUTHORITY = "/etc/ssl/certs/ca-certificates.crt"
SET_UP = """
import json, sys
job = json.load(sys.stdin)
job["spec"]["backoffLimit"] = 0
job["spec"]["template"]["spec"]["containers"][0]["args"] = ["python3", "-m", "logical", "set-up", "--wait", "120"]
print(json.dumps(job))
"""
RESTORE = ("twinsite", "--stack", SCENE.stack, "restore", "--json")
HOLD_SECONDS = 30
"""Of BGP, as the program asks."""
SLOW_SECONDS = 120
"""For a machine that is slow."""


class Pair(Provisioned):
    """Stack gcp, the owner of what is at AWS, and somebody with a shell on a node at Google."""

    def box(self, method: str, **params: Any) -> Any:
        return Client(PATHS.socket).call(method, **params)

    @property
    def sessions(self) -> dict[str, dict[str, Any]]:
        """Of each end, of both clouds."""
        found = self.box("status")["tunnels"]
        return {end: said for router in found.values() for end, said in router.items()}

    def up(self) -> int:
        """How many ends have a session."""
        return sum(said["state"] == "Established" for said in self.sessions.values())

    def all_up(self) -> bool:
        return (len(self.sessions), self.up()) == (8, 8)

    def reaches(self, address: str, port: int) -> bool:
        """Whether the node gets as far as a connection."""
        script = f"timeout 3 bash -c 'echo > /dev/tcp/{address}/{port}' 2>/dev/null && echo yes || echo no"
        return self.on(NODE, script).strip() == "yes"

    def at_rds(self, statement: str) -> str:
        """As the tables' owner, from the node and through the VPN, with the certificate's name verified."""
        password = Desk(PATHS, live=True).passwords()["owner"]
        way = f"host={primary.DATABASE_HOST} dbname={primary.DATABASE} user={primary.OWNER} sslmode=verify-full"
        return self.on(
            NODE, f'PGPASSWORD={password} psql -X -A -t -q -c "{statement}" "{way} sslrootcert={AUTHORITY}"'
        ).strip()

    def owner_at_rds(self) -> str:
        """What RDS says to a write of the tables' owner; "" where it is taken."""
        return writers.refusal(Client(PATHS.socket))

    def agents(self) -> dict[str, tuple[str | None, int | None]]:
        """Role and epoch by site, as `twinsite status` has them."""
        found = self.json("twinsite", "--stack", self.stack, "status", "--json")
        return {one["site"]: (one["role"], one["epoch"]) for one in found["agents"]}

    def claim(self, site: str) -> int:
        """Two of three registers name a site from now on; its epoch."""
        found = self.json("twinsite", "--stack", self.stack, "status", "--json")["writer"]["registers"]
        places = [f"{one['place']}={primary.REGION if one['place'].startswith('s3:') else ''}" for one in found]
        return int(self.must("python", "-m", "tests.lab.claim_writer", site, *places))

    def writer_at_alb(self) -> int:
        """What AWS' load balancer says of /writer."""
        return writers.at_alb(Tour(), "/writer")

    def at_cloud_sql(self, statement: str) -> str:
        (record,) = self.box("records_list", token="gcp:sql/databaseInstance:DatabaseInstance").values()
        rows = self.box(
            "postgres",
            machine=record["__machine"],
            user="cloudsqladmin",
            password=record["__password"],
            statements=[statement],
            database=primary.DATABASE,
        )
        return "\n".join("|".join(row) for row in rows)


@pytest.fixture(scope="module")
def pair(one_lab: OneLab) -> Iterator[Pair]:
    one_lab.up(SCENE.topology)
    made = Pair(SCENE.stack)
    yield made
    one_lab.spoil()


def test_the_clouds_are_joined_from_what_the_program_asks_for(pair: Pair) -> None:
    pair.must("pulumi", "config", "set", "dr_mode", "cold", "--stack", pair.stack)
    pair.pulumi("up", "--yes", "--skip-preview")
    assert pair.sessions == {}
    primary.let_in(Client(PATHS.socket), pair.pulumi("stack", "output", "aws_security_group_id").strip())
    pair.must("pulumi", "config", "set", "dr_mode", "pilot-light", "--stack", pair.stack)
    began = time.monotonic()
    pair.pulumi("up", "--yes", "--skip-preview")
    took = time.monotonic() - began
    late = eventually(pair.all_up, 30, "four sessions, seen from both clouds")
    print(f"cold to pilot-light in {took:.0f} s, 4 x BGP {late:.1f} s later")


def test_a_node_reaches_the_database_at_aws_and_nothing_else_there(pair: Pair) -> None:
    assert pair.at_rds("SELECT 1") == "1"
    assert pair.reaches("10.31.0.3", 5432)
    assert not pair.reaches(primary.NODE_ADDRESS, 22)
    assert not pair.reaches(primary.SERVER_ADDRESS, 22)


def test_rows_follow_through_the_tunnels(pair: Pair) -> None:
    kubectl = f"kubectl --context={standby.CONTEXT} -n crm"
    made = f"{kubectl} create job by-hand --from=cronjob/logical-twinsite --dry-run=client -o json"
    pair.must("sh", "-c", f"{made} | python3 -c '{SET_UP}' | {kubectl} create -f -")

    def done() -> str:
        status = json.loads(pair.must("sh", "-c", f"{kubectl} get job by-hand -o json"))["status"]
        return str((status.get("conditions") or [{"type": ""}])[0]["type"])

    eventually(lambda: done() in ("Complete", "Failed"), 120, "the job's end")
    said = pair.must("sh", "-c", f"{kubectl} logs job/by-hand")
    assert done() == "Complete", said
    pair.at_rds("INSERT INTO customers (key, name, email, site) VALUES ('one', 'Ada', 'ada@example.com', 'aws')")
    eventually(lambda: pair.at_cloud_sql("SELECT name FROM customers") == "Ada", 20, "the row at Google")


def test_a_key_is_changed_and_the_other_tunnels_stay_up(pair: Pair) -> None:
    pair.must("pulumi", "config", "set", "--path", "psk_generations.tunnel-3", "2", "--stack", pair.stack)
    began = time.monotonic()
    pair.pulumi("up", "--yes", "--skip-preview")
    eventually(pair.all_up, 30, "four sessions again")
    young = {end for end, said in pair.sessions.items() if said["up_seconds"] < time.monotonic() - began}
    assert len(young) == 2, "one tunnel's two ends"
    assert "twinsite-tunnel-3" in young


def test_a_pool_that_is_resized_gets_nodes_and_loses_them(pair: Pair) -> None:
    words = ("python", "-m", "tests.lab.gke_resize", standby.PROJECT, "asia-northeast3", "twinsite", "serving")
    for nodes in (1, 0):
        pair.must(*words, str(nodes))
        names = {one["id"]: one["booted"] for one in pair.box("status")["machines"]}
        assert names.get("gke-twinsite-serving-0", False) == bool(nodes)
    assert names[NODE]


def test_with_all_tunnels_cut_the_route_goes_and_rows_follow_after_their_return(pair: Pair) -> None:
    ends = [end for end in pair.sessions if end.startswith("twinsite-tunnel-")]
    for end in ends:
        pair.box("cut", id=end, down=True)
    assert not pair.reaches(primary.SERVER_ADDRESS, 5432)
    eventually(lambda: pair.up() == 0, HOLD_SECONDS + 20, "the end of all sessions")
    for end in ends:
        pair.box("cut", id=end, down=False)
    again = eventually(pair.all_up, 40, "four sessions")
    pair.at_rds("INSERT INTO customers (key, name, email, site) VALUES ('two', 'Bob', 'bob@example.com', 'aws')")
    late = eventually(lambda: "Bob" in pair.at_cloud_sql("SELECT name FROM customers"), 30, "the row at Google")
    print(f"4 x BGP {again:.1f} s after the tunnels' return, rows {late:.1f} s later")


def test_an_agent_at_each_site_says_who_it_is_by_three_registers(pair: Pair) -> None:
    expected = {primary.SITE: ("writer", 0), standby.SITE: ("reader", 0)}
    eventually(lambda: pair.agents() == expected, SLOW_SECONDS, "both agents' words")
    eventually(lambda: pair.writer_at_alb() == 200, SLOW_SECONDS, "/writer at AWS, by its agent")
    assert pair.owner_at_rds() == ""


def test_a_gate_whose_agent_was_killed_shuts_and_a_site_that_returns_after_a_failover_stays_shut(pair: Pair) -> None:
    kubectl = ("kubectl", f"--context={primary.CONTEXT}", "-n", application.NAMESPACE)
    pods = json.loads(pair.must(*kubectl, "get", "pods", "-o", "json"))["items"]
    (pod,) = [one["metadata"]["name"] for one in pods if one["metadata"]["name"].startswith(f"{application.AGENT}-")]
    pair.on("aws-node", f"sudo systemctl kill --signal=KILL pod-{pod}")
    pair.must(*kubectl, "scale", "deployment", application.AGENT, "--replicas=0")
    late = eventually(lambda: bool(pair.owner_at_rds()), writers.CLOSES_SECONDS + SLOW_SECONDS, "the end of its lease")
    assert "this site has no lease" in pair.owner_at_rds()
    epoch = pair.claim(standby.SITE)
    pair.must(*kubectl, "scale", "deployment", application.AGENT, "--replicas=1")
    returned = {primary.SITE: ("reader", epoch)}.items()
    eventually(lambda: returned <= pair.agents().items(), SLOW_SECONDS, "AWS' agent has read the higher epoch")
    assert "this site has no lease" in pair.owner_at_rds()
    assert pair.writer_at_alb() == 503
    assert pair.claim(primary.SITE) > epoch
    again = eventually(lambda: not pair.owner_at_rds(), SLOW_SECONDS, "AWS writes again")
    print(f"shut {late:.1f} s after the kill; {again:.1f} s from the registers' word to the owner's next write")


def test_a_backup_is_restored_at_google_when_the_flow_is_gone(pair: Pair) -> None:
    """By the commands that a person types; nothing goes over rows."""
    kubectl = f"kubectl --context={primary.CONTEXT} -n crm"
    pair.must("sh", "-c", f"{kubectl} create job whole --from=cronjob/postgres-backup")

    def done() -> str:
        status = json.loads(pair.must("sh", "-c", f"{kubectl} get job whole -o json"))["status"]
        return str((status.get("conditions") or [{"type": ""}])[0]["type"])

    eventually(lambda: done() in ("Complete", "Failed"), 180, "the backup's end")
    assert done() == "Complete", pair.must("sh", "-c", f"{kubectl} logs job/whole")
    pair.must("pulumi", "config", "set", "replication", "taken-away", "--stack", pair.stack)
    pair.pulumi("up", "--yes", "--skip-preview")
    asked = "SELECT md5(string_agg(c::text, ';' ORDER BY id)) FROM customers c"
    refused = pair.json(*RESTORE)
    assert refused["verdict"] == "refused" and "is not empty" in refused["problems"][0]
    pair.at_cloud_sql("DROP TABLE customers CASCADE")
    began = time.monotonic()
    found = pair.json(*RESTORE)
    took = time.monotonic() - began
    assert found["verdict"] == "passed", found["problems"]
    assert found["figures"]["restored_rows"] == int(pair.at_rds("SELECT count(*) FROM customers"))
    assert pair.at_cloud_sql(asked) == pair.at_rds(asked)
    print(f"restored and proved in {took:.0f} s")
