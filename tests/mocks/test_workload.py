"""Workload under mocks: one definition at two sites, modes, probes, and what a failover changes without Pulumi."""

from typing import Any

import pytest

from tests.mocks import harness
from tests.mocks.gke_world import CONFIG, DEFINITION, DEPLOYMENT, HOME, SAID, SECRET, STANDBY
from twinsite import DrMode, Workload, inventory, rules

KIND = "twinsite:index:Workload"
SERVICE = "kubernetes:core/v1:Service"


def build(good: dict[str, Any] = STANDBY, **change: Any) -> harness.Run:
    """A workload called `w`; its result is its inventory entry."""

    def program() -> Any:
        return Workload("w", {**good, **change}).inventory  # type: ignore[typeddict-item]

    return harness.run(program, SAID)


def pod(run: harness.Run, part: str = "pods") -> dict[str, Any]:
    found: dict[str, Any] = run.one(f"w-{part}", DEPLOYMENT).inputs["spec"]["template"]["spec"]
    return found


def container(run: harness.Run, part: str = "pods") -> dict[str, Any]:
    found: dict[str, Any] = pod(run, part)["containers"][0]
    return found


def test_the_standby_has_nothing_in_cold_and_each_mode_only_adds() -> None:
    away = {**STANDBY["cluster"], "exists": False}
    cold = build(dr_mode=DrMode.COLD, cluster=away)
    assert [one.name for one in cold.resources] == ["w"]
    light = {one.name for one in build().resources}
    assert light == {
        "w", "w-namespace", "w-account", "w-database", "w-cache", "w-secret", "w-role", "w-pods", "w-service",
    }  # fmt: skip
    assert {one.name for one in build(dr_mode=DrMode.WARM).resources} - light == {"w-warm"}


def test_at_the_standby_only_operations_give_the_deployment_pods() -> None:
    made = build().one("w-pods", DEPLOYMENT)
    assert made.inputs["spec"]["replicas"] == 0
    assert list(made.request.ignoreChanges) == ["spec.replicas"]
    warm = build(dr_mode=DrMode.WARM, warm_replicas=2).one("w-warm", DEPLOYMENT)
    assert warm.inputs["spec"]["replicas"] == 2
    assert list(warm.request.ignoreChanges) == []


def test_at_home_the_program_says_how_many_in_every_mode() -> None:
    for mode in DrMode:
        run = build(HOME, dr_mode=mode)
        made = run.one("w-pods", DEPLOYMENT)
        assert made.inputs["spec"]["replicas"] == 3
        assert list(made.request.ignoreChanges) == []
        assert [one.name for one in run.of(DEPLOYMENT)] == ["w-pods"]


def test_a_deployment_that_is_made_anew_while_its_site_serves_is_not_born_empty() -> None:
    assert build(site_is_active=True).one("w-pods", DEPLOYMENT).inputs["spec"]["replicas"] == 3


def test_both_sites_have_the_same_container_but_for_registry() -> None:
    here, there = container(build(HOME)), container(build())
    digest = DEFINITION["digest"]
    assert here.pop("image") == f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/crm@{digest}"
    assert there.pop("image") == f"asia-northeast3-docker.pkg.dev/crm-dr/crm/crm@{digest}"
    assert here == there


