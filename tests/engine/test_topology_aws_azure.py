"""Topology aws-azure on the real engine: what each change of mode creates and deletes, and what is refused.

The stand-ins record only: no machine, no probe. What the resources do is shown in tests/lab.
"""

import json
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.moves.program import Program, ProgramFailed
from tests.aws_azure_config import SECRETS, stack_file
from tests.real_pulumi import Desk
from twinsite.guest.backup.manifest import VERSION
from twinsite.inventory import Site

from .conftest import Stack, late
from .latch_web import LatchWeb, serve
from .tree_project import TREE, initialised, write

PRIMARY = ("aws:", "kubernetes:", "pulumi:providers:aws", "pulumi:providers:kubernetes")

WARM_ADDS = {
    "azure-native:compute:VirtualMachine": 1,
    "azure-native:compute:VirtualMachineRunCommandByVirtualMachine": 1,
    "azure-native:dbformysql:Configuration": 3,
    "azure-native:dbformysql:Server": 1,
    "azure-native:network:NetworkInterface": 1,
    "azure-native:storage:Blob": 1,
    "pulumi:index:Stash": 1,
    "random:index/randomId:RandomId": 1,
    "tls:index/privateKey:PrivateKey": 1,
    "twinsite:index:AzureHost": 1,
}
"""Resources that warm adds, by type: all of them Azure's, or made on the runner."""

STANDBY_MACHINE = "aws-azure-azure-standby-vm"
DATABASE = "aws-azure-server"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[LatchWeb]:
    (tmp_path / "web").mkdir()
    with serve(tmp_path / "web") as running:
        yield running


@pytest.fixture
def stack(desk: Desk, provider_home: Path, web: LatchWeb) -> Stack:
    """The tree's own program as a project of the test's own."""
    desk.extra.update(web.environment)
    made = initialised(desk, provider_home, SECRETS)
    settings(made)
    return made


def settings(stack: Stack, **change: Any) -> None:
    """Write the stack file anew; what is encrypted in it stays."""
    write(stack, stack_file(**change))


def kill(stack: Stack, package: str) -> None:
    """From now on the provider's cloud does not answer."""
    start_instead(stack, package, "dead_provider.py")


def start_instead(stack: Stack, package: str, program: str) -> None:
    """From now on the engine starts that provider by another program of this folder."""
    plugins = stack.desk.folder / "home" / "plugins"
    (launcher,) = plugins.glob(f"resource-{package}-v*/pulumi-resource-{package}")
    words = launcher.read_text().splitlines()[1].replace("exec ", "", 1)
    start, other = str(TREE / "lab" / "providers" / "start.py"), str(Path(__file__).with_name(program))
    assert start in words
    launcher.write_text(f"#!/bin/sh\nexec {words.replace(shlex.quote(start), shlex.quote(other))}\n")


def revive(stack: Stack, package: str) -> None:
    """It answers again."""
    (launcher,) = (stack.desk.folder / "home" / "plugins").glob(f"resource-{package}-v*/pulumi-resource-{package}")
    here = str(Path(__file__).with_name("dead_provider.py"))
    assert here in launcher.read_text()
    launcher.write_text(launcher.read_text().replace(here, str(TREE / "lab" / "providers" / "start.py")))


def of_the_primary(stack: Stack) -> dict[str, Any]:
    """urn -> everything that the state holds of a resource at AWS or in its cluster."""
    found = json.loads(stack.must("stack", "export", "--show-secrets"))["deployment"]["resources"]
    return {one["urn"]: one for one in found if one["type"].startswith(PRIMARY[:2])}


