"""Topology aws-azure on the real engine and on machines, as a user types it: AWS dies, Azure serves, AWS comes back.

One story on one box: each test goes on where the one before it ended.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "tools"))

from kit import parts

from lab.client import Client
from lab.paths import TREE
from lab.scenes.aws_azure import SCENE, primary, standby
from lab.scenes.aws_azure.story import SEEN_SECONDS, sees_primary
from lab.services.azure_blob import ACCOUNT
from lab.services.azure_rights import ASSIGNMENT
from lab.services.zones import RECORD_TOKEN

from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import PATHS, lab, must, needs_a_box

pytestmark = needs_a_box

PAGE = f"https://dr.{primary.DOMAIN}/petclinic/"
USERS = f"www.{primary.DOMAIN}"
"""The one name, in the end."""
CRONJOB = "rds-backup"
FAILOVER = ("twinsite", "--stack", "dr", "failover", "--to", "azure", "--source-is-dead", "--json")
FAILBACK = ("twinsite", "--stack", "dr", "failback", "--to", "aws", "--json")
SEED = random.Random(4)
KILLED_OVER = SEED.choice(["have backup", "compare every table", "set the latch object azblob://labdrpublic"])
"""Beginning of the step in which the operator's command is killed."""
KILLED_BACK = SEED.choice(["dump azure's database", "move aws's old tables", "restore the dump", "remove the latch"])
DESK, RUN_COMMAND, FETCH = (
    str(Path(__file__).parent / path)
    for path in ("traffic_site/desk.py", "azure_site/run_command.py", "azure_site/fetch.py")
)
KIT = "twinsite-kit-dr"
BACKUP_ACCOUNT, LATCH_ACCOUNTS = "labdrbackup", ("labdrpublic", "labdrlatch")
NO_KEY, FIREWALL = "KeyVaultEncryptionKeyNotFound", "AuthorizationFailure"
LATCH_SECONDS = 10 + 6
"""The promise without the TTL: interval x 1 + 6. Route 53's own servers are asked."""
KEEP_DAYS = "21"
CHECK_ROUNDS_SECONDS = 10 * 3 + 6
"""What moves a name by the primary's health, without the TTL: interval x failures + 6, from when the checks see the
primary again. Route 53's own servers are asked."""


