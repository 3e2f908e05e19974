"""A small Azure site on the real engine and on a real machine: what stack dr builds on, without the rest of it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from lab.services.azurite import why_not

from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import lab, needs_a_box

pytestmark = [needs_a_box, pytest.mark.skipif(bool(why_not()), reason=why_not() or "Azurite is there")]
PROGRAM = Path(__file__).parent / "azure_site"
DATABASE = "dr-mysql-lab.mysql.database.azure.com"
VENV = Path(__file__).parents[2] / ".venv"


class Site(Provisioned):
    """The program of azure_site at the operator's desk."""

    def sh(self, script: str) -> str:
        """A shell script at the desk, in the project's folder."""
        return self.must("bash", "-ec", f"cd $HOME/azure_site; {script}")

    def up(self, *settings: tuple[str, str]) -> "tuple[int, str]":
        """Exit code and output of `pulumi up`."""
        sets = "".join(f"pulumi config set {key} {json.dumps(value)}; " for key, value in settings)
        done = self.run("bash", "-c", f"cd $HOME/azure_site; {sets} pulumi up --yes --skip-preview --non-interactive")
        return done.returncode, done.stdout + done.stderr

    @property
    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.sh("pulumi stack output --json"))
        return found

    def status(self, url: str, *options: str) -> int:
        """HTTP status at the desk; 0 when nothing answers."""
        words = ("curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", *options, url)
        return int(self.run(*words).stdout or 0)

    def inside(self, script: str, **parameters: str) -> str:
        """Standard output of a script in the machine, by Azure's run-command action, as operations run it."""
        given = [f"{name}={value}" for name, value in parameters.items()]
        return self.must("python", str(PROGRAM / "run_command.py"), self.outputs["machine"], script, *given)

    def ask(self, url: str, resource: str = "https://storage.azure.com", method: str = "GET") -> str:
        """Status and answer (or error code) of a request that the machine makes as its identity."""
        script = (PROGRAM / "ask.sh").read_text()
        return self.inside(script, CLIENT=self.outputs["reader"], RESOURCE=resource, URL=url, METHOD=method).strip()

    def sql(self, statement: str, password: str = "tell-nobody-2", tls: str = "VERIFY_IDENTITY") -> str:
        """What the flexible server answers to its network's machine: rows, or the error."""
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        options = f"-N -h {DATABASE} -u dbadmin --ssl-mode={tls} --ssl-ca={bundle}"
        script = f'export MYSQL_PWD="$PASSWORD"; mysql {options} -e "$STATEMENT" 2>&1; true'
        return self.inside(script, PASSWORD=password, STATEMENT=statement)


@pytest.fixture(scope="module")
def site(one_lab: OneLab) -> Site:
    one_lab.up(without="azure_site")
    one_lab.uses.add("azure_site")
    made = Site()
    made.must("cp", "-r", str(PROGRAM), ".")
    made.must(
        "bash",
        "-ec",
        f"""
        mv azure_site "$HOME"; cd "$HOME/azure_site"
        sed -i 's#^runtime:.*#runtime: {{name: python, options: {{virtualenv: {VENV}}}}}#' Pulumi.yaml
        pulumi stack init test
    """,
    )
    code, said = made.up()
    assert code == 0, said
    return made


def test_the_machine_serves_what_its_custom_data_says_at_its_public_address(site: Site) -> None:
    assert site.sh("curl -s -m 5 http://$(pulumi stack output address):443/") == "served from custom data"
    assert site.status(f"http://{site.outputs['address']}:22/") == 0, "there is no SSH from the world"


def test_a_data_disk_is_where_azures_images_show_it(site: Site) -> None:
    disk = "$(readlink -f /dev/disk/azure/data/by-lun/0)"
    assert site.inside(f"test -b {disk} && blockdev --getsize64 {disk}").strip() == str(4 << 30)


def test_a_second_up_and_a_refresh_change_nothing(site: Site) -> None:
    site.sh("pulumi up --yes --skip-preview --expect-no-changes; pulumi refresh --yes --expect-no-changes")


def test_a_service_account_of_the_cluster_writes_and_deletes_backups_and_nothing_else(site: Site) -> None:
    writer = site.outputs["writer"]
    assert site.must("python", str(PROGRAM / "job.py"), writer, "rds-backup").split() == ["201", "202", "403", "403"]
    assert site.must("python", str(PROGRAM / "job.py"), writer, "other").split() == ["AADSTS700213"]


def test_stores_and_websites_answer_strangers_as_their_accounts_say(site: Site) -> None:
    assert site.status("https://drbackuplab.blob.core.windows.net/guests/document") == 409
    assert site.status("https://drpageslab.blob.core.windows.net/opened/shown") == 200
    assert site.status(site.outputs["web"]) == 200
    assert site.status(f"{site.outputs['web']}latch/dr") == 404
    assert site.status("https://nobodys.blob.core.windows.net/") == 0, "a name that nobody took does not resolve"


