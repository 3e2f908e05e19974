"""A component makes of another one's plain handle what it makes of the component itself (ADR 40)."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest

from twinsite import StandbyDatabaseKind

from . import azure_site, traffic_world
from .harness import Run
from .test_machine import ec2

RECORD = "aws:route53/record:Record"
plain: Callable[[Any], Any] = attrgetter("handle")


def made(found: Run) -> dict[str, tuple[dict[str, Any], str]]:
    return {one.urn: (one.wire, one.parent) for one in found.resources}


def test_a_machine_is_the_same() -> None:
    of_component, of_handle = ec2(), ec2(give=plain)
    assert made(of_component) == made(of_handle)
    assert "site-payload-gateway" in {urn.rpartition("::")[2] for urn in of_handle.one("machine-desired").depends_on}


@pytest.mark.parametrize("kind", list(StandbyDatabaseKind))
def test_a_standby_is_the_same(kind: StandbyDatabaseKind) -> None:
    assert made(azure_site.site(kind=kind)) == made(azure_site.site(kind=kind, give=plain))


def test_names_pages_and_alarms_are_the_same() -> None:
    assert made(traffic_world.build(monitored=True)) == made(traffic_world.build(monitored=True, give=plain))


def test_a_record_on_the_handle_of_a_latch_waits_for_its_checks_with_a_hook_of_its_own() -> None:
    hooks = traffic_world.build(give=plain).one("www-primary-a", RECORD).request.hooks
    assert (list(hooks.before_create), list(hooks.before_update)) == (["www-settled"], ["www-settled"])
    # What puts a name's former records back must outlive the name: only a latch of the same program has it.
    assert list(hooks.before_delete) == []


def test_a_secret_of_a_plain_handle_is_kept_secret() -> None:
    def open_values(component: Any) -> Any:
        handle = component.handle
        return {**handle, "values": dict.fromkeys(handle["values"], "OPEN")} if "values" in handle else handle

    found = azure_site.site(give=open_values)
    assert found.one("site-server", "azure-native:dbformysql:Server").holds_secret("administratorLoginPassword")
