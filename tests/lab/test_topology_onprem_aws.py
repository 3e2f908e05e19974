"""Topology onprem-aws on the real engine and on real machines, as a user types it."""

import json
from collections.abc import Iterator

import pytest

from tests.sampling import sample

from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.alone]


@pytest.fixture(scope="module", autouse=True)
def changed(one_lab: OneLab) -> Iterator[None]:
    yield
    one_lab.spoil()


def uptime(stack: Provisioned, host: str) -> int:
    """Unix time at which mysqld was started."""
    return int(stack.on(host, 'date +%s -d "$(systemctl show -P ActiveEnterTimestamp mysql.service)"'))


def test_everything_is_healthy_after_one_up(stack: Provisioned) -> None:
    status = stack.json("twinsite", "status", "--json")
    assert status["problems"] == []
    assert status["healthy"] is True
    assert status["dr_mode"] == "pilot-light"


def test_a_second_up_changes_nothing(stack: Provisioned) -> None:
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_a_refresh_finds_nothing_changed(stack: Provisioned) -> None:
    stack.pulumi("refresh", "--yes", "--expect-no-changes")


def test_a_mode_that_is_not_offered_is_refused_with_the_command_that_fixes_it(stack: Provisioned) -> None:
    stack.pulumi("config", "set", "dr_mode", "warm")
    done = stack.run("pulumi", "preview", "--stack", "dev", "--non-interactive")
    stack.pulumi("config", "set", "dr_mode", "pilot-light")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "`pulumi config set dr_mode pilot-light`" in said
    assert "Traceback" not in said


def test_no_secret_is_readable_in_the_outputs_or_the_state(stack: Provisioned) -> None:
    shown = stack.pulumi("stack", "output", "--json")
    state = stack.pulumi("stack", "export")
    secrets = json.loads(stack.on("onprem-gateway", "sudo cat /etc/twinsite/gateway.secrets.json"))
    for key in secrets["psk"].values():
        assert key not in shown
        assert key not in state


CUTS = ("link-down", "one-way", "terminate", "gateway-reboot", "gateway-crash")


@pytest.mark.parametrize("how", sample(CUTS, in_ci=("link-down", "gateway-crash")))
def test_each_kind_of_cut_heals_by_itself_and_loses_nothing(stack: Provisioned, how: str) -> None:
    result = stack.json("twinsite", "drill", "tunnel-cut", "--how", how, "--seconds", "20", "--settle", "5", "--json")
    assert result["verdict"] == "passed", json.dumps(result, indent=1)
    figures = result["figures"]
    assert figures["acked"] > 0
    assert (figures["missing"], figures["duplicated"], figures["reordered"]) == (0, 0, 0)
    assert figures["child_sas"] == 1
    assert figures["cleartext_packets"] == 0


def test_a_flush_on_the_replica_needs_a_persons_word_and_no_new_copy(stack: Provisioned) -> None:
    stack.on("onprem-database", "sudo mysql -e 'FLUSH TABLES'")
    offered = stack.json("twinsite", "repair", "--json")
    assert offered["verdict"] == "refused"
    assert "`twinsite repair --confirm empty-transactions`" in offered["refused"][0]
    before = uptime(stack, "onprem-database")
    mended = stack.json("twinsite", "repair", "--confirm", "empty-transactions", "--json")
    assert mended["verdict"] == "passed", json.dumps(mended, indent=1)
    assert uptime(stack, "onprem-database") == before, "a copy restarts the server"
    assert stack.json("twinsite", "repair", "--json")["found"] == []


def test_hosts_that_were_built_anew_get_everything_by_a_replacement(stack: Provisioned) -> None:
    for host in ("onprem-gateway", "onprem-database"):
        role = host.removeprefix("onprem-")
        stack.on(host, f"sudo python3 /opt/twinsite/current/agent/install.py remove {role}")
    stack.on("onprem-database", "sudo rm /var/lib/twinsite/inventory.json")
    (gateway, database) = ("**::onprem-aws-onprem-gateway-apply", "**::onprem-aws-onprem-apply")
    stack.pulumi("up", "--yes", "--skip-preview", "--replace", gateway, "--replace", database)
    assert stack.json("twinsite", "status", "--json")["problems"] == []
    assert json.loads(stack.on("onprem-database", "cat /var/lib/twinsite/inventory.json"))["topology"] == "onprem-aws"


