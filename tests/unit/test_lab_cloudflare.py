"""Cloudflare of the lab: monitors against real origins, pools in an order, the edge that users reach, and its API as
operations ask it."""

import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.methods import wait_until
from lab.services.authority import Authority
from lab.services.cloudflare import ZONE
from lab.services.cloudflare.cloud import PROXIED_TTL_SECONDS, Cloudflare
from lab.services.cloudflare.model import BALANCER, MONITOR, NOTIFICATION, POOL, expects, monitor_of, most
from lab.services.cloudflare.probe import probe
from lab.services.http_proxy import Answer, Door, Question
from operations import cloudflare
from operations.doctor import cloudflare_account, cloudflare_rights, policies
from operations.subjects import cloud_pools
from tests.aws_gcp_world import INVENTORY
from tests.lab_google import at_real_names
from twinsite.needs import Cloudflare as Needs

ACCOUNT, ZONE_ID, FQDN = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", "crm.example.com"
TOKEN, EDGE, MONITORS = "token-of-the-desk", "198.51.100.72", ("198.51.100.73", "198.51.100.74", "198.51.100.75")
HOSTS = {"aws": "crm-aws.example.com", "gcp": "crm-gcp.example.com", "notice": "notice.example.net"}
HURRY = 60.0
"""A monitor's 15 s are a quarter of a second here."""


class Origin:
    """A site behind TLS: what it answers, and from whom it was asked."""

    def __init__(self, site: str, authority: Authority) -> None:
        self.site, self.host = site, HOSTS[site]
        self.writer = site == "aws"
        self.goes_on = threading.Event()
        """Not set: it answers nobody."""
        self.goes_on.set()
        self.certificate = self.host
        self.asked: list[Question] = []
        self.door = Door(socket.create_server(("127.0.0.1", 0)), self.answer, lambda _: authority.context(self.named()))
        self.door.start()

    def named(self) -> str:
        return self.certificate

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        self.goes_on.wait()
        if self.site == "notice":
            return Answer(503, [], b"not served at the moment")
        if question.path == "/writer":
            return Answer(200, [], b"This Site may write") if self.writer else Answer(503, [], b"a reader")
        return Answer(200, [("Set-Cookie", "own=1")], f"page of {self.site}".encode())


