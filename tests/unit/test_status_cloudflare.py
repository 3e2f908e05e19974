"""A name that Cloudflare's pools steer: where it leads is what the page says, and nothing else tells."""

from dataclasses import replace

from operations.subjects import operation
from operations.subjects.away import Answer, NameSeen
from operations.subjects.names import NameLeads
from operations.subjects.sources import Sources
from tests import aws_gcp_world, failover_world
from twinsite.inventory import RecordSwitch

(NAME,) = aws_gcp_world.INVENTORY.names


def leads(site: str) -> NameLeads:
    """Both of the zone's servers answer so."""
    answers = tuple(Answer(server, ("104.16.0.1",), site) for server in ("ns1", "ns2"))
    return NameLeads(NAME, NameSeen(NAME.fqdn, answers), "")


def test_the_site_whose_page_it_shows_is_the_active_one() -> None:
    for site in ("aws", "gcp"):
        assert list(leads(site).problems()) == []
        assert leads(site).shown()["active_site"] == site


def test_a_page_of_neither_site_is_told_with_what_it_may_be() -> None:
    (words,) = leads("").problems()
    assert "users see the notice, or the page lacks its marker" in words
    assert leads("").shown()["active_site"] is None


def test_a_name_with_a_latch_says_nothing_of_the_active_site_and_another_steering_is_not_known() -> None:
    name = failover_world.INVENTORY.names[0]
    seen = NameLeads(name, NameSeen(name.fqdn), "")
    assert "active_site" not in seen.shown()
    other = replace(leads("aws"), name=replace(NAME, steering=RecordSwitch("route53://Z")))
    assert "this twinsite cannot look at what steers it (record-switch)" in next(iter(other.problems()))


def test_no_operation_is_looked_for_where_none_can_be_kept() -> None:
    def never(*_: object) -> object:
        raise AssertionError("there is no store")

    assert operation.read(Sources(aws_gcp_world.INVENTORY, never, never)) == []  # type: ignore[arg-type]
