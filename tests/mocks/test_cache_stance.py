"""CacheStance under mocks: cold, bounded, without truth, and in nobody's way."""

from typing import Any

import pytest

from tests.mocks import harness
from tests.mocks.gke_world import DEPLOYMENT, SAID, SECRET, STANDBY
from twinsite import CacheStance, DrMode, rules

GOOD: dict[str, Any] = {
    "dr_mode": DrMode.PILOT_LIGHT,
    "standby": True,
    "cluster": STANDBY["cluster"],
    "namespace": "crm",
    "namespace_name": "crm",
    "image": f"registry.example.com/valkey@sha256:{'cd' * 32}",
    "holds": ["pages", "queries"],
}


def build(**change: Any) -> harness.Run:
    """A cache called `c`; its result is what a Workload is given."""

    def program() -> Any:
        return CacheStance("c", {**GOOD, **change}).cache  # type: ignore[typeddict-item]

    return harness.run(program, SAID)


def test_the_standby_has_none_in_cold_but_its_password() -> None:
    run = build(dr_mode=DrMode.COLD, cluster={**STANDBY["cluster"], "exists": False})
    assert [one.name for one in run.resources] == ["c", "c-password"]
    assert run.result is None


def test_it_keeps_nothing_and_forgets_what_is_old_first() -> None:
    made = build(memory_mib=128).one("c-settings", SECRET)
    assert made.holds_secret("stringData", "valkey.conf")
    lines = made.inputs["stringData"]["valkey.conf"].splitlines()
    wanted = {'save ""', "appendonly no", "maxmemory 128mb", "maxmemory-policy allkeys-lru", "port 6379"}
    assert wanted <= set(lines)
    assert lines[-1].startswith("requirepass ")


def test_without_nodes_it_waits_and_no_up_waits_for_it() -> None:
    made = build().one("c-server", DEPLOYMENT)
    assert made.inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert made.inputs["spec"]["replicas"] == 1
    assert made.inputs["spec"]["template"]["spec"]["containers"][0]["command"] == [
        "valkey-server", "/etc/valkey/valkey.conf",
    ]  # fmt: skip


def test_its_deployment_is_not_deleted_with_its_settings_and_begins_anew_when_they_are_others() -> None:
    run = build()
    made, settings = run.one("c-server", DEPLOYMENT), run.one("c-settings", SECRET)
    assert made.drawn_from == {run.one("c-password").urn}
    assert settings.urn in made.depends_on
    told = made.inputs["spec"]["template"]["metadata"]["annotations"]["twinsite.io/told"]
    other = build(memory_mib=512).one("c-server", DEPLOYMENT)
    assert other.inputs["spec"]["template"]["metadata"]["annotations"]["twinsite.io/told"] != told


def test_an_application_is_told_where_it_is_and_how_to_ask() -> None:
    assert build(loads_at_once=4).result == {
        "address": "cache.crm.svc", "port": 6379, "tls": False, "loads_at_once": 4, "lock_ms": 5000,
        "timeout_ms": 200, "ttl_seconds": 3600,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"written_from": ["gcp", "aws"]}, "written_from has aws: an application that writes two caches"),
        ({"streams_from": ["aws"]}, "a stream lives in one server and is not read from another one (K45)"),
        ({"holds": ["pages", "sessions"]}, "holds has 'sessions'"),
        ({"holds": []}, "nobody has said what is lost with it"),
        ({"loads_at_once": 0}, "every visitor of an empty cache asks the database"),
        ({"loads_at_once": 1000}, "every visitor of an empty cache asks the database"),
        ({"lock_ms": 10}, "lock_ms 10 is shorter than a load"),
        ({"timeout_ms": 60000}, "makes each page wait for a cache that is gone"),
        ({"image": "valkey:9"}, "is not pinned"),
        ({"ttl_seconds": 0}, "keeps values for ever"),
        ({"memory_mib": 8}, "too little for a server"),
        ({"namespace_name": "CRM"}, "is no name for Kubernetes"),
    ],
)
def test_refused_before_anything_exists(change: dict[str, Any], said: str) -> None:
    seen = harness.Run()
    with pytest.raises(rules.Refused, match="CacheStance c is refused") as refusal:
        harness.run(lambda: CacheStance("c", {**GOOD, **change}), seen=seen)  # type: ignore[typeddict-item]
    assert len(refusal.value.problems) == 1
    assert said in refusal.value.problems[0]
    assert seen.resources == []