class World:
    """Three origins at addresses that only this knows."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "origins")
        self.origins = {site: Origin(site, self.authority) for site in HOSTS}
        self.down: set[str] = set()
        self.sources: list[tuple[str, str]] = []
        self.records: dict[str, dict[str, Any]] = {
            ZONE: {ZONE_ID: {"name": "example.com", "account": ACCOUNT, "plan": "business"}},
            MONITOR: {}, POOL: {}, BALANCER: {}, NOTIFICATION: {},
        }  # fmt: skip
        for site, host in HOSTS.items():
            expected = {"path": "/writer", "expectedCodes": "200", "expectedBody": "this site may write"}
            if site == "notice":
                expected = {"path": "/", "expectedCodes": "503", "expectedBody": "not served"}
            self.records[MONITOR][f"m-{site}"] = {
                "accountId": ACCOUNT, "type": "https", "method": "GET", "port": 443.0, "header": {"Host": [host]},
                "interval": 15.0, "timeout": 3.0, "retries": 2.0, "consecutiveDown": 1.0, "consecutiveUp": 2.0,
                **expected,
            }  # fmt: skip
            self.records[POOL][f"id-{site}"] = {
                "accountId": ACCOUNT, "name": f"aws-gcp-{site}", "monitor": f"m-{site}", "minimumOrigins": 1.0,
                "checkRegions": ["NEAS"], "__made": 1.0,
                "origins": [{"name": site, "address": site, "enabled": True, "header": {"hosts": [host]}}],
            }  # fmt: skip
        self.records[BALANCER]["lb"] = {
            "zoneId": ZONE_ID, "name": FQDN, "proxied": True, "steeringPolicy": "off", "fallbackPool": "id-notice",
            "defaultPools": ["id-aws", "id-gcp", "id-notice"], "sessionAffinity": "cookie", "sessionAffinityTtl": 1800,
        }  # fmt: skip
        self.cloud = Cloudflare(
            TOKEN, lambda token: dict(self.records.get(token, {})), self.authority, self.connect, lambda name: name,
            EDGE, MONITORS, "198.51.100.53", HURRY,
        )  # fmt: skip
        self.user = Door(socket.create_server(("127.0.0.1", 0)), self.cloud.edge.handle, self.cloud.edge.certificate)
        self.user.start()
        self.trust = ssl.create_default_context(cafile=str(self.authority.certificate_path))

    def connect(self, address: str, port: int, seconds: float, source: str = "") -> socket.socket:
        self.sources.append((address, source))
        if address in self.down:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.origins[address].door.server_port), seconds)

    def page(self, path: str = "/", cookie: str = "", name: str = FQDN) -> tuple[int, str, str]:
        """(status, body, cookie of the edge's), as a user gets it."""
        plain = socket.create_connection(("127.0.0.1", self.user.server_port), 10)
        client = http.client.HTTPConnection(name)
        client.sock = self.trust.wrap_socket(plain, server_hostname=name)
        client.request("GET", path, headers={"Host": name} | ({"Cookie": cookie} if cookie else {}))
        answer = client.getresponse()
        found = [one for one in answer.headers.get_all("Set-Cookie") or [] if one.startswith("__cflb")]
        body = answer.read().decode()
        client.close()
        return answer.status, body, (found or [""])[0].partition(";")[0]

    def health(self, site: str) -> bool | None:
        return self.cloud.monitors.healthy(self.cloud.monitors.pools()[f"id-{site}"])

    def until(self, **wanted: bool) -> None:
        wait_until(lambda: {site: self.health(site) for site in wanted} == wanted, 60, str(wanted))

    def stop(self) -> None:
        for one in self.origins.values():
            one.goes_on.set()
        self.cloud.stop()
        for door in (self.user, *(one.door for one in self.origins.values())):
            door.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.stop()


# What a monitor calls well.


CASES: tuple[tuple[Callable[[World, Origin], Any], str], ...] = (
    (lambda world, origin: None, "No failures"),
    (lambda world, origin: setattr(origin, "writer", False), "Response code mismatch error"),
    (lambda world, origin: world.records[MONITOR]["m-aws"].update(expectedBody="else"), "Response body mismatch error"),
    (lambda world, origin: setattr(origin, "certificate", "other.example.com"), "TLS name mismatch"),
    (lambda world, origin: origin.goes_on.clear(), "HTTP timeout occurred"),
    (lambda world, origin: world.down.add("aws"), "TCP connection failed"),
)


@pytest.mark.parametrize(("change", "reason"), CASES, ids=[reason for _, reason in CASES])
def test_a_monitor_tells_what_is_wrong(world: World, change: Callable[[World, Origin], Any], reason: str) -> None:
    change(world, world.origins["aws"])
    hangs, asked = reason == "HTTP timeout occurred", [("aws", MONITORS[0])]
    # Who answers has as long as a slow machine needs; who never answers is waited for no longer than shows it.
    monitor = monitor_of({**world.records[MONITOR]["m-aws"], "timeout": 0.2 if hangs else 60.0})
    seen = probe(monitor, "aws", MONITORS[0], world.connect, lambda name: name, world.trust)
    assert seen.reason == reason
    assert world.sources == asked * (3 if hangs else 1), "what times out is asked again at once, and nothing else"


def test_a_certificate_of_nobody_is_refused_unless_the_monitor_does_not_look(world: World, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    trust = ssl.create_default_context(cafile=str(stranger.certificate_path))
    record = world.records[MONITOR]["m-aws"]
    ask = functools.partial(
        probe, address="aws", source="", connect=world.connect, resolve=lambda one: one, trust=trust
    )
    assert ask(monitor_of(record)).reason == "TLS untrusted certificate"
    assert ask(monitor_of({**record, "allowInsecure": True})).healthy


@pytest.mark.parametrize(
    ("codes", "status", "well"), [("200", 200, True), ("2xx", 204, True), ("200, 301", 301, True), ("2xx", 503, False)]
)
def test_expected_codes(codes: str, status: int, well: bool) -> None:
    assert expects(codes, status) is well


@pytest.mark.parametrize(
    ("opinions", "well"),
    [
        ({("A", 0): True, ("A", 1): True, ("A", 2): False}, True),
        ({("A", 0): True, ("A", 1): False, ("A", 2): False}, False),
        ({("A", 0): True, ("B", 0): False}, False),
        ({("A", 0): True, ("B", 0): True, ("C", 0): False, ("C", 1): False}, True),
    ],
)
def test_most_places_of_most_regions_decide(opinions: dict[tuple[str, int], bool], well: bool) -> None:
    assert most(opinions) is well


# Who gets users.


def test_users_go_to_the_first_pool_that_says_it_may_write_else_to_the_notice(world: World) -> None:
    assert world.page()[1] == "page of aws", "nobody has asked yet: a pool counts as well"
    world.cloud.start()
    world.until(aws=True, gcp=False, notice=True)
    assert world.page("/?a=1")[:2] == (200, "page of aws")
    world.origins["aws"].writer = False
    world.until(aws=False)
    assert world.page()[:2] == (503, "not served at the moment")
    world.origins["gcp"].writer = True
    world.until(gcp=True)
    assert world.page()[:2] == (200, "page of gcp")
    # The primary is back and may not write: nobody is led to it.
    world.down.add("aws")
    assert world.page()[:2] == (200, "page of gcp")


def test_with_no_pool_that_is_well_the_fallback_gets_users_whatever_it_is(world: World) -> None:
    world.origins["aws"].writer = False
    world.down.add("notice")
    world.cloud.start()
    world.until(aws=False, gcp=False, notice=False)
    assert world.page()[0] == 521


def test_a_cookie_keeps_a_user_where_it_was_while_that_is_well(world: World) -> None:
    world.origins["gcp"].writer = True
    world.origins["aws"].writer = False
    world.cloud.start()
    world.until(aws=False, gcp=True)
    _, body, cookie = world.page()
    assert body == "page of gcp" and cookie
    world.origins["aws"].writer = True
    world.until(aws=True)
    assert world.page()[1] == "page of aws"
    assert world.page(cookie=cookie)[1:] == ("page of gcp", ""), "no new cookie"
    world.origins["gcp"].writer = False
    world.until(gcp=False)
    assert world.page(cookie=cookie)[1] == "page of aws"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda world: world.down.add("aws"), 521),
        (lambda world: setattr(world.origins["aws"], "certificate", "other.example.com"), 526),
        (lambda world: world.records[BALANCER].clear(), 530),
        (lambda world: world.records[BALANCER]["lb"].update(enabled=False), 530),
    ],
)
def test_the_edge_says_what_an_origin_did(world: World, change: Callable[[World], Any], status: int) -> None:
    change(world)
    assert world.page()[0] == status


