"""The standby role on real machines: from a backup to a correct page, killed at each step, closed, renewed, refused."""

import dataclasses
import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from benchmarks.breakages import run
from benchmarks.breakages.standby import SAMPLE
from benchmarks.breakages.standby import STANDBY as ROWS
from benchmarks.breakages.table import Breakage
from operations.subjects.away_reader import parse_standby
from operations.subjects.standby import StandbySeen
from tests.sampling import sample
from twinsite.guest.standby import plan
from twinsite.machine import azure_documents

from .standby_machine import (
    APPLICATION,
    DATABASE,
    GUEST,
    MORE_OWNERS,
    PASSWORD,
    SECRET,
    STANDBY,
    Clinic,
    running_clinic,
)
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]


OWN = {
    "own": {"store": "file:///srv/own", "schedule": "17 18 * * *", "keep_days": 35},
    "writer": {"store": "file:///srv/operations", "home": "aws"},
}
"""Of a standby that backs itself up while its site is the writer."""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with running_clinic(tmp_path_factory.mktemp("clinic"), "ts") as clinic:
        yield clinic


@pytest.fixture
def clinic(machines: Clinic) -> Clinic:
    """Two machines on which nothing was applied yet, whatever the test before left behind."""
    machines.reset()
    machines.empty()
    return machines


