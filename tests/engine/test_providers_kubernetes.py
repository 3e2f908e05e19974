"""The kubernetes stand-in on the real engine, recorded only."""

from tests.engine.conftest import LiveStack, Stack

JOB = """
    import pulumi, pulumi_kubernetes as kubernetes
    settings = pulumi.Config()
    space = kubernetes.core.v1.Namespace("space", metadata={"name": settings.get("space") or "petclinic"})
    where = space.metadata.name
    account = kubernetes.core.v1.ServiceAccount("account", metadata={"name": "backup", "namespace": where})
    settings_map = kubernetes.core.v1.ConfigMap("settings", metadata={"namespace": where},
        data={"backup.json": settings.get("data") or "{}"})
    secret = kubernetes.core.v1.Secret("secret", metadata={"namespace": where},
        string_data={"password": "clear-0123456789"})
    labels = {settings.get("label") or "twinsite/stack": "dr"}
    about = {"name": "rds-backup", "namespace": where, "labels": labels}
    job = kubernetes.batch.v1.CronJob("job", metadata=about, spec={
        "schedule": settings.get("schedule") or "0 2 * * *", "concurrency_policy": settings.get("policy") or "Forbid",
        "job_template": {"spec": {"template": {"spec": {
            "restart_policy": "Never", "service_account_name": account.metadata.name,
            "containers": [{"name": "backup", "image": "backup:1", "command": ["python3", "-m", "backup", "run"],
                            "env_from": [{"secret_ref": {"name": secret.metadata.name}}]}],
            "volumes": [{"name": "settings", "config_map": {"name": settings_map.metadata.name}}]}}}}})
    pulumi.export("settings", settings_map.metadata.name)
    pulumi.export("job", job.id)
"""


def test_a_job_with_all_that_it_needs_settles_and_keeps_its_secret(stack: Stack) -> None:
    stack.program(JOB)
    said = stack.up()
    assert "this is the twinsite lab, not a Kubernetes cluster" in said
    stack.up("--expect-no-changes")
    shown = stack.outputs()
    assert shown["job"] == "petclinic/rds-backup"
    assert shown["settings"].startswith("settings-")
    assert "clear-0123456789" not in stack.must("stack", "export")
    assert stack.state()["job"]["outputs"]["metadata"]["uid"]


def test_a_schedule_changes_in_place_and_data_or_a_namespace_replace(stack: Stack) -> None:
    stack.program(JOB)
    stack.up()
    stack.config("schedule", "0 3 * * *")
    assert stack.steps() == {"job": "update"}
    stack.config("data", '{"streams": 4}')
    steps = stack.steps()
    assert "replace" in steps["settings"]
    assert steps["job"] == "update"
    name = stack.outputs()["settings"]
    stack.up()
    assert stack.outputs()["settings"] != name, "what mounts it by name starts anew"
    stack.config("space", "other")
    assert all("replace" in step for step in stack.steps().values())


def test_what_the_api_server_would_refuse_is_refused(stack: Stack) -> None:
    stack.program(JOB)
    stack.config("schedule", "every night")
    stack.config("policy", "Never")
    stack.config("label", "twinsite:stack")
    code, said = stack.run("preview")
    assert code != 0
    assert 'Invalid value: "every night": a schedule has five fields' in said
    assert 'Unsupported value: "Never": supported: Allow, Forbid, Replace' in said
    assert 'Invalid value: "twinsite:stack": at most 63 letters' in said


ONCE = """
    import pulumi, pulumi_kubernetes as kubernetes
    settings = pulumi.Config()
    kubernetes.batch.v1.Job("once", metadata={"name": "once"}, spec={
        "backoff_limit": int(settings.get("tries") or "1"),
        "template": {"spec": {"restart_policy": settings.get("restart") or "Never", "containers": [
            {"name": "one", "image": "registry.example.com/one", "args": [settings.get("verb") or "set-up"]}]}},
    })
"""


def test_a_jobs_template_is_for_life_and_its_pod_ends(stack: Stack) -> None:
    stack.program(ONCE)
    stack.up()
    stack.config("tries", "2")
    assert stack.steps()["once"] == "update"
    stack.config("verb", "take-away")
    assert stack.steps()["once"] == "replace"
    stack.config("restart", "Always")
    code, said = stack.run("preview")
    assert code != 0
    assert "spec.template.spec.restartPolicy" in said


def test_a_kind_without_a_stand_in_is_refused_with_its_file(stack: Stack) -> None:
    stack.program("""
        import pulumi_kubernetes as kubernetes
        kubernetes.core.v1.Pod("pod", spec={"containers": [{"name": "one"}]})
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert "resource type kubernetes:core/v1:Pod is not supported in the twinsite lab" in said
    assert "lab/providers/kubernetes/core_v1_pod.py" in said


CLUSTERS = """
    import pulumi, pulumi_kubernetes as kubernetes
    settings = pulumi.Config()
    for context in ("eks", "gke"):
        there = pulumi.ResourceOptions(provider=kubernetes.Provider(context, context=context))
        kubernetes.core.v1.ConfigMap(f"{context}-told", there, metadata={"name": "told"}, data={"at": context})
        kubernetes.core.v1.ServiceAccount(f"{context}-account", there, metadata={"name": "backup",
            "labels": {"release": settings.get("release") or "1"}})
"""


def test_two_clusters_each_have_what_is_theirs_and_go_dark_apart(live: LiveStack) -> None:
    live.program(CLUSTERS)
    live.up()
    live.up("--expect-no-changes")
    told = "kubernetes:core/v1:ConfigMap"
    at = {shelf: live.memory.records_list(told + shelf)["default/told"]["data"]["at"] for shelf in ("", "@gke")}
    assert at == {"": "eks", "@gke": "gke"}
    live.config("release", "2")
    live.dark_places = ("eks",)
    code, said = live.run("up", "--yes", "--skip-preview", "--exclude", "**::eks-account")
    assert code == 0, said
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "its site is dark in this lab" in said
