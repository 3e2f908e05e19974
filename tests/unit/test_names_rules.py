"""Names in DNS: internationalised ones are names like any other; those in another script are told how DNS has them."""

import pytest

from twinsite.rules import names, standby

KOREAN = "dr.xn--9n2bp8q.xn--3e0b707e"


@pytest.mark.parametrize("name", [KOREAN, "www.xn--bcher-kva.example", "a.xn--p1ai", "dr.example.com"])
def test_an_internationalised_name_is_taken_wherever_a_name_is_asked_for(name: str) -> None:
    assert not list(names.name_problems("fqdn", name))
    origin = {"host": name, "certificate_secret": "x", "header_secret": "x"}
    assert not list(standby.Origin.of(origin).problems())


@pytest.mark.parametrize(
    "name", ["dr.example.xn--", "dr.example.c0m", "dr.example.xn--a-", "dr.example.1", "dr.Example.com", "dr.-a.com"]
)
def test_what_is_no_name_is_refused_as_before(name: str) -> None:
    assert list(names.name_problems("fqdn", name))
    assert not names.HOST.fullmatch(name)


def test_a_name_in_another_script_is_told_how_dns_has_it() -> None:
    assert f"DNS has it as {KOREAN}" in next(names.name_problems("fqdn", "dr.실례.한국"))
    origin = {"host": "dr.실례.한국", "certificate_secret": "x", "header_secret": "x"}
    assert f"DNS has it as {KOREAN}" in next(standby.Origin.of(origin).problems())


def test_only_a_machines_name_may_not_begin_with_an_underscore() -> None:
    assert names.NAME.fullmatch("_acme-challenge.example.com")
    assert not names.HOST.fullmatch("_acme-challenge.example.com")
