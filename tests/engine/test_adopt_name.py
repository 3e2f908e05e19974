"""`twinsite adopt-name` on the real engine: a live name becomes a pair in one batch, and is put back by `destroy`.

Route 53 is the lab's, over HTTP with boto3 as the client (AWS_ENDPOINT_URL_ROUTE_53).
"""

import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.services.route53_api import Route53
from lab.services.signature import Request
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN
from operations.adopt import command
from operations.adopt.project import PREVIOUS, Project
from operations.console import Plain
from operations.web import page
from tests.engine.conftest import LiveStack
from twinsite.hosted_zone import HostedZone

TREE = Path(__file__).resolve().parents[2]
ALB, NAME, ZONE = "shop-1.ap-northeast-2.elb.amazonaws.com", "www.example.com", "Z0PUBLIC"

PROGRAM = f"""
    import json, sys
    sys.path.insert(0, {str(TREE)!r})
    import pulumi, pulumi_aws as aws, twinsite
    from twinsite import Route53FailoverPair
    from twinsite.traffic.previous import putting_back
    from twinsite.traffic.settling import beside_others

    config = pulumi.Config()
    dual = not config.get_bool("without_ipv6")

    class Latch(twinsite.Latch):
        def __init__(self):
            pulumi.ComponentResource.__init__(self, "twinsite:index:Latch", "latch", {{}})
            child = pulumi.ResourceOptions(parent=self)
            clear = aws.route53.HealthCheck("clear", type="HTTPS", fqdn="one.example.net", opts=child).id
            shown = aws.route53.HealthCheck("set", type="HTTPS", fqdn="two.example.net", opts=child)
            urls = [config.require("latch")]
            leave = putting_back("latch", "{ZONE}", json.loads(config.get("previous_records") or "{{}}"),
                                 pulumi.Output.from_input(urls))
            self.hooks = pulumi.ResourceHookBinding(before_delete=[leave], on_error=[beside_others("latch")])
            witness = "latch-witness.example.com"
            self.handle = {{"label": "latch", "objects": [], "urls": urls, "witness_name": witness,
                           "clear_check_id": clear, "set_check_id": shown.id,
                           "present_check_ids": [shown.id], "absent_check_ids": [], "store_check_ids": []}}
            pulumi.ComponentResource.register_outputs(self, {{"witness_name": witness, "urls": urls}})

    if not config.get_bool("without_names"):
        Route53FailoverPair("www", {{
            "fqdn": "{NAME}", "zone_id": "{ZONE}", "stateful": True, "latch": Latch(),
            "primary": {{"dns_name": "{ALB}", "zone_id": "ZWKZPGTI48KDX", "has_ipv6": dual}},
            "primary_check": {{"host": "app.example.com", "path": "/shop/", "text": "aws"}},
            "secondary": {{"ipv4": "203.0.113.9", **({{"ipv6": "2001:db8::9"}} if dual else {{}})}},
            "secondary_check": {{"host": "{NAME}", "address": "203.0.113.9", "path": "/shop/", "text": "azure"}},
        }})
    else:
        Latch()
"""
SIMPLE = {
    "zoneId": ZONE, "name": NAME, "fqdn": NAME, "type": "A",
    "aliases": [{"name": f"dualstack.{ALB}", "zoneId": "ZWKZPGTI48KDX", "evaluateTargetHealth": True}],
}  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    """Route 53's API, and the latch's object, which is not there unless `latched`."""

    def __init__(self, live: LiveStack) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        memory = live.memory
        self.api = Route53(memory.records_list, memory.records_change)
        self.latched = False
        self.batches = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *words: Any) -> None:
        return

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/latch/dr":
            self.send_response(200 if self.server.latched else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.batches += self.command == "POST"
        status, headers, answer = self.server.api.answer(Request(self.command, "", path, query, {}, body))
        self.send_response(status)
        for key, value in [*headers, ("Content-Length", str(len(answer)))]:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET


class Desk:
    """The stack after its first `up`, which stopped at the name that is live already."""

    def __init__(self, live: LiveStack, server: Server) -> None:
        self.live, self.server = live, server

    def world(self, **other: Any) -> command.World:
        found: dict[str, Any] = {
            "project": Project("test", self.live.folder),
            "zone": HostedZone,
            "resolve": lambda name: frozenset({"192.0.2.1"} if name == "latch-witness.example.com" else ()),
            "status": lambda url: page(url).status,
            "served": lambda name, balancer, path: "" if (balancer, path) == (ALB, "/shop/") else f"{balancer}{path}",
        }
        return command.World(**found | other)

    def adopt(self, only_plan: bool = False, **other: Any) -> dict[str, Any]:
        console = Plain(io.StringIO())
        return command.run(self.world(**other), NAME, console, only_plan, self.live.folder / "journal")

    def zone(self) -> list[tuple[str, str]]:
        records = self.live.memory.records_list(RECORD_TOKEN).values()
        return sorted((one["type"], one.get("setIdentifier", "")) for one in records if one["type"] == "A")

    def records_in_state(self) -> set[str]:
        state = self.live.state()
        return {name for name, one in state.items() if one["type"] == RECORD_TOKEN and name.endswith("-a")}


@pytest.fixture
def desk(live: LiveStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    server = Server(live)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    place = f"http://127.0.0.1:{server.server_address[1]}"
    live.desk.extra |= {
        "AWS_ENDPOINT_URL_ROUTE_53": place, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    live.memory.records_put(ZONE_TOKEN, ZONE, {"name": "example.com", "nameServers": []})
    live.memory.records_put(RECORD_TOKEN, f"{ZONE}_{NAME}_A", SIMPLE)
    live.program(PROGRAM)
    live.config("latch", f"{place}/latch/dr")
    for key, value in live.desk.environment().items():
        monkeypatch.setenv(key, value)
    code, said = live.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert code != 0
    assert "a simple record and a record with a routing policy exist" in said
    assert f"run `twinsite adopt-name {NAME}`" in said
    yield Desk(live, server)
    server.shutdown()
    server.server_close()


def test_a_live_name_is_adopted_in_one_batch_and_put_back_in_one_batch(desk: Desk) -> None:
    planned = desk.adopt(only_plan=True)
    assert planned["verdict"] == "passed"
    # AAAA had no record, so the first `up` may have made its pair already.
    assert [line for line in planned["plan"] if " AAAA " not in line] == [
        f"- {NAME} A alias dualstack.{ALB}.",
        f"+ {NAME} A PRIMARY alias {ALB}",
        f"+ {NAME} A SECONDARY 203.0.113.9 TTL 60",
    ]
    assert (desk.zone(), desk.server.batches) == ([("A", "")], 0)

    done = desk.adopt()
    assert (done["verdict"], done["problems"]) == ("passed", [])
    assert desk.zone() == [("A", "primary"), ("A", "secondary")]
    assert desk.server.batches == 1
    assert desk.records_in_state() == {"www-primary-a", "www-secondary-a"}
    before = json.loads(Path(done["evidence"]).read_text())
    assert [one["AliasTarget"]["DNSName"] for one in before["sets"]] == [f"dualstack.{ALB}."]

    desk.live.up()
    desk.live.up("--expect-no-changes")
    assert desk.adopt()["next"] == [f"{NAME} is adopted already: nothing to do"]

    desk.server.latched = True
    code, said = desk.live.run("destroy", "--yes", "--skip-preview", "--run-program")
    assert code != 0
    assert "the latch is set" in said
    assert desk.zone() == [("A", "primary"), ("A", "secondary")], "users are at the standby, and stay there"
    desk.server.latched = False
    desk.live.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert desk.zone() == [("A", "")]
    assert desk.server.batches == 2
    (left,) = desk.live.memory.records_list(RECORD_TOKEN).values()  # and nothing of AAAA
    assert left["aliases"] == SIMPLE["aliases"]


def test_a_pair_that_only_loses_ipv6_stays(desk: Desk) -> None:
    assert desk.adopt()["verdict"] == "passed"
    desk.live.up()
    desk.live.config("without_ipv6", "true")
    desk.live.up()
    assert {one["type"] for one in desk.live.memory.records_list(RECORD_TOKEN).values()} == {"A"}
    assert desk.zone() == [("A", "primary"), ("A", "secondary")]
    desk.live.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert desk.zone() == [("A", "")]


def test_a_name_that_leaves_the_program_is_put_back(desk: Desk) -> None:
    assert desk.adopt()["verdict"] == "passed"
    desk.live.up()
    desk.live.config("without_names", "true")
    desk.live.up()
    assert desk.zone() == [("A", "")]


def test_what_the_program_still_wants_after_the_import_takes_everything_back(desk: Desk) -> None:
    class Other(Project):
        looks = 0

        def preview(self) -> list[dict[str, Any]]:
            self.looks += 1
            steps = super().preview()
            if self.looks > 1:
                return [{**one, "op": "update"} if one["urn"].endswith("www-primary-a") else one for one in steps]
            return steps

    done = desk.adopt(project=Other("test", desk.live.folder))
    assert done["verdict"] == "failed"
    assert "still wants changes: www-primary-a: update" in done["problems"][0]
    assert desk.zone() == [("A", "")]
    assert desk.records_in_state() == set()
    assert PREVIOUS not in desk.live.must("config", "--json")


def test_a_command_that_died_after_the_batch_goes_on_where_it_was(desk: Desk) -> None:
    class Dies(Project):
        def take(self, *arguments: Any) -> None:
            raise SystemExit(9)  # as a kill: nothing is undone

    with pytest.raises(SystemExit):
        desk.adopt(project=Dies("test", desk.live.folder))
    assert desk.zone() == [("A", "primary"), ("A", "secondary")]
    assert desk.records_in_state() == set()
    done = desk.adopt()
    assert (done["verdict"], done["plan"]) == ("passed", [])
    assert desk.server.batches == 1
    assert desk.records_in_state() == {"www-primary-a", "www-secondary-a"}
    kept = json.loads(json.loads(desk.live.must("config", "--json"))[f"live:{PREVIOUS}"]["value"])
    assert [one["Type"] for one in kept[NAME]] == ["A"]


def test_nothing_is_touched_when_it_is_refused(desk: Desk) -> None:
    desk.server.latched = True
    done = desk.adopt(resolve=lambda name: frozenset({"192.0.2.2"}))
    assert done["verdict"] == "refused"
    assert len(done["problems"]) == 2
    assert (desk.zone(), desk.server.batches) == ([("A", "")], 0)
    assert not (desk.live.folder / "journal").exists()
