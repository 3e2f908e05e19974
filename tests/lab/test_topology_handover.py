"""The on-prem end handed over to its owners: one `pulumi up`, two archives, and status that says what is missing.

What a person types here is taken from the sentences of `twinsite status`, so the sentences are tried, too.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Provisioned
from .test_operations_drill import eventually
from .whole_box import needs_a_box

pytestmark = needs_a_box

LOGIN = "ubuntu@203.0.113.64"
PORTS = {"onprem-gateway": "2210", "onprem-database": "2220"}


@pytest.fixture(scope="module")
def handed_over(site: Provisioned) -> Iterator[tuple[Provisioned, str]]:
    """The stack after its `up`, and what that said."""
    site.pulumi("config", "set", "onprem_delivery", "bundle")
    site.pulumi("config", "set", "gate", "handover")
    yield site, site.pulumi("up", "--yes", "--skip-preview")


def problem_of(stack: Provisioned, host: str) -> str:
    """The sentence of `twinsite status` on a host without its guest; empty when there is none."""
    problems: list[str] = stack.json("twinsite", "status", "--json")["problems"]
    return next((line for line in problems if f"there is no guest of this version on {host}" in line), "")


def install(stack: Provisioned, host: str) -> Any:
    """Do what status says for a host; the installer's own answer."""
    at_desk, at_host = re.findall("`([^`]+)`", problem_of(stack, host))
    stack.must("sh", "-c", f"umask 077; {at_desk}")
    stack.must("scp", "-P", PORTS[host], f"{host}.tar.gz", f"{LOGIN}:")
    stack.must("rm", f"{host}.tar.gz")
    said = stack.on(host, f"{at_host}; code=$?; rm {host}.tar.gz secrets.json; exit $code")
    return json.loads(said)


def test_up_succeeds_and_says_whom_it_waits_for(handed_over: tuple[Provisioned, str]) -> None:
    stack, said = handed_over
    for host, output in (("onprem-gateway", "onprem_bundle"), ("onprem-database", "onprem_database_bundle")):
        assert f"{host} is handed over, so this `up` leaves it as it is" in said
        assert f"pulumi stack output {output} --show-secrets" in said
    assert "onprem-aws-tunnel: handed over, not verified by this `up`" in said
    assert "onprem-aws-replica: handed over, not verified by this `up`" in said
    shown = json.loads(stack.pulumi("stack", "output", "--json"))
    assert (shown["onprem_bundle"], shown["onprem_database_bundle"]) == ("[secret]", "[secret]")


def test_status_says_what_is_missing_and_a_drill_is_refused_for_it(handed_over: tuple[Provisioned, str]) -> None:
    stack, _ = handed_over
    assert problem_of(stack, "onprem-gateway")
    assert problem_of(stack, "onprem-database")
    assert stack.json("twinsite", "status", "--json")["healthy"] is False
    drill = stack.json("twinsite", "drill", "tunnel-cut", "--json")
    assert drill["verdict"] == "refused"
    assert "its owners install it" in drill["problems"][0]


def test_installed_by_their_owners_both_ends_work(handed_over: tuple[Provisioned, str]) -> None:
    stack, _ = handed_over
    assert "started strongswan.service" in install(stack, "onprem-gateway")["changed"]
    found = eventually("the tunnel", 30, lambda: _tunnel_up(stack))
    assert problem_of(stack, "onprem-database"), f"only this is missing now: {found['problems']}"
    assert any("started replication" in change for change in install(stack, "onprem-database")["changed"])
    eventually("a healthy stack", 40, lambda: stack.json("twinsite", "status", "--json")["healthy"])


def _tunnel_up(stack: Provisioned) -> dict[str, Any] | None:
    found = stack.json("twinsite", "status", "--json")
    return found if found["tunnels"][0]["up"] else None


def test_a_second_up_changes_nothing(handed_over: tuple[Provisioned, str]) -> None:
    stack, _ = handed_over
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_their_owners_take_everything_back(handed_over: tuple[Provisioned, str]) -> None:
    stack, _ = handed_over
    for host in PORTS:
        stack.on(host, "sudo ./install.sh --undo")
        left = stack.on(host, "ls -d /opt/twinsite /etc/twinsite /usr/local/sbin/twinsite-guest 2>/dev/null || true")
        assert left == ""
        assert problem_of(stack, host)