def test_probes_ask_for_life_and_readiness_and_never_who_writes() -> None:
    found = container(build())
    assert found["livenessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert found["startupProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert found["readinessProbe"] == {
        "httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 2,
    }  # fmt: skip
    assert "/writer" not in str(found)


def test_the_role_is_what_a_failover_flips_and_the_next_up_leaves() -> None:
    for good, role, site in ((STANDBY, "reader", "gcp"), (HOME, "writer", "aws")):
        made = build(good).one("w-role", CONFIG)
        assert made.inputs["data"] == {"ROLE": role, "SITE": site}
        assert list(made.request.ignoreChanges) == ["data"]
    assert list(build().one("w-database", CONFIG).request.ignoreChanges) == []


def test_pods_are_told_of_their_own_sites_database_and_cache() -> None:
    run = build()
    assert run.one("w-database", CONFIG).inputs["data"] == {
        "DATABASE_HOST": "10.31.0.3", "DATABASE_PORT": "5432", "DATABASE_NAME": "crm", "DATABASE_USER": "crm_app",
        "DATABASE_CA": "/etc/twinsite/database/ca.pem", "ca.pem": "PEM",
    }  # fmt: skip
    assert run.one("w-cache", CONFIG).inputs["data"] == {"CACHE_HOST": ""}
    assert build(HOME).one("w-cache", CONFIG).inputs["data"] == {
        "CACHE_HOST": "cache.internal", "CACHE_PORT": "6379", "CACHE_TLS": "true", "CACHE_LOADS_AT_ONCE": "8",
        "CACHE_LOCK_MS": "5000", "CACHE_TIMEOUT_MS": "200", "CACHE_TTL_SECONDS": "3600",
    }  # fmt: skip


def test_passwords_are_secret_whatever_the_program_gave() -> None:
    made = build(secrets={"SESSION_KEY": "s"}).one("w-secret", SECRET)
    assert made.holds_secret("stringData", "DATABASE_PASSWORD")
    assert made.holds_secret("stringData", "SESSION_KEY")


def test_pods_start_anew_when_what_they_are_told_is_another_one_but_not_for_the_role() -> None:
    def told(**change: Any) -> str:
        found = build(**change).one("w-pods", DEPLOYMENT).inputs["spec"]["template"]["metadata"]["annotations"]
        assert list(found) == ["twinsite.io/told"]
        return str(found["twinsite.io/told"])

    changes: list[dict[str, Any]] = [
        {},
        {"database": {**STANDBY["database"], "address": "10.31.0.4"}},
        {"database": {**STANDBY["database"], "password": "another"}},
        {"secrets": {"SESSION_KEY": "s"}},
        {"cache": HOME["cache"]},
    ]
    assert len({told(**one) for one in changes}) == len(changes)
    role = [build(HOME, role=one).one("w-pods", DEPLOYMENT).inputs["spec"]["template"] for one in ("reader", "writer")]
    assert role[0] == role[1]


def test_no_input_of_a_deployment_comes_from_what_the_provider_replaces() -> None:
    """The engine would delete the Deployment with it: of a spec that nobody knows its selector may be another one."""
    run = build(dr_mode=DrMode.WARM)
    for part in ("pods", "warm"):
        made = run.one(f"w-{part}", DEPLOYMENT)
        assert made.drawn_from == {run.one("w-namespace").urn}
        given = {run.one(f"w-{one}").urn for one in ("account", "database", "cache", "secret", "role")}
        assert given <= made.depends_on, "they are there before it"


def test_a_service_without_pods_does_not_hold_an_up() -> None:
    made = build().one("w-service", SERVICE).inputs["metadata"]["annotations"]
    assert made["pulumi.com/skipAwait"] == "true"


def test_the_pod_has_no_rights_that_it_does_not_need() -> None:
    found = pod(build())
    assert found["automountServiceAccountToken"] is False
    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip


def test_a_serving_site_keeps_its_deployments() -> None:
    run = build(dr_mode=DrMode.WARM)
    for part in ("pods", "warm"):
        assert list(run.one(f"w-{part}", DEPLOYMENT).request.hooks.before_delete) == [f"w-{part}-keep-serving"]


def test_an_ingress_has_a_certificate_whose_key_is_secret() -> None:
    run = build(ingress={"host": "crm.example.com", "certificate": "C", "key": "K"})
    assert run.one("w-certificate", SECRET).holds_secret("stringData", "tls.key")
    rule = run.one("w-ingress", "kubernetes:networking.k8s.io/v1:Ingress").inputs["spec"]["rules"][0]
    assert rule["host"] == "crm.example.com"


def test_the_inventory_says_what_a_failover_scales_and_flips() -> None:
    run = build(dr_mode=DrMode.WARM)
    assert run.result.workloads == (inventory.Workload("crm", "gcp", "gke_crm", "crm", "crm-role", 3, True),)
    out = run.published("w", KIND)
    assert out["deployments"] == ["crm", "crm-warm"]
    assert out["scale"] == "kubectl --context=gke_crm -n crm scale deployment/crm --replicas=3"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"definition": {**DEFINITION, "digest": "latest"}}, "a tag is another image at each site"),
        ({"repository": "registry/crm:1"}, "names no repository without a tag"),
        ({"definition": {**DEFINITION, "env": {"DATABASE_MODE": "rw"}}}, "the same at both sites (K55)"),
        ({"definition": {**DEFINITION, "ready_path": "/health"}}, "restarted again and again"),
        ({"definition": {**DEFINITION, "ready_path": "/writer"}}, "readers would be restarted or never be ready"),
        ({"role": "writer"}, "role is writer at the standby"),
        ({"serving_replicas": 1}, "every lost node is an outage (K55)"),
        ({"warm_replicas": 0}, "warm_replicas is 0"),
        ({"warm_replicas": 5}, "more than serving_replicas 3"),
        ({"definition": {**DEFINITION, "user": 0}}, "user is root"),
        ({"definition": {**DEFINITION, "memory": "512"}}, "is no amount"),
        ({"namespace": "CRM"}, "is no name for Kubernetes"),
        ({"definition": {**DEFINITION, "port": 0}}, "is no TCP port"),
        ({"secrets": {"LOG_LEVEL": "x"}}, "in env and in secrets"),
    ],
)
def test_refused_before_anything_exists(change: dict[str, Any], said: str) -> None:
    seen = harness.Run()
    with pytest.raises(rules.Refused, match="Workload w is refused") as refusal:
        harness.run(lambda: Workload("w", {**STANDBY, **change}), seen=seen)  # type: ignore[typeddict-item]
    assert len(refusal.value.problems) == 1
    assert said in refusal.value.problems[0]
    assert seen.resources == []