def test_an_origin_sees_its_own_host_the_users_address_and_cloudflares(world: World) -> None:
    world.page()
    seen = world.origins["aws"].asked[-1]
    assert (seen.host, seen.header("cf-connecting-ip"), seen.header("x-forwarded-proto")) == (
        HOSTS["aws"], "127.0.0.1", "https",
    )  # fmt: skip
    assert world.sources == [("aws", EDGE)]


def test_monitors_ask_from_three_places_at_their_own_addresses_and_cadence(world: World) -> None:
    world.cloud.start()
    asking = lambda: {source for site, source in world.sources if site == "gcp"}  # noqa: E731
    wait_until(lambda: asking() == set(MONITORS) and bool(world.origins["gcp"].asked), 60, "all three places")
    assert {seen.host for seen in world.origins["gcp"].asked} == {HOSTS["gcp"]}
    before, began = len(world.origins["gcp"].asked), time.monotonic()
    wait_until(lambda: len(world.origins["gcp"].asked) >= before + 12, 60, "twelve more")
    # Three places, each every 15 s divided by HURRY: a busy machine asks less often, and none oftener.
    assert time.monotonic() - began >= (12 / 3 - 1) * 15 / HURRY


def test_nobody_has_a_certificate_for_a_name_outside_the_zone(world: World) -> None:
    for name in ("crm.example.org", "a.b.example.com", "example.com.evil.org"):
        with pytest.raises(LookupError):
            world.cloud.edge.certificate(name)


