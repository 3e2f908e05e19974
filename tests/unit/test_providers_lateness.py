"""What is late in the stand-ins: refused in the cloud's words, tried again as the provider does, never for ever."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from lab.providers.aws import late as aws_late
from lab.providers.azure_native import late as azure_late
from lab.providers.framework import lateness
from lab.providers.framework.lateness import Early, Late, Lateness
from lab.providers.framework.provider import Provider
from lab.providers.framework.schema import Schemas, sdk_version
from lab.providers.framework.types import Refusal

SECONDS = 30.0
"""What is late here is so for 30 of the cloud's seconds, half a one of ours."""


@pytest.fixture
def cancelled() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def thing(early: Early, **more: Any) -> Late:
    return Late("thing", ("name",), (SECONDS, SECONDS), "here", (early,), **more)


def test_what_comes_too_early_is_refused_in_the_clouds_words_and_taken_afterwards(cancelled: threading.Event) -> None:
    late = Lateness("7", [thing(Early("user", "of.names", "NoSuchThing: {name}"))], cancelled)
    late.during("create", "thing", "urn", "", {"name": "One"}, lambda: 1)
    with pytest.raises(Refusal, match=r"^NoSuchThing: One \(lateness with seed 7\)$"):
        late.during("create", "user", "u", "", {"of": {"names": ["two", "One"]}}, lambda: 1)
    assert late.during("create", "user", "u", "", {"of": {"names": ["two"]}}, lambda: 2) == 2, "another thing"
    time.sleep(SECONDS / lateness.SPEED)
    assert late.during("create", "user", "u", "", {"of": {"names": ["One"]}}, lambda: 3) == 3


@pytest.mark.parametrize(("retried", "taken"), [(SECONDS * 4, True), (SECONDS / 6, False)])
def test_the_provider_tries_again_as_long_as_the_genuine_one_does(
    cancelled: threading.Event, retried: float, taken: bool
) -> None:
    late = Lateness("7", [thing(Early("user", "name", "No", retried_seconds=retried))], cancelled)
    late.during("create", "thing", "urn", "", {"name": "one"}, lambda: 1)
    came = time.monotonic()
    if taken:
        late.during("create", "user", "u", "", {"name": "one"}, lambda: 1)
        assert time.monotonic() - came > SECONDS / lateness.SPEED / 2
    else:
        with pytest.raises(Refusal, match="No"):
            late.during("create", "user", "u", "", {"name": "one"}, lambda: 1)
        assert retried / lateness.SPEED <= time.monotonic() - came < SECONDS / lateness.SPEED


def test_a_provider_that_waits_returns_when_it_is_usable_and_others_are_refused_meanwhile(
    cancelled: threading.Event,
) -> None:
    late = Lateness("7", [thing(Early("thing", "name", "Busy: {name}"), waited=True)], cancelled)
    began = threading.Event()

    def first() -> float:
        came = time.monotonic()
        late.during("create", "thing", "urn", "", {"name": "one"}, began.set)
        return time.monotonic() - came

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        assert began.wait(10)
        with pytest.raises(Refusal, match="Busy: one"):
            late.during("create", "thing", "other", "", {"name": "one"}, lambda: 1)
        assert running.result(10) >= SECONDS / lateness.SPEED
    late.during("create", "thing", "other", "", {"name": "one"}, lambda: 1)


def test_a_call_is_held_back_until_what_it_names_is_late_so_that_no_order_hides_it(cancelled: threading.Event) -> None:
    late = Lateness("7", [thing(Early("user", "name", "Pending", provoked_seconds=300), waited=True)], cancelled)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(late.during, "create", "user", "u", "", {"name": "one"}, lambda: 1)
        time.sleep(0.1)
        assert not early.done()
        late.during("create", "thing", "urn", "", {"name": "one"}, lambda: 1)
        with pytest.raises(Refusal, match="Pending"):
            early.result(10)
    came = time.monotonic()
    late.during("create", "user", "u", "", {"name": "one"}, lambda: 1)
    assert time.monotonic() - came < 1, "whoever waited is not held back"