def source(stack: Provisioned) -> dict[str, tuple[str, str]]:
    """Id and image of the source's machine, id and size of its data volume."""
    found = json.loads(stack.pulumi("stack", "export"))["deployment"]["resources"]
    (machine,) = [one for one in found if one["urn"].endswith("::onprem-aws-aws-database-instance")]
    (volume,) = [one for one in found if one["type"] == "aws:ebs/volume:Volume"]
    return {
        "machine": (machine["id"], machine["outputs"]["ami"]),
        "volume": (volume["id"], str(volume["outputs"]["size"])),
    }


def test_a_raised_generation_rebuilds_the_source_on_its_volume_which_grows(stack: Provisioned) -> None:
    before = source(stack)
    write = "CREATE DATABASE app; CREATE TABLE app.t (v INT PRIMARY KEY); INSERT INTO app.t VALUES (41)"
    stack.on("aws-source", f"sudo mysql -e '{write}'")
    image = "ami-0fedcba9876543210"
    for key, value in {"source_ami": image, "source_generation": "2", "data_volume_gib": "22"}.items():
        stack.pulumi("config", "set", key, value)
    stack.pulumi("up", "--yes", "--skip-preview")
    after = source(stack)
    assert after["machine"][0] != before["machine"][0]
    assert after["machine"][1] == image
    assert after["volume"] == (before["volume"][0], "22")
    assert stack.on("aws-source", "sudo mysql -Ne 'SELECT v FROM app.t'").strip() == "41"
    assert int(stack.on("aws-source", "df --output=size -BG /var/lib/mysql | tail -n 1").strip(" G\n")) >= 21
    assert stack.json("twinsite", "status", "--json")["problems"] == []
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_a_changed_retention_arrives_without_a_restart_of_either_server(stack: Provisioned) -> None:
    before = [uptime(stack, host) for host in ("aws-source", "onprem-database")]
    stack.pulumi("config", "set", "tolerated_outage_hours", "40")
    stack.pulumi("up", "--yes", "--skip-preview")
    query = "sudo mysql -N -e 'SELECT @@GLOBAL.binlog_expire_logs_seconds'"
    assert int(stack.on("aws-source", query)) >= 2 * 40 * 3600
    assert [uptime(stack, host) for host in ("aws-source", "onprem-database")] == before


def test_a_rotation_of_the_key_keeps_the_tunnel(stack: Provisioned) -> None:
    keys = "sudo cat /etc/twinsite/gateway.secrets.json"
    before = json.loads(stack.on("onprem-gateway", keys))["psk"]
    stack.pulumi("config", "set", "psk_generation", "2")
    stack.pulumi("up", "--yes", "--skip-preview")
    after = json.loads(stack.on("onprem-gateway", keys))["psk"]
    assert after["2"] == before["2"], "the next key was on both ends beforehand"
    assert sorted(after) == ["2", "3"], "what was retired is nowhere on the host"
    assert stack.json("twinsite", "status", "--json")["problems"] == []


def test_the_data_of_the_active_site_is_not_destroyed(stack: Provisioned) -> None:
    done = stack.run(
        "pulumi", "destroy", "--run-program", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive"
    )
    assert done.returncode != 0
    assert "its site is active" in done.stdout + done.stderr
    stack.pulumi("up", "--yes", "--skip-preview")
    assert stack.json("twinsite", "status", "--json")["problems"] == []


def test_after_a_destroy_the_on_prem_hosts_are_as_they_were(stack: Provisioned) -> None:
    stack.pulumi("config", "set", "active_site", "onprem")
    stack.pulumi("destroy", "--run-program", "--yes", "--skip-preview")
    for host in ("onprem-gateway", "onprem-database"):
        left = stack.on(host, "ls -d /opt/twinsite /etc/twinsite /usr/local/sbin/twinsite-guest 2>/dev/null || true")
        assert left == ""