class Clinic(Provisioned):
    """Stack dr, the clinic's users, and the owner of the database at AWS."""

    answers: list[str]
    """What www was answered with while it was adopted."""

    def first_day(self) -> None:
        """`www` is live when twinsite comes: the first `up` stops there, the name is adopted, the second one ends."""
        box = Client(PATHS.socket)
        alias = {"name": f"dualstack.{primary.ALB.name}", "zoneId": primary.ALB.zone_id, "evaluateTargetHealth": True}
        record = {"zoneId": primary.ZONE_ID, "name": USERS, "fqdn": USERS, "type": "A", "aliases": [alias]}
        box.call("records_put", token=RECORD_TOKEN, id=f"{primary.ZONE_ID}_{USERS}_A", record=record)
        words = ("--yes", "--skip-preview", "--continue-on-error", "--stack", "dr", "--non-interactive")
        done = self.run("pulumi", "up", *words)
        assert done.returncode != 0
        assert f"twinsite adopt-name {USERS}" in done.stdout + done.stderr
        with self.watched():
            self.passed("twinsite", "--stack", "dr", "adopt-name", USERS, "--json")
        self.pulumi("up", "--yes", "--skip-preview")

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Answers to `www` from before the body begins until after it has ended, however long that takes."""
        command = [TREE / "scripts" / "lab", "exec", "--", "python", DESK, "watch", USERS]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            first = watching.stdout.readline().strip()
            try:
                yield
            finally:
                self.answers = [first, *watching.communicate("")[0].splitlines()]

    def page(self, path: str = "", *words: str) -> str:
        """Headers and body as a user gets them, by name."""
        # Asked again when the desk's resolver was too slow, as happens on a busy machine.
        return self.must("curl", "-sS", "-m", "20", "--retry", "3", "-i", *words, PAGE + path)

    def owners(self) -> str:
        return self.page("owners")

    def add_owner(self, name: str) -> None:
        form = {"firstName": name, "lastName": "Clinic", "address": "1 St", "city": "Seoul", "telephone": "0212345678"}
        words = [word for key, value in form.items() for word in ("--data-urlencode", f"{key}={value}")]
        assert " 303 " in self.page("owners", *words).splitlines()[0]

    def site(self) -> str:
        found = re.search(r"^x-site: (\S+)", self.page(), re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""

    def status(self) -> dict[str, Any]:
        return self.json("twinsite", "--stack", "dr", "status", "--json")

    def until_seen_again(self) -> None:
        """Until the health checks have the primary's own page as healthy."""
        names = json.loads(self.pulumi("stack", "output", "inventory", "--json"))["names"]
        deadline = time.monotonic() + SEEN_SECONDS
        while not sees_primary(json.loads(lab("status", "--json").stdout), names):
            assert time.monotonic() < deadline, "no check sees the primary again"
            time.sleep(0.5)

    def on_standby(self, command: str) -> str:
        """What a command says on the standby machine, both outputs, by Azure's run command."""
        found = json.loads(self.pulumi("stack", "output", "inventory", "--json"))["hosts"][0]["way"]
        group = f"/subscriptions/{found['subscription']}/resourceGroups/{found['resource_group']}"
        machine = f"{group}/providers/Microsoft.Compute/virtualMachines/{found['vm']}"
        return self.must("python", RUN_COMMAND, machine, f"{command} 2>&1; true")

    def dns(self, *words: str) -> str:
        """What desk.py of the traffic tests prints."""
        return self.must("python", DESK, *words).strip()

    def sql(self, statement: str, user: str = "backup") -> str:
        """At AWS, from the cluster's node."""
        password = json.loads((PATHS.desk / ".passwords.json").read_text())[user]
        login = f"-h {primary.DATABASE_HOST} -u {user} -p{password} --ssl-mode=REQUIRED -N"
        done = lab("shell", "ubuntu@aws-application", "--", f"mysql {login}", stdin=statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def as_master(self, statement: str) -> None:
        """What RDS's master user types."""
        self.sql(statement, "admin")

    def resources(self) -> set[str]:
        """URNs of what the state has."""
        found = json.loads(self.pulumi("stack", "export"))["deployment"]["resources"]
        return {one["urn"] for one in found}

    def back_up(self, job: str) -> None:
        """One run of the CronJob; a name as the scheduler gives counts as scheduled."""
        cluster = ("kubectl", "--namespace", primary.NAMESPACE)
        self.must(*cluster, "create", "job", job, f"--from=cronjob/{CRONJOB}")
        deadline = time.monotonic() + 120
        while True:
            status = self.json(*cluster, "get", "job", job, "--output", "json").get("status", {})
            if status.get("succeeded"):
                return
            assert time.monotonic() < deadline and not status.get("failed"), status
            time.sleep(0.5)

    def told(self) -> dict[str, Any]:
        """Of the CronJob, in the ConfigMap that the state knows."""
        resources = json.loads(self.pulumi("stack", "export"))["deployment"]["resources"]
        (found,) = [one for one in resources if one["type"] == "kubernetes:core/v1:ConfigMap"]
        told: dict[str, Any] = json.loads(found["inputs"]["data"]["backup.json"])
        return told

    def passed(self, *words: str) -> dict[str, Any]:
        found = self.json(*words)
        assert found["verdict"] == "passed", json.dumps(found, indent=1)
        return found


def killed_in(step: str, *words: str) -> None:
    """The command with SIGKILL to its own process alone, when it says that a step has begun."""
    running = subprocess.Popen(
        [TREE / "scripts" / "lab", "exec", "--", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    said = []
    with running.stderr:
        for line in running.stderr:
            said.append(line)
            if line.startswith(f"… {step}"):
                os.kill(running.pid, signal.SIGKILL)
                break
    running.wait()
    assert running.returncode == -signal.SIGKILL, f"it never came to {step!r}:\n" + "".join(said)


def taken(token: str, mark: str) -> dict[str, Any]:
    """What Azure has of this kind with `mark` in it, deleted as by hand in its portal; id → record."""
    box = Client(PATHS.socket)
    found = {key: one for key, one in box.call("records_list", token=token).items() if mark in f"{key} {one}"}
    assert found, f"nothing of kind {token} has {mark!r}"
    for key in found:
        box.call("records_delete", token=token, id=key)
    return found


def give(token: str, records: dict[str, Any]) -> None:
    for key, one in records.items():
        Client(PATHS.socket).call("records_put", token=token, id=key, record=one)


@contextlib.contextmanager
def refusing(account: str, code: str) -> Iterator[None]:
    must("refuse", account, code)
    try:
        yield
    finally:
        must("refuse", account, "off")


@pytest.fixture(scope="module")
def clinic(one_lab: OneLab) -> Clinic:
    one_lab.up(SCENE.topology, without=SCENE.stack)
    one_lab.uses.add("dr")
    clinic = Clinic("dr")
    clinic.first_day()
    return clinic


def test_a_name_that_was_live_led_to_the_primary_at_every_moment_of_its_adoption(clinic: Clinic) -> None:
    assert set(clinic.answers) == {primary.ALB.v4}
    kept = json.loads(clinic.pulumi("config", "get", "previous_records"))
    assert [one["Type"] for one in kept[USERS]] == ["A"]


def test_before_the_first_backup_warm_is_refused_and_nothing_of_it_is_made(clinic: Clinic) -> None:
    before = clinic.resources()
    clinic.pulumi("config", "set", "dr_mode", "warm")
    done = clinic.run("pulumi", "up", "--yes", "--skip-preview", "--stack", "dr", "--non-interactive")
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "in mysql-backup of labdrbackup there is no complete backup. Run the backup job by hand" in said
    assert clinic.resources() == before
    machines = [one["id"] for one in json.loads(lab("status", "--json").stdout)["machines"]]
    assert [one for one in machines if "azure" in one or "mysql" in one] == []
    clinic.pulumi("config", "set", "dr_mode", "cold")
    said = clinic.pulumi("up", "--yes", "--skip-preview")
    assert re.findall(r"^ +\S (\d+ (?!unchanged)\w+)$", said, re.MULTILINE) == ["2 updated"], "two components' own mode"
    assert clinic.resources() == before


def test_cold_keeps_a_backup_and_users_are_at_aws(clinic: Clinic) -> None:
    assert clinic.site() == "aws"
    clinic.add_owner("Before")
    clinic.back_up(f"{CRONJOB}-29400000")
    clinic.add_owner("Late")
    status = clinic.status()
    assert status["problems"] == []
    assert (status["dr_mode"], status["active_site"], status["standby"]["exists"]) == ("cold", "aws", False)


@pytest.fixture(scope="module")
def kit(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in quiet times, put into the standby's store, fetched from there and unpacked."""
    folder = tmp_path_factory.mktemp("kit")
    parts.wheels(TREE / "requirements.txt")  # from the index, which the desk does not reach
    said = clinic.must("./scripts/kit", "--stack", "dr")
    assert f"azblob://{BACKUP_ACCOUNT}/operations/kit/{KIT}.tar.gz, " in said
    for name in (f"{KIT}.tar.gz", f"{KIT}.tar.gz.sha256"):
        place = f"azblob://{BACKUP_ACCOUNT}/operations/kit/{name}"
        clinic.must("python", FETCH, place, str(folder / name))
    subprocess.run(["sha256sum", "--check", "--quiet", f"{KIT}.tar.gz.sha256"], cwd=folder, check=True)
    subprocess.run(["tar", "-xzf", f"{KIT}.tar.gz"], cwd=folder, check=True)
    return folder / KIT


def test_with_aws_dead_a_killed_failover_goes_on_and_serves_the_backups_rows(clinic: Clinic, kit: Path) -> None:
    # And no `up`: the program wants another ConfigMap than the cluster has, which nobody can replace now.
    clinic.pulumi("config", "set", "keep_days", KEEP_DAYS)
    must("dark", "on")
    # With nothing of the desk's tools, and where only the lab's names exist.
    from_kit = (str(kit / "raise"), "--")
    fetched = clinic.run(*from_kit, "pulumi", "plugin", "install", "resource", "random", "4.18.0")
    assert fetched.returncode != 0
    assert re.search("no such host|dial tcp", fetched.stdout + fetched.stderr), fetched.stderr
    killed_in(KILLED_OVER, *from_kit, *FAILOVER)
    found = clinic.passed(*from_kit, *FAILOVER)
    assert "dr_mode: warm" in (kit / "work" / "Pulumi.dr.yaml").read_text()
    clinic.pulumi("config", "set", "dr_mode", "warm")  # brought home
    assert found["dr_mode"] == "warm"
    assert (found["figures"]["restored_rows"], found["figures"]["divergent_tables"]) == (34, 0)
    owners = clinic.owners()
    assert "served by site azure" in owners
    assert "Before Clinic" in owners
    assert "Late Clinic" not in owners, "written after the backup: lost until the failback lists it"
    assert clinic.told()["keep_days"] != int(KEEP_DAYS), "AWS is as it was"


def test_aws_coming_back_moves_nobody_nor_does_a_latch_store_that_is_forbidden(clinic: Clinic) -> None:
    clinic.add_owner("Azure")
    must("dark", "off")
    with refusing(LATCH_ACCOUNTS[1], FIREWALL):
        clinic.until_seen_again()
        deadline = time.monotonic() + CHECK_ROUNDS_SECONDS
        seen = set()
        refused = clinic.json(*FAILBACK, "--plan")
        while time.monotonic() < deadline:
            status = clinic.status()
            seen |= {answer["site"] for name in status["names"] for answer in name["answers"]}
    assert seen == {"azure"}
    assert clinic.site() == "azure"
    store = f"azblob://{LATCH_ACCOUNTS[1]}/$web/latch/dr"
    (problem,) = [one for one in status["problems"] if one.startswith(f"latch store {store} does not answer")]
    for words in (problem, *refused["problems"]):
        assert FIREWALL in words
        assert f"needs the role Storage Blob Data Contributor on {store}" in words
    assert (refused["verdict"], len(refused["problems"])) == ("refused", 1)
    assert "bring it back first; see runbook latch-store-gone" in refused["problems"][0]


def test_while_azure_serves_its_own_backup_is_the_newest_and_none_of_aws_counts(clinic: Clinic) -> None:
    clinic.back_up(f"{CRONJOB}-29400100")
    status = clinic.status()
    assert (status["writer"], status["backup"]["branch"]) == ({"site": "azure", "epoch": 1}, "aws, epoch 0")
    clinic.on_standby("systemctl start twinsite-backup.service")
    status = clinic.status()
    assert (status["backup"]["branch"], status["problems"]) == ("azure, epoch 1", [])
    # The positive control: by time alone the stale one would be the newest.
    clinic.back_up(f"{CRONJOB}-29400101")
    assert clinic.status()["backup"]["id"] == status["backup"]["id"]


def test_a_failback_is_refused_until_its_user_may_take_the_data_back(clinic: Clinic) -> None:
    clinic.as_master("REVOKE INSERT ON `petclinic%`.* FROM 'backup'@'%'")
    refused = clinic.json(*FAILBACK)
    assert (refused["verdict"], refused["steps"]) == ("refused", [])
    assert len(refused["problems"]) == 2, "the schema, and what is kept aside"
    for problem in refused["problems"]:
        assert "has no INSERT on schema" in problem
        clinic.as_master(problem.rpartition("administrator ")[2])
    assert clinic.site() == "azure"


def test_a_killed_failback_goes_on_and_brings_every_row_home(clinic: Clinic) -> None:
    killed_in(KILLED_BACK, *FAILBACK)
    found = clinic.passed(*FAILBACK)
    figures = found["figures"]
    assert (figures["divergent_tables"], figures["compared_rows"], figures["extra_rows"]) == (0, 35, 1)
    assert any("are not in backup" in words and "owners: 1" in words for words in found["findings"])
    owners = clinic.owners()
    assert "served by site aws" in owners
    assert "Before Clinic" in owners
    assert "Azure Clinic" in owners, "written on Azure"
    assert "Late Clinic" not in owners, "not merged"
    clinic.add_owner("Home")
    clinic.back_up(f"{CRONJOB}-29400102")
    status = clinic.status()
    assert (status["writer"], status["backup"]["branch"]) == ({"site": "aws", "epoch": 2}, "aws, epoch 2")


def test_the_old_primarys_own_rows_are_kept_aside(clinic: Clinic) -> None:
    (aside,) = clinic.sql("SHOW DATABASES LIKE 'petclinic_aside_%'").splitlines()
    assert clinic.sql(f"SELECT first_name FROM {aside}.owners ORDER BY id DESC LIMIT 1") == "Late"


@pytest.mark.parametrize("drill", ["restore", "failover"])
def test_a_drill_moves_nobody(clinic: Clinic, drill: str) -> None:
    found = clinic.passed("twinsite", "--stack", "dr", "drill", drill, "--json")
    assert (found["figures"]["restored_rows"], found["figures"]["divergent_tables"]) == (36, 0)
    assert clinic.site() == "aws"


def test_a_store_that_is_forbidden_locked_or_gone_says_what_to_do_on_the_machine_and_at_the_desk(
    clinic: Clinic,
) -> None:
    looks = "/usr/local/sbin/twinsite-guest backup report --patience 0"
    newest = json.loads(clinic.on_standby(looks))["newest"]["rows"]
    assert newest == 36, "the positive control"
    with refusing(BACKUP_ACCOUNT, NO_KEY):
        said = [clinic.on_standby(looks)]
        said += clinic.status()["problems"]
        refused = clinic.json(*FAILOVER)
    assert (refused["verdict"], refused["steps"], len(refused["problems"])) == ("refused", [], 1)
    assert len(said) > 1, "the machine's, and the desk's of each part that it could not read"
    for words in (*said, *refused["problems"]):
        assert NO_KEY in words
        assert "recover the key and its vault" in words
    gone = taken(ACCOUNT, LATCH_ACCOUNTS[1])
    try:
        refused = clinic.json(*FAILOVER, "--plan")
    finally:
        give(ACCOUNT, gone)
    assert refused["verdict"] == "refused"
    assert " is gone" in str(refused["problems"]) and "--one-latch" in str(refused["problems"])
    taken(ASSIGNMENT, "containers/mysql-backup")  # the next `pulumi up --refresh` puts them back, as the sentence says
    words = clinic.on_standby(looks)
    assert "assign the role 'Storage Blob Data Reader' on container 'mysql-backup' of account 'labdrbackup'" in words
    assert "`pulumi up --refresh` does" in words


def test_with_one_name_the_latch_leads_users_to_the_machine_itself_and_back(clinic: Clinic) -> None:
    for setting in (("names", "one"), ("primary_has_ipv6", "false")):
        clinic.pulumi("config", "set", *setting)
    clinic.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert clinic.dns("until", USERS, primary.ALB.v4, "1")
    assert "served by site aws" in clinic.must("curl", "-sS", "-m", "20", f"https://{USERS}/petclinic/owners")
    machine = clinic.dns("answer", standby.ORIGIN)
    for account in LATCH_ACCOUNTS:
        assert clinic.dns("put", account, "latch/dr") == "201"
    assert float(clinic.dns("until", USERS, machine, str(LATCH_SECONDS))) <= LATCH_SECONDS
    assert int(clinic.dns("ttl", USERS)) <= 60
    # The desk's resolver may keep what it has for those 60 s; the next user's has nothing.
    page = ("curl", "-sS", "-m", "20", "--resolve", f"{USERS}:443:{machine}", f"https://{USERS}/petclinic/owners")
    assert "served by site azure" in clinic.must(*page), "and its certificate names what users typed"
    for account in LATCH_ACCOUNTS:
        assert clinic.dns("delete", account, "latch/dr") == "202"
    assert float(clinic.dns("until", USERS, primary.ALB.v4, str(LATCH_SECONDS))) <= LATCH_SECONDS
    assert "36" in clinic.on_standby("/usr/local/sbin/twinsite-guest backup report"), "its role is back"


def test_down_to_cold_nothing_of_the_standby_is_left(clinic: Clinic) -> None:
    clinic.pulumi("config", "set", "active_site", "aws")
    clinic.pulumi("config", "set", "dr_mode", "cold")
    clinic.pulumi("up", "--yes", "--skip-preview")
    status = clinic.status()
    assert status["problems"] == []
    assert (status["dr_mode"], status["active_site"], status["standby"]["exists"]) == ("cold", "aws", False)
    assert clinic.told()["keep_days"] == int(KEEP_DAYS), "what the failover left for later"