def outcomes(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {step["name"]: step["detail"] for step in document["steps"]}


def test_from_a_backup_to_a_correct_page(clinic: Clinic) -> None:
    document = clinic.apply()
    assert document["outcome"] == "ready"
    assert sorted(step["name"] for step in document["steps"]) == sorted(plan.STEPS)
    assert document["divergent_tables"] == []
    status, text = clinic.page()
    assert status == 200 and "served by site azure" in text
    assert clinic.sql("SELECT COUNT(*) FROM petclinic.owners") == str(MORE_OWNERS + 10)
    done = clinic.role("gate --timeout 5")
    assert done.returncode == 0, done.stderr
    report = clinic.report()
    assert (report["outcome"], report["application"], report["closed"], report["writable"]) == (
        "ready", "running", False, True,
    )  # fmt: skip
    assert report["backup_id"] == report["marker"]["backup_id"] == document["backup_id"]


def test_the_script_that_pulumi_up_waits_for_ends_with_the_machines_own_verdict(clinic: Clinic) -> None:
    clinic.apply()
    told = clinic.must("cat /etc/twinsite/standby.told").strip()

    def gate(wanted: str) -> "tuple[int, str]":
        script = azure_documents.gate_script("standby", "vm-unique", wanted, 20)
        done = clinic.pair.on(STANDBY, "sh -s", script.encode())
        return done.returncode, done.stdout + done.stderr

    assert gate(told)[0] == 0
    # No agent works on this machine, so another document never arrives.
    code, words = gate("0" * 16)
    assert code == 1
    assert "without the agent" in words and "/var/log/dr-vm-init.log" in words and "verdict: ready" in words


def test_nobody_gets_in_round_the_front_door(clinic: Clinic) -> None:
    clinic.apply()
    assert clinic.page("")[0] == 403
    assert clinic.page("x" * 32)[0] == 403
    assert clinic.page(SECRET)[0] == 200
    assert "127.0.0.1]:8080" in clinic.must("ss -ltn") or "127.0.0.1:8080" in clinic.must("ss -ltn")


def test_the_databases_own_machine_keeps_its_login_and_is_not_disturbed_by_another_apply(clinic: Clinic) -> None:
    before = clinic.pair.started(DATABASE)
    assert clinic.pair.apply(DATABASE) == {"changed": [], "disruption": "none"}
    assert clinic.pair.started(DATABASE) == before


def test_applying_again_only_asks_for_the_page(clinic: Clinic) -> None:
    clinic.apply()
    started = clinic.must("systemctl show tomcat11 nginx -p ExecMainStartTimestampMonotonic")
    assert [step["name"] for step in clinic.apply()["steps"]] == ["answer"]
    assert clinic.must("systemctl show tomcat11 nginx -p ExecMainStartTimestampMonotonic") == started


def test_no_secret_is_in_the_log_the_status_or_a_readable_file(clinic: Clinic) -> None:
    clinic.apply()
    clinic.put("/srv/patterns", f"{SECRET}\n{PASSWORD}\n{APPLICATION}\n")  # not in an argument, which sudo would log
    found = clinic.must("grep -rlf /srv/patterns /var/log /var/lib/twinsite /etc || true").split()
    modes = {path: clinic.must(f"stat -c '%a' {path}").strip() for path in found}
    assert modes == {
        "/etc/nginx/conf.d/twinsite.conf": "600",
        "/etc/twinsite/application.password": "640",
        "/etc/twinsite/backup.secrets.json": "600",
    }


def as_the_application(clinic: Clinic, statement: str, options: str = "") -> str:
    """What the database answers to the application's login, with what the machine has: rows, or the error."""
    options = options or "--ssl-mode=VERIFY_IDENTITY --ssl-ca=/etc/twinsite/application-ca.pem"
    login = "MYSQL_PWD=$(cat /etc/twinsite/application.password) mysql --no-defaults -N -u application"
    return clinic.must(f"{login} -h {DATABASE} {options} 2>&1; true", statement.encode()).strip()


def test_the_application_has_a_login_of_its_own_and_its_schema_only(clinic: Clinic) -> None:
    clinic.apply()
    of = "SELECT COALESCE(SUM(total_connections), 0) FROM performance_schema.accounts WHERE user = '{}'"
    before = {user: int(clinic.sql(of.format(user))) for user in ("application", "dbadmin")}
    assert clinic.page()[0] == 200
    assert int(clinic.sql(of.format("application"))) > before["application"]
    assert int(clinic.sql(of.format("dbadmin"))) == before["dbadmin"], "the page came by another login"
    assert clinic.must("grep DATABASE_USER /etc/twinsite/application.env").strip() == 'DATABASE_USER="application"'
    assert as_the_application(clinic, "SELECT CURRENT_USER(), COUNT(*) > 20000 FROM petclinic.owners") == (
        "application@%\t1"
    )
    assert as_the_application(clinic, "CREATE TABLE petclinic.own (a INT); DROP TABLE petclinic.own") == ""
    refused = {
        "SELECT * FROM twinsite_standby.data": "1142",
        "UPDATE twinsite_standby.data SET state = 'proved'": "1142",
        "SELECT user FROM mysql.user": "1142",
        "CREATE DATABASE petclinicx": "1044",
        "CREATE USER another": "1227",
        "SET GLOBAL max_connections = 9": "1227",
        "GRANT SELECT ON petclinic.* TO dbadmin": "1044",
    }
    said = {statement: as_the_application(clinic, statement) for statement in refused}
    assert {statement: words[:10] for statement, words in said.items()} == {
        statement: f"ERROR {number}" for statement, number in refused.items()
    }
    assert "ERROR 1045" in as_the_application(clinic, "SELECT 1", "--ssl-mode=DISABLED"), "TLS or nothing"


def test_a_rotated_password_of_the_application_is_taken_up_and_the_old_one_is_worth_nothing(clinic: Clinic) -> None:
    clinic.apply()
    try:
        clinic.put("/srv/secrets/application", "b" * 32)
        clinic.config["secret_versions"] = {"application-password": "2"}
        steps = [step["name"] for step in clinic.apply()["steps"]]
        assert "login" in steps and "restore" not in steps
        assert clinic.page()[0] == 200
        assert as_the_application(clinic, "SELECT 1") == "1"
        clinic.put("/etc/twinsite/application.password", APPLICATION)
        assert "ERROR 1045" in as_the_application(clinic, "SELECT 1")
    finally:
        clinic.put("/srv/secrets/application", APPLICATION)


@pytest.fixture(scope="module")
def undisturbed(machines: Clinic) -> dict[str, str]:
    """The end state of a run that nobody killed."""
    machines.reset()
    machines.empty()
    machines.apply()
    return machines.state()


@pytest.mark.parametrize("step", sample([*plan.STEPS, "amid-restore"], in_ci=("amid-restore", "login", "deploy")))
def test_killed_in_each_step_and_run_again_it_ends_the_same(
    clinic: Clinic, undisturbed: dict[str, str], step: str
) -> None:
    clinic.killed(step)
    document = clinic.apply()
    assert document["outcome"] == "ready"
    assert clinic.state() == undisturbed
    assert clinic.page()[0] == 200


@pytest.mark.parametrize("step", sample(["amid-restore", "deploy"], in_ci=["amid-restore"]))
def test_killed_and_rebooted_it_ends_the_same_and_serves_nothing_before(
    clinic: Clinic, undisturbed: dict[str, str], step: str
) -> None:
    clinic.killed(step)
    clinic.reboot()
    assert clinic.must("systemctl is-active tomcat11 || true").strip() == "inactive"
    assert clinic.apply()["outcome"] == "ready"
    assert clinic.state() == undisturbed


def test_a_ready_machine_serves_again_after_a_reboot_by_itself(clinic: Clinic) -> None:
    clinic.apply()
    clinic.reboot()
    clinic.must("for i in $(seq 60); do systemctl is-active -q tomcat11 && exit 0; sleep 0.5; done; exit 1")
    assert [step["name"] for step in clinic.apply()["steps"]] == ["answer"]


def test_a_newer_backup_is_never_restored_over_data_that_are_there(clinic: Clinic) -> None:
    first = clinic.apply()
    clinic.sql("UPDATE petclinic.owners SET city = 'written at the standby' WHERE id = 1")
    newer = clinic.backup()
    clinic.must("rm -rf /var/lib/twinsite")  # as on a machine that was replaced
    document = clinic.apply()
    assert document["backup_id"] == first["backup_id"] != newer
    assert "the database has it already" in outcomes(document)["restore"]
    assert clinic.sql("SELECT city FROM petclinic.owners WHERE id = 1") == "written at the standby"
    clinic.must(f"rm -rf /srv/backups/backups/{newer}")


def test_a_closed_machine_stays_closed_over_applies_and_reboots_until_it_is_opened(clinic: Clinic) -> None:
    clinic.apply()
    clinic.must(f"{GUEST} standby close")
    assert clinic.page()[0] == 502
    assert clinic.report()["closed"] is True
    clinic.apply()
    clinic.reboot()
    assert clinic.must("systemctl is-active tomcat11 || true").strip() == "inactive"
    clinic.must(f"{GUEST} standby open")
    assert clinic.page()[0] == 200
    assert clinic.report()["closed"] is False


def test_data_are_renewed_on_purpose_only_and_never_by_an_older_backup_than_a_closed_machines(clinic: Clinic) -> None:
    first = clinic.apply()["backup_id"]
    clinic.sql("UPDATE petclinic.owners SET last_name = 'Here' WHERE id = 1")
    clinic.must(f"{GUEST} standby renew {first}")
    assert clinic.sql("SELECT COUNT(*) FROM petclinic.owners WHERE last_name = 'Here'") == "0"
    assert clinic.page()[0] == 200
    clinic.must(f"{GUEST} standby close")
    done = clinic.role(f"renew {first}")
    assert done.returncode == 2
    assert "older than the data here" in done.stderr


def test_without_any_backup_the_gate_fails_at_once_with_the_reason(clinic: Clinic) -> None:
    clinic.config["backups"] = "file:///srv/nothing"
    clinic.must("mkdir -p /srv/nothing")
    clinic.tell()
    assert clinic.role("apply").returncode == 2
    done = clinic.role("gate --timeout 30")
    assert done.returncode == 1
    assert "failed at step restore" in done.stderr and "/var/log/dr-vm-init.log" in done.stderr
    assert clinic.must("systemctl is-active tomcat11 || true").strip() == "inactive"


def test_another_artefact_than_the_pinned_one_is_not_served(clinic: Clinic) -> None:
    clinic.config["application"]["sha256"] = "0" * 64
    clinic.tell()
    done = clinic.role("apply")
    assert done.returncode == 1
    assert "another file than the one that was tested" in done.stderr
    assert json.loads(clinic.must("cat /var/lib/twinsite/standby.status.json"))["failures"] == 1


def test_a_certificate_that_the_front_door_would_refuse_fails_the_machine(clinic: Clinic) -> None:
    clinic.config["origin"]["host"] = "another-name.example.com"
    clinic.tell()
    done = clinic.role("apply")
    assert done.returncode == 1
    assert "CloudFront would refuse it" in done.stderr


def test_with_one_name_users_come_directly_under_a_certificate_that_names_it_and_nobody_else_does(
    clinic: Clinic,
) -> None:
    clinic.config["origin"]["direct_hosts"] = ["www.example.com"]
    clinic.tell()
    done = clinic.role("apply")
    assert done.returncode == 1
    assert "not accepted for www.example.com" in done.stderr and "a user's browser would refuse it" in done.stderr
    try:
        clinic.certificate("www.example.com")
        clinic.config["secret_versions"] = {"origin-certificate": "2"}
        assert clinic.apply()["outcome"] == "ready"
        assert clinic.page("", name="www.example.com")[0] == 200
        assert clinic.page("")[0] == 403, "the machine's own name stays for those who know the header"
    finally:
        clinic.certificate()


def test_a_renewed_certificate_is_taken_up_without_a_restart(clinic: Clinic) -> None:
    clinic.apply()
    started = clinic.must("systemctl show nginx tomcat11 -p MainPID")
    clinic.certificate()
    assert json.loads(clinic.must(f"{GUEST} standby certificate").splitlines()[-1]) == {"changed": True}
    assert clinic.must("systemctl show nginx tomcat11 -p MainPID") == started
    assert clinic.page()[0] == 200


def test_while_its_site_is_the_writer_it_backs_itself_up_and_a_lost_database_comes_back_from_that(
    clinic: Clinic,
) -> None:
    clinic.must("rm -rf /srv/own /srv/operations; mkdir -p /srv/own /srv/operations")
    clinic.config |= {
        **OWN,
        "elsewhere": ["file:///srv/nowhere", "file:///srv/own"],
    }
    first = clinic.apply()["backup_id"]
    assert "18:17" in clinic.must("systemctl list-timers --all twinsite-backup.timer")
    run = "systemctl start twinsite-backup.service && ls /srv/own"
    assert clinic.must(run).split() == [], "aws is the writer: what is here came out of a backup"
    clinic.put("/srv/operations/writer.json", json.dumps({"site": "azure", "epoch": 1}))
    clinic.sql("UPDATE petclinic.owners SET city = 'written at the standby' WHERE id = 1")
    assert clinic.must(run).split() == ["backups"]
    (own,) = clinic.must("ls /srv/own/backups").split()
    said = json.loads(clinic.must(f"cat /srv/own/backups/{own}/manifest.json"))
    assert said["branch"] == {"site": "azure", "epoch": 1, "writer": "azure"}
    # A younger one of the other site, which is not the writer any more.
    stale = clinic.backup()
    about = f"/srv/backups/backups/{stale}/manifest.json"
    branch = {"site": "aws", "epoch": 1, "writer": "azure"}
    clinic.put(about, json.dumps(json.loads(clinic.must(f"cat {about}")) | {"branch": branch}))
    try:
        clinic.empty()
        again = clinic.apply()
    finally:
        clinic.must(f"rm -rf /srv/backups/backups/{stale}")
    assert again["backup_id"] == own != first
    assert clinic.sql("SELECT city FROM petclinic.owners WHERE id = 1") == "written at the standby"
    clinic.must(f"{GUEST} standby undo")
    assert "twinsite-backup" not in clinic.must("systemctl list-timers --all")


@dataclasses.dataclass
class Desk:
    """A Desk of benchmarks/breakages/run.py: what status says of a standby."""

    clinic: Clinic

    def status(self) -> dict[str, Any]:
        standby = parse_standby(self.clinic.report())
        return {"problems": list(StandbySeen(standby, "warm", None).problems())}

    def command(self, words: Sequence[str]) -> dict[str, Any]:
        raise AssertionError(f"nothing of a standby is mended by {words}")

    def shell(self, place: str, program: str, *arguments: str) -> str:
        return self.clinic.must(shlex.join(["sh", "-s", *arguments]), program.encode())


@pytest.fixture(scope="module")
def desk(machines: Clinic) -> Desk:
    """A standby that is ready, for all rows: each is mended before the next. No test behind it takes that away."""
    machines.reset()
    machines.empty()
    machines.config |= OWN
    machines.apply()
    found = Desk(machines)
    assert found.status() == {"problems": []}
    return found


@pytest.mark.parametrize(
    "row", sample(ROWS, [row for row in ROWS if row.name in SAMPLE]), ids=lambda row: str(row.name)
)
def test_a_breakage_is_named_with_its_cause_and_undone_as_status_says(desk: Desk, row: Breakage) -> None:
    found = run.one(desk, row)
    assert found.seconds is not None, str(found)
    assert found.mended, str(found)
    assert found.wrong == "", str(found)