@pytest.mark.parametrize(
    ("change", "answers"),
    [({}, ((FQDN, "A", EDGE, PROXIED_TTL_SECONDS),)), ({"proxied": False}, ((FQDN, "A", "aws", 30),))],
)
def test_dns_of_a_name(world: World, change: dict[str, Any], answers: tuple[Any, ...]) -> None:
    world.records[BALANCER]["lb"].update(change)
    found = world.cloud.answer(f"{FQDN}.", "A")
    assert found is not None and found.answers == answers
    aaaa = world.cloud.answer(FQDN, "AAAA")
    assert aaaa is not None and aaaa.exists and not aaaa.answers
    assert world.cloud.answer("other.example.com", "A") is None
    servers = world.cloud.answer("example.com", "NS")
    assert servers is not None and [one[2] for one in servers.answers] == [
        "ada.ns.cloudflare.com.",
        "bob.ns.cloudflare.com.",
    ]
    one = world.cloud.answer("bob.ns.cloudflare.com", "A")
    assert one is not None and one.answers[0][2] == "198.51.100.53"


# Its API, as operations and doctor ask it.


@pytest.fixture
def api(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[cloudflare.Api]:
    with at_real_names(world.cloud.apis, tmp_path, monkeypatch):
        yield cloudflare.Api({cloudflare.VARIABLE: TOKEN})


def test_status_reads_pools_their_order_and_their_live_health(world: World, api: cloudflare.Api) -> None:
    name = next(one for one in INVENTORY.names if one.fqdn == FQDN)
    assert name.steering is not None

    def look() -> cloud_pools.PoolsSeen:
        return cloud_pools.PoolsSeen(name, name.steering, cloud_pools.look(name, name.steering, api), ("aws", "gcp"))  # type: ignore[arg-type]

    assert [one for one in look().problems() if "no place has asked aws, gcp, notice yet" in one]
    world.cloud.start()
    world.until(aws=True, gcp=False, notice=True)
    assert list(look().problems()) == [] and look().serving() == "aws"
    world.origins["gcp"].writer = True
    world.until(gcp=True)
    assert [one for one in look().problems() if "from aws and from gcp that they may write" in one]
    world.origins["aws"].writer = world.origins["gcp"].writer = False
    world.until(aws=False, gcp=False)
    (said,) = look().problems()
    assert "from no site that it may write" in said and "Response code mismatch error" in said
    assert look().serving() == "notice"


def test_doctor_is_told_of_zone_plan_and_token(world: World, api: cloudflare.Api) -> None:
    needs = Needs(ACCOUNT, ZONE_ID, FQDN, "business")
    assert "active, plan business" in cloudflare_account.zone(api, needs).words
    assert "paid for" in cloudflare_account.balancing(api, needs).words
    for who in ("deployer", "operator"):
        file = policies.path("cloudflare", "aws-gcp", "warm", who)
        assert "lacking" not in cloudflare_rights.ask(api, file, who, needs).words
    assert "of account" in cloudflare_account.zone(api, Needs("another", ZONE_ID, FQDN, "pro")).words


@pytest.mark.parametrize(
    ("token", "path", "status", "code"),
    [
        ("wrong", "user/tokens/verify", 401, 1000),
        ("wrong", f"zones/{ZONE_ID}", 403, 9109),
        (TOKEN, "zones/none", 404, 1001),
        (TOKEN, "accounts/none/load_balancers/pools", 403, 9109),
        (TOKEN, f"accounts/{ACCOUNT}/load_balancers/pools/none/health", 404, 7003),
        (TOKEN, "somewhere", 404, 7003),
    ],
)
def test_what_it_refuses(api: cloudflare.Api, token: str, path: str, status: int, code: int) -> None:
    with pytest.raises(cloudflare.CloudflareError) as told:
        cloudflare.Api({cloudflare.VARIABLE: token}).get(path)
    assert (told.value.status, told.value.codes) == (status, (code,))


def test_lists_have_pages_and_no_word_of_the_labs_own(world: World, api: cloudflare.Api) -> None:
    for at in range(150):
        world.records[POOL][f"more-{at}"] = {"accountId": ACCOUNT, "name": f"more-{at}", "__urn": "urn:x"}
    found = api.items(f"accounts/{ACCOUNT}/load_balancers/pools")
    assert len(found) == 153 and not [key for one in found for key in one if key.startswith("_")]
    first = next(one for one in found if one["id"] == "id-aws")
    assert first["minimum_origins"] == 1 and first["origins"][0]["header"] == {"hosts": [HOSTS["aws"]]}
    (monitor,) = [one for one in api.items(f"accounts/{ACCOUNT}/load_balancers/monitors") if one["id"] == "m-aws"]
    assert monitor["header"] == {"Host": [HOSTS["aws"]]} and monitor["expected_codes"] == "200"