def test_what_failed_is_not_late_for_ever_and_a_seed_draws_the_same_times(cancelled: threading.Event) -> None:
    rule = Late("thing", ("name",), (1, 30), "here", (Early("user", "name", "No"),), waited=True)
    late = Lateness("7", [rule], cancelled)
    with pytest.raises(ZeroDivisionError):
        late.during("create", "thing", "urn", "", {"name": "one"}, lambda: 1 / 0)
    late.during("create", "user", "u", "", {"name": "one"}, lambda: 1)
    drawn = [Lateness(seed, [rule], cancelled)._draw(rule, urn) for seed in "78" for urn in ("a", "b", "a")]
    assert (drawn[0], drawn[3]) == (drawn[2], drawn[5])
    assert len(set(drawn)) == 4
    assert all(1 <= one <= 30 for one in drawn)


@pytest.mark.parametrize(("package", "rules"), [("aws", aws_late.LATE), ("azure_native", azure_late.LATE)])
def test_every_rule_names_types_and_properties_that_there_are(package: str, rules: tuple[Late, ...]) -> None:
    schemas = Schemas(package, sdk_version(package))
    provider = Provider(package, schemas)
    tokens = {one.token for one in rules} | {early.token for one in rules for early in one.early}
    schemas.require(sorted(tokens))
    for rule in rules:
        schema = schemas.resource(provider.type(rule.token).token)
        assert {path.partition(".")[0] for path in rule.names} <= {*schema["inputs"], *schema["outputs"], "id"}, rule
        assert rule.source
        for early in rule.early:
            known = set(schemas.resource(provider.type(early.token).token)["inputs"])
            assert {early.names.partition(".")[0]} <= known | {"@id"}, early
            assert early.unless in known | {""}, early


def of_the_clouds(rules: tuple[Late, ...], token: str, cancelled: threading.Event) -> Lateness:
    """The package's own rules of one type, at their shortest."""
    one = [replace(rule, seconds=(rule.seconds[0], rule.seconds[0])) for rule in rules if rule.token == token]
    return Lateness("7", one, cancelled)


def test_a_fresh_identity_gets_a_role_only_by_its_type(cancelled: threading.Event) -> None:
    identity = "azure-native:managedidentity:UserAssignedIdentity"
    late = of_the_clouds(azure_late.LATE, identity, cancelled)
    late.during("create", identity, "urn", "", {}, lambda: 1, lambda made: {"principalId": "p"})
    role = ("create", "azure-native:authorization:RoleAssignment", "u", "")
    with pytest.raises(Refusal, match='Code="PrincipalNotFound"'):
        late.during(*role, {"principalId": "p"}, lambda: 1)
    late.during(*role, {"principalId": "p", "principalType": "ServicePrincipal"}, lambda: 1)


def test_a_certificate_serves_after_its_validation_and_not_after_a_minute(cancelled: threading.Event) -> None:
    certificate = "aws:acm/certificate:Certificate"
    late = of_the_clouds(aws_late.LATE, certificate, cancelled)
    late.during("create", certificate, "urn", "", {}, lambda: 1, lambda made: {"arn": "a"})
    distribution = ("create", "aws:cloudfront/distribution:Distribution", "u", "")
    viewer = {"viewerCertificate": {"acmCertificateArn": "a"}}
    with pytest.raises(Refusal, match="InvalidViewerCertificate"):
        late.during(*distribution, viewer, lambda: 1)
    late.during(
        "create", "aws:acm/certificateValidation:CertificateValidation", "v", "", {"certificateArn": "a"}, lambda: 1
    )
    late.during(*distribution, viewer, lambda: 1)


def test_a_server_that_went_leaves_its_subnet_and_network_in_use(cancelled: threading.Event) -> None:
    server = "azure-native:dbformysql:Server"
    late = of_the_clouds(azure_late.LATE, server, cancelled)
    network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
    late.during("delete", server, "urn", "s", {"network": {"delegatedSubnetResourceId": f"{network}/subnets/D"}}, int)
    for token, identity in (("Subnet", f"{network}/subnets/d"), ("VirtualNetwork", network)):
        with pytest.raises(Refusal, match='Code="InUseSubnetCannotBeDeleted"'):
            late.during("delete", f"azure-native:network:{token}", "u", identity, {}, int)
    late.during("delete", "azure-native:network:Subnet", "u", f"{network}/subnets/other", {}, int)