def upgrade(stack: Stack) -> None:
    """A later twinsite: another payload in the CronJob's ConfigMap, another agent, another tag on everything."""
    for room in ("components", "stacks"):
        (stack.folder / room).unlink()
        shutil.copytree(TREE / room, stack.folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in (
        ("components/guest/agent/in-container.sh", "#!/bin/sh\n", "#!/bin/sh\n# later\n"),
        ("components/guest/agent/agent.py", "#!/usr/bin/env python3\n", "#!/usr/bin/env python3\n# later\n"),
        ("components/guest/agent/azure.py", "import json\n", "import json  # later\n"),
        ("stacks/aws_azure/build.py", '"twinsite-topology": NAME}', '"twinsite-topology": NAME, "release": "2"}'),
    ):
        text = (stack.folder / file).read_text()
        assert text.count(old) == 1
        (stack.folder / file).write_text(text.replace(old, new))


def at_the_desk(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Program:
    """What `twinsite failover` raises the mode with."""
    for key, value in stack.desk.environment().items():
        monkeypatch.setenv(key, value)
    return Program("test", stack.folder, Site("aws", ("aws", "kubernetes")))


def resources(stack: Stack) -> dict[str, tuple[str, str]]:
    """urn -> (type, id) of what is in the state, without the providers."""
    found = json.loads(stack.must("stack", "export"))["deployment"].get("resources", [])
    return {
        one["urn"]: (one["type"], one.get("id", ""))
        for one in found
        if not one["type"].startswith(("pulumi:pulumi:", "pulumi:providers:")) and not one.get("delete")
    }


def planned(stack: Stack, *words: str) -> Counter[tuple[str, str]]:
    """(operation, type) of all that a preview would do; unchanged ones are left out."""
    said = stack.must("preview", "--json", *words)
    plan = json.loads(said[said.index("{") :])
    return Counter(
        (step["op"], step["urn"].split("::")[2].rpartition("$")[2]) for step in plan["steps"] if step["op"] != "same"
    )


def let_pass_by_policies(stack: Stack) -> None:
    """The policy pack has nothing against the state."""
    stack.desk.extra["PULUMI_PYTHON_CMD"] = sys.executable
    told = stack.must("policy", "analyze", "--stack", "test", "--policy-pack", str(TREE / "policy"))
    assert "✅ twinsite@v" in told and "[mandatory]" not in told


def test_warm_adds_on_azure_alone_while_aws_is_dead_and_cold_takes_exactly_that_away(stack: Stack) -> None:
    stack.desk.extra.update(late())
    stack.up()
    cold = resources(stack)
    stack.up("--expect-no-changes")
    outputs = stack.outputs()
    assert outputs["standby_machine"] == ""
    let_pass_by_policies(stack)

    kill(stack, "aws")
    kill(stack, "kubernetes")
    settings(stack, dr_mode="warm")
    would = planned(stack)
    assert [kind for _, kind in would if kind.startswith(PRIMARY)] == []
    assert {kind: number for (op, kind), number in would.items() if op == "create"} == WARM_ADDS
    assert "nobody to give tokens; this goes on" in stack.up(), "whoever cannot ask for backups is warned"
    warm = resources(stack)
    assert Counter(kind for urn, (kind, _) in warm.items() if urn not in cold) == WARM_ADDS
    assert {urn: warm[urn] for urn in cold} == cold, "a mode only adds: what was there keeps its id"
    stack.up("--expect-no-changes")
    assert stack.outputs().keys() == outputs.keys()
    assert stack.outputs()["standby_machine"] == "azure-standby"
    # As operations ask for it: one value taken from a secret makes it "[secret]".
    assert json.loads(stack.must("stack", "output", "inventory", "--json"))["dr_mode"] == "warm"
    let_pass_by_policies(stack)

    settings(stack, dr_mode="cold")
    stack.up()
    assert resources(stack) == cold
    stack.up("--expect-no-changes")


def test_without_the_wait_of_one_setting_for_the_other_the_server_is_busy(stack: Stack) -> None:
    # Without this, the test above would pass with clouds in which nothing is late.
    stack.desk.extra.update(late())
    stack.without(
        "components/database/standby_database.py", ("depends_on=[last], deleted", "depends_on=[server], deleted")
    )
    settings(stack, dr_mode="warm")
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert 'Code="ServerIsBusy"' in said


def test_warm_rises_again_on_the_day_of_a_drill_and_settings_and_secrets_are_not_deleted_one_by_one(
    stack: Stack,
) -> None:
    start_instead(stack, "azure-native", "keeping_provider.py")
    stack.desk.extra.update(late())  # a database's subnet stays in use long after its server is gone
    names = stack.desk.folder / "home" / "kept-names"
    addresses = []
    for mode in ("warm", "cold", "warm"):
        settings(stack, dr_mode=mode)
        stack.up()
        addresses.append(json.loads(stack.must("stack", "output", "inventory", "--json"))["endpoints"][0]["address"])
    first, none, second = addresses
    assert (none, first != second) == ("", True)
    for address in (first, second):
        assert address.startswith("example-dr-mysql-")
        assert address.partition(".")[2] == "mysql.database.azure.com"
    assert names.read_text().split() == [first.partition(".")[0]]
    stack.up("--expect-no-changes")
    stack.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert len(names.read_text().split()) == 3, "the second server and the vault"


def test_a_cloud_that_keeps_names_really_does_and_one_by_one_is_really_refused(stack: Stack, tmp_path: Path) -> None:
    # Without this, the test above would pass with a stand-in that never refuses.
    start_instead(stack, "azure-native", "keeping_provider.py")
    program = """
        import pulumi
        from pulumi_azure_native import dbformysql, resources
        group = resources.ResourceGroup("g", resource_group_name="g", location="koreacentral")
        inside = {{"resource_group_name": group.name}}
        if {server}:
            server = dbformysql.Server(
                "s", server_name="kept", administrator_login="dbadmin", administrator_login_password="x",
                sku={{"name": "Standard_B2s", "tier": "Burstable"}}, **inside)
            if {setting}:
                dbformysql.Configuration("c", server_name=server.name, configuration_name="local_infile", value="ON",
                                         **inside)
    """
    (stack.folder / "__main__.py").unlink()
    for server, setting, wrong in (
        (True, True, ""),
        (True, False, "one by one"),
        (False, False, "one by one"),
    ):
        stack.program(program.format(server=server, setting=setting))
        code, said = stack.run("up", "--yes", "--skip-preview")
        assert (code != 0, wrong in said) == (bool(wrong), True), said
    stack.must("state", "delete", "--yes", stack.state()["c"]["urn"])
    stack.up()
    stack.program(program.format(server=True, setting=False))
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "ServerNameAlreadyExists" in said


def test_from_two_names_to_one_the_users_name_changes_in_place_and_warm_still_needs_no_aws(stack: Stack) -> None:
    settings(stack, primary_has_ipv6=False)
    stack.up()
    two = resources(stack)
    one = {"names": "one", "primary_has_ipv6": False}
    settings(stack, **one)
    would = planned(stack)
    records = "aws:route53/record:Record"
    assert {op: number for (op, kind), number in would.items() if kind == records and op != "delete"} == {"update": 2}
    stack.up()
    cold = resources(stack)
    www = {urn: found for urn, found in cold.items() if "::aws-azure-www-" in urn and found[0] == records}
    assert len(www) == 2
    assert {urn: two[urn] for urn in www} == www, "the users' name is never away"
    assert [kind for kind, _ in cold.values() if kind.startswith(("aws:cloudfront", "aws:acm"))] == []
    stack.up("--expect-no-changes")

    kill(stack, "aws")
    kill(stack, "kubernetes")
    settings(stack, **one, dr_mode="warm")
    stack.up()
    warm = resources(stack)
    assert Counter(kind for urn, (kind, _) in warm.items() if urn not in cold) == WARM_ADDS
    assert {urn: warm[urn] for urn in cold} == cold
    assert stack.outputs()["names"] == ["www.example.com"]


def test_only_a_store_that_says_that_it_has_no_complete_backup_refuses_warm_and_before_any_of_it_is_made(
    stack: Stack, web: LatchWeb
) -> None:
    start_instead(stack, "azure-native", "token_provider.py")
    web.blobs = {"backups/20261121T030000Z-0000000a/schema.sql.zst": b"abc"}
    stack.up()
    cold = resources(stack)
    assert [url for url in web.asked if ".blob." in url] == [], "in cold nobody asks for backups"

    settings(stack, dr_mode="warm")
    for words in (["preview"], ["up", "--yes", "--skip-preview"]):
        web.asked.clear()
        code, said = stack.run(*words)
        assert code != 0, said
        assert "in mysql-backup of exampledrbackup there is no complete backup (20261121T030000Z-0000000a: it" in said
        assert "`pulumi stack output backup_by_hand`" in said
        assert "Traceback" not in said
        assert len([url for url in web.asked if ".blob." in url]) == 1, "asked once in a run"
    assert resources(stack) == cold

    web.forbidden = True
    said = stack.must("preview")
    assert "reading needs the role 'Storage Blob Data Reader' on container mysql-backup); this goes on" in said
    web.forbidden = False
    web.blobs |= backup("20261121T030000Z-0000000a")
    assert "nobody could look" not in stack.must("preview")

    settings(stack)
    assert planned(stack) == {("update", f"twinsite:index:{one}"): 1 for one in ("StandbyDatabase", "ColdWarmVm")}, (
        "the mode that components note is all that the refused `up` has changed"
    )


def backup(backup_id: str) -> dict[str, bytes]:
    """The blobs of a complete one that has no tables."""
    moment = "2026-11-21T03:00:00.000000Z"
    told = {
        "version": VERSION, "id": backup_id, "began": moment, "ended": moment,
        "schema": "petclinic", "gtid_executed": "",
        "source": {}, "objects": [], "character_set": "c", "collation": "c", "tables": [],
        "files": [{"blob": "schema.sql.zst", "bytes": 3, "sha256": "a" * 64}],
    }  # fmt: skip
    manifest = json.dumps(told).encode()
    return {f"backups/{backup_id}/schema.sql.zst": b"abc", f"backups/{backup_id}/manifest.json": manifest}


CHANGED_AT_AWS: dict[str, Any] = {
    "primary_alb_name": "another-1.ap-northeast-2.elb.amazonaws.com",
    "backup_schedule": "7 3 * * *",
    "alarm_emails": ["oncall@example.com", "second@example.com"],
}
"""Records, the CronJob, and a subscription that does not exist yet."""


def test_a_failover_rises_though_the_program_wants_changes_at_the_dead_site_and_the_next_up_brings_them(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = {"names": "one", "primary_has_ipv6": False}
    settings(stack, **one)
    stack.up()
    cold, before = resources(stack), of_the_primary(stack)
    upgrade(stack)
    kill(stack, "aws")
    kill(stack, "kubernetes")
    desk = at_the_desk(stack, monkeypatch)

    # A second name's distributions are in the inventory: without them it would be broken, and so would Pulumi's state.
    settings(stack, names="two", primary_has_ipv6=False)
    with pytest.raises(ProgramFailed, match="aws-azure-inventory needs aws-azure-front-distribution"):
        desk.to_mode("warm", lambda words: None)
    assert resources(stack) == cold

    settings(stack, **one, **CHANGED_AT_AWS)
    said: list[str] = []
    inventory = desk.to_mode("warm", said.append)
    assert "aws is left as it is" in said[0]
    asked = [words for words in said if "twinsite lab, not AWS" in words or "not a Kubernetes cluster" in words]
    assert asked == [], "each says so when it is asked anything"
    assert of_the_primary(stack) == before
    warm = resources(stack)
    assert Counter(kind for urn, (kind, _) in warm.items() if urn not in cold) == WARM_ADDS
    assert warm.keys() >= cold.keys()
    assert (inventory.dr_mode, inventory.host("azure-standby").exists) == ("warm", True)
    assert [name.fqdn for name in inventory.names] == ["www.example.com"]

    revive(stack, "aws")
    revive(stack, "kubernetes")
    left = {(op, kind) for op, kind in planned(stack) if kind.startswith(PRIMARY)}
    assert left >= {
        ("replace", "kubernetes:core/v1:ConfigMap"),
        ("update", "kubernetes:batch/v1:CronJob"),
        ("update", "aws:route53/record:Record"),
        ("update", "aws:sns/topic:Topic"),
        ("create", "aws:sns/topicSubscription:TopicSubscription"),
    }
    stack.up()
    stack.up("--expect-no-changes")


def test_a_dead_aws_is_really_dead(stack: Stack) -> None:
    # Without this, the test above would pass with a stand-in that never fails.
    stack.up()
    kill(stack, "aws")
    settings(stack, alarm_emails=["other@example.com"])
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "this cloud is dead" in said


def test_nothing_takes_the_standby_down_while_it_serves(stack: Stack, web: LatchWeb) -> None:
    settings(stack, dr_mode="warm")
    stack.up()
    before = resources(stack)

    settings(stack, dr_mode="cold", active_site="azure")
    for words in (["preview"], ["up", "--yes", "--skip-preview"]):
        code, said = stack.run(*words)
        assert code != 0
        assert "`twinsite failback --to aws` first" in said

    # The latch is set and nobody has changed active_site: preview cannot know, `up` reads the latch.
    web.status = 200
    settings(stack, dr_mode="cold")
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "the latch is set" in said
    kept = resources(stack)
    assert {name: one for name, one in kept.items() if DATABASE in name or STANDBY_MACHINE in name} == {
        name: one for name, one in before.items() if DATABASE in name or STANDBY_MACHINE in name
    }

    # No latch object answers: nobody knows where the users are.
    web.status = 0
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "nobody knows where the users are" in said


def test_after_a_failover_a_refresh_and_a_changed_setting_leave_the_standby_as_it_is(
    stack: Stack, web: LatchWeb
) -> None:
    settings(stack, dr_mode="warm")
    stack.up()
    before = resources(stack)
    web.status = 200
    serving = {"dr_mode": "warm", "active_site": "azure"}
    settings(stack, **serving)
    stack.up("--refresh")
    assert resources(stack) == before

    settings(stack, **serving, alarm_emails=["other@example.com"])
    assert {kind for (op, kind) in planned(stack) if op in ("replace", "delete")} <= {
        "aws:sns/topicSubscription:TopicSubscription",
        "azure-native:storage:Blob",
    }
    stack.up()

    upgrade(stack)
    machine, gate = (f"azure-native:compute:VirtualMachine{what}" for what in ("", "RunCommandByVirtualMachine"))
    would = planned(stack)
    assert (would["update", machine], would["update", gate]) == (1, 1), (
        "its tags; and it is asked what it makes of that"
    )
    assert {kind for op, kind in would if op in ("replace", "delete")} == {
        "azure-native:storage:Blob", "kubernetes:core/v1:ConfigMap",
    }  # fmt: skip
    stack.up()
    assert {urn: one for urn, one in resources(stack).items() if STANDBY_MACHINE in urn} == {
        urn: one for urn, one in before.items() if STANDBY_MACHINE in urn
    }
    stack.up("--expect-no-changes")

    settings(stack, **serving, machine_image="Canonical:ubuntu-26_04-lts:server:26.04.202611010")
    for words in (["preview"], ["up", "--yes", "--skip-preview"]):
        code, said = stack.run(*words)
        assert code != 0
        assert "which serves now" in said
    assert {urn: one for urn, one in resources(stack).items() if STANDBY_MACHINE in urn} == {
        urn: one for urn, one in before.items() if STANDBY_MACHINE in urn
    }


def test_a_mode_that_is_not_there_and_a_home_inside_aws_are_refused_before_anything(stack: Stack) -> None:
    settings(stack, dr_mode="pilot-light", standby_data="replica")
    file = stack.folder / "Pulumi.yaml"
    text = file.read_text()
    stack.desk.extra["CODEBUILD_BUILD_ID"] = "build:1"
    code, said = stack.run("preview")
    assert code != 0
    assert "dr_mode pilot-light is not offered by topology aws-azure, which has cold, warm" in said
    assert "standby_data replica is not offered by topology aws-azure, which has backup" in said
    assert "this runs inside AWS (AWS CodeBuild)" in said
    assert ("Traceback" in said, "an unhandled error occurred" in said) == (False, False)
    assert file.read_text() == text
    assert resources(stack) == {}


def test_a_secret_in_clear_text_is_refused(stack: Stack) -> None:
    file = stack.folder / "Pulumi.test.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["twinsite:primary_database_password"] = "in clear"
    file.write_text(yaml.safe_dump(content))
    code, said = stack.run("preview")
    assert code != 0
    assert "`pulumi config set --secret primary_database_password`" in said
    assert "in clear\n" not in said