def test_the_machine_reads_its_secret_and_nobody_without_its_token_does(site: Site) -> None:
    url = "https://dr-vault-lab.vault.azure.net/secrets/password?api-version=7.4"
    said = site.ask(url, resource="https://vault.azure.net")
    assert said.startswith("200 ")
    assert '"tell-nobody-1"' in said
    assert site.status(url) == 401
    metadata = "curl -s -o /dev/null -w %{http_code} 'http://169.254.169.254/metadata/instance?api-version=2021-02-01'"
    assert site.inside(metadata) == "400", "without the header Metadata nothing is given away"


def test_a_flexible_server_gives_sql_to_its_network_and_nothing_else(site: Site) -> None:
    settings = "@@local_infile, @@require_secure_transport, @@sql_generate_invisible_primary_key, DATABASE()"
    assert site.sql(f"USE petclinic; SELECT {settings}").split() == ["1", "1", "1", "petclinic"]
    assert "ERROR 1227" in site.sql("SET GLOBAL max_connections = 9"), "nobody has SUPER"
    assert "ERROR 3159" in site.sql("SELECT 1", tls="DISABLED"), "TLS or nothing"
    knock = "timeout 3 bash -c '</dev/tcp/{}/{}' 2>/dev/null || echo no"
    assert site.inside(knock.format(DATABASE, 22)).strip() == "no", "there is no login"
    assert site.must("bash", "-c", knock.format(DATABASE, 3306)).strip() == "no", "the internet does not reach it"


def test_an_administrator_without_super_can_make_the_applications_login(site: Site) -> None:
    # As guest/standby/data.py makes it; the test on machines of our own (test_standby_guest.py) has a mightier one.
    who = "'application'@'%'"
    made = f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY 'tell-nobody-9' REQUIRE SSL; "
    made += f"ALTER USER {who} IDENTIFIED BY 'tell-nobody-9' REQUIRE SSL; "
    made += f"GRANT ALL PRIVILEGES ON `petclinic`.* TO {who}; "
    said = site.sql(f"{made} SHOW GRANTS FOR {who}")
    assert [line.split(" TO ")[0] for line in said.splitlines() if line.startswith("GRANT")] == [
        "GRANT USAGE ON *.*",
        "GRANT ALL PRIVILEGES ON `petclinic`.*",
    ], said


def test_rules_roles_and_parameters_change_in_place_and_a_role_takes_its_time(site: Site) -> None:
    url, port = "https://drbackuplab.blob.core.windows.net/guests/document", f"http://{site.outputs['address']}:443/"
    assert site.ask(url).split() == ["403", "<Code>AuthorizationPermissionMismatch"]
    assert site.status(port) == 200
    code, said = site.up(("reads", "true"), ("access", "Deny"), ("infile", "OFF"), ("password", "tell-nobody-3"))
    assert code == 0, said
    assert "replaced" not in said
    assert site.status(port) == 0
    assert site.sql("SELECT @@local_infile", password="tell-nobody-3").strip() == "0"
    deadline = time.monotonic() + 20
    while (found := site.ask(url)) != "200 read me":
        assert time.monotonic() < deadline, f"the role never arrived: {found}"
        time.sleep(1)
    assert site.ask(url, method="PUT").split() == ["403", "<Code>AuthorizationPermissionMismatch"]


def test_a_gate_that_fails_fails_the_up_with_the_machines_own_words(site: Site) -> None:
    code, said = site.up(("gate", "echo the restore found no backup >&2; exit 3"))
    assert code != 0
    assert "failed with exit code 3" in said
    assert "the restore found no backup" in said


def test_operations_reach_machine_and_store_by_their_own_way(site: Site) -> None:
    program = PROGRAM / "operations_way.py"
    tree = Path(__file__).parents[2]
    found = site.must("env", f"PYTHONPATH={tree}", "python", str(program), site.outputs["machine"])
    assert json.loads(found) == {
        "code": 3,
        "stdout_letters": 20_000,
        "stderr": "said",
        "lock": ["", "holds the lock"],
        "after": None,
        "latch": [False, True, True, False],
    }


def test_after_a_destroy_the_name_of_the_vault_is_still_taken_as_in_the_cloud(site: Site) -> None:
    site.sh("pulumi destroy --yes --skip-preview")
    left = json.loads(lab("status", "--json").stdout)["machines"]
    assert [one["id"] for one in left if not one["id"].startswith("onprem-")] == []
    code, said = site.up()
    assert code != 0
    assert "already exists in deleted state" in said
