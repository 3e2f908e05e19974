"""The standby role without a machine: what it reads, what it writes, its verdict."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest import ownership
from twinsite.guest.agent import azure
from twinsite.guest.errors import Failed, Refused
from twinsite.guest.standby import command, config, data, fetch, host, plan, status, web

SHA = "ab" * 32


def told(**changed: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "site": "azure",
        "application": {
            "kind": "war",
            "artefact": "artefacts/petclinic.war",
            "sha256": SHA,
            "context": "/petclinic",
            "health_path": "/petclinic/",
        },
        "packages": [],
        "database": {
            "address": "dr.mysql.database.azure.com",
            "port": 3306.0,
            "user": "dbadmin",
            "password_secret": "azkv://dr-kv/database-password",
            "application": {"user": "application", "password_secret": "azkv://dr-kv/application-password"},
            "schema": "petclinic",
            "managed": True,
            "tls_ca": "",
        },
        "backups": "azblob://petclinicdrbackup/mysql-backup",
        "which": "latest",
        "origin": {
            "host": "origin-dr.example.com",
            "header": "X-Twinsite-Origin",
            "secret": "azkv://dr-kv/origin-header",
            "certificate": "azkv://dr-kv/origin-certificate",
            "direct_hosts": [],
        },
        "identity": {"client_id": "client"},
        "secret_versions": {"database-password": "1"},
    }
    return {**document, **changed}


def keys(**changed: Any) -> dict[str, str]:
    read = config.parse(told(**changed))
    return plan.keys(read, web.files_digest(read))


def changed_keys(**changed: Any) -> set[str]:
    before, after = keys(), keys(**changed)
    return {step for step in plan.STEPS if before[step] != after[step]}


def test_a_document_of_the_component_is_read_whole() -> None:
    read = config.parse(told())
    assert read.database.port == 3306
    assert read.database.password == config.Secret("dr-kv", "database-password")
    assert read.database.login == config.Login("application", config.Secret("dr-kv", "application-password"))
    assert read.origin.certificate == config.Secret("dr-kv", "origin-certificate")
    assert read.database.place == "dr.mysql.database.azure.com:3306/petclinic"


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(Refused) as refused:
        config.parse({"application": {"kind": "zip"}, "database": {}, "origin": {}})
    text = str(refused.value)
    for words in ("application.kind", "sha256", "context", "database.address", "password_secret", "origin.host"):
        assert words in text


@pytest.mark.parametrize("value", ["secret", "azkv://vault", "azkv://va/ult/x", ""])
def test_a_secret_is_a_reference_never_a_value(value: str) -> None:
    with pytest.raises(Refused, match="azkv://VAULT/SECRET"):
        config.parse(told(database={**told()["database"], "password_secret": value}))


def test_another_backup_or_more_streams_start_nothing_again() -> None:
    assert changed_keys(which="20261121T130000Z-0123abcd", streams=8) == set()


def test_another_artefact_deploys_and_starts() -> None:
    application = {**told()["application"], "sha256": "cd" * 32}
    assert changed_keys(application=application) == {"artefact", "deploy", "start"}


def test_a_rotated_secret_deploys_and_starts() -> None:
    assert changed_keys(secret_versions={"database-password": "2"}) == {
        *("certificate", "login", "schedule", "deploy", "start"),
    }


def test_another_place_of_the_data_restores_and_proves_there() -> None:
    database = {**told()["database"], "address": "other.mysql.database.azure.com"}
    assert {"restore", "prove"} <= changed_keys(database=database)


def test_the_applications_environment_holds_no_password() -> None:
    environment = {"JAVA_OPTS": '-Xmx512m -Dx="y"'}
    text = web.environment(config.parse(told(application={**told()["application"], "environment": environment})))
    assert 'DATABASE_PASSWORD_FILE="/etc/twinsite/application.password"\n' in text
    assert 'SITE="azure"\n' in text
    assert 'JAVA_OPTS="-Xmx512m -Dx=\\"y\\""\n' in text
    assert not re.search(r"^DATABASE_PASSWORD=", text, re.MULTILINE)


def test_the_application_is_never_told_the_administrators_login() -> None:
    assert 'DATABASE_USER="application"\n' in web.environment(config.parse(told()))
    for login in ({"user": "dbadmin", "password_secret": "azkv://dr-kv/x"}, {"password_secret": "azkv://dr-kv/x"}, {}):
        with pytest.raises(Refused, match=r"application\.user is .* not the restore's"):
            config.parse(told(database={**told()["database"], "application": login}))


def test_the_databases_own_authority_is_used_where_it_has_one() -> None:
    assert "ca-certificates.crt" in web.environment(config.parse(told()))
    own = config.parse(told(database={**told()["database"], "tls_ca": "-----BEGIN CERTIFICATE-----"}))
    assert 'DATABASE_CA="/etc/twinsite/application-ca.pem"' in web.environment(own)


def test_nginx_sends_everyone_away_who_does_not_know_the_header() -> None:
    text = web.nginx_conf(config.parse(told()), "S" * 32)
    assert "map $http_x_twinsite_origin $twinsite_front_door" in text
    assert f'"{"S" * 32}" 1;' in text
    assert 'proxy_set_header X-Twinsite-Origin "";' in text
    assert "proxy_pass http://127.0.0.1:8080;" in text


def test_a_name_that_users_reach_directly_needs_no_header() -> None:
    origin = {**told()["origin"], "direct_hosts": ["app.example.com"]}
    assert '"app.example.com" 1;' in web.nginx_conf(config.parse(told(origin=origin)), "S" * 32)


@pytest.mark.parametrize("secret", ["short", 'quote" 1; } server {' + "x" * 20, "x" * 300])
def test_a_strange_header_secret_never_reaches_nginx(secret: str) -> None:
    with pytest.raises(Failed, match="strange"):
        web.nginx_conf(config.parse(told()), secret)


@pytest.mark.parametrize(("context", "name"), [("/petclinic", "petclinic"), ("/", "ROOT"), ("/a/b", "a#b")])
def test_a_context_path_gets_tomcats_file_name(context: str, name: str) -> None:
    assert web.war_name(context) == name


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATUS", "MARKS", "TOLD", "LOG"):
        monkeypatch.setattr(status, name, tmp_path / name.lower())
    (tmp_path / "told").write_text("digest-1")
    return tmp_path


def test_a_gate_waits_until_the_document_it_was_keyed_on_has_run(machine: Path) -> None:
    run = status.Run(["answer"])
    run.finish("ready", "", "")
    assert status.verdict(status.get(status.STATUS), "digest-1") == ("ready", "")
    assert status.verdict(status.get(status.STATUS), "digest-2")[0] == "wait"


def test_the_gate_gives_up_after_three_failed_runs_with_the_logs_last_lines(machine: Path) -> None:
    for _ in range(status.PATIENCE):
        assert status.verdict(status.get(status.STATUS), "digest-1")[0] == "wait"
        run = status.Run(["restore"])
        run.begin("restore")
        run.end("restore", "failed", "no complete backup")
        run.finish("failed", "restore", "no complete backup")
    passed, found, why = status.gate(1)
    assert not passed
    assert why == "failed at step restore: no complete backup"
    assert found["steps"][0]["name"] == "restore"
    assert "restore: failed" in status.last_lines()


def test_a_refusal_fails_the_gate_at_once(machine: Path) -> None:
    status.Run(["restore"]).finish("failed", "restore", "damaged backup", final=True)
    assert status.verdict(status.get(status.STATUS), "digest-1") == ("failed", "failed at step restore: damaged backup")


def test_a_new_document_begins_to_count_failures_anew(machine: Path) -> None:
    status.Run([]).finish("failed", "x", "y", final=True)
    (machine / "told").write_text("digest-2")
    assert status.Run([]).document["failures"] == 0


def test_a_status_that_broke_off_is_no_status(machine: Path) -> None:
    (machine / "status").write_text('{"outcome": "rea')
    assert status.get(status.STATUS) == {}


def test_an_artefact_with_other_bytes_than_pinned_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "some.war").write_bytes(b"other")
    application = {**told()["application"], "artefact": f"file://{tmp_path}/some.war"}
    place = tmp_path / "artefact"
    with pytest.raises(Failed, match="another file than the one that was tested"):
        fetch.artefact(config.parse(told(application=application)), place)
    assert not place.exists()


def test_a_pinned_artefact_is_put_whole_and_fetched_once(tmp_path: Path) -> None:
    source = tmp_path / "some.war"
    source.write_bytes(b"war")
    sha = host.sha256(source)
    application = {**told()["application"], "artefact": f"file://{source}", "sha256": sha}
    read = config.parse(told(application=application))
    place = tmp_path / "artefact"
    assert "as pinned" in fetch.artefact(read, place)
    source.unlink()
    assert fetch.artefact(read, place) == "already there"


class Database:
    """A standby's database that knows one application login, or none."""

    def __init__(self, mark: str | None = None, grants: Sequence[str] = ()) -> None:
        self.mark, self.grants = mark, grants
        self.told: list[str] = []

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def session(self) -> "Database":
        return self

    def ask(self, statement: str) -> list[list[str]]:
        if statement.startswith("SELECT"):
            return [] if self.mark is None else [[self.mark]]
        if statement.startswith("SHOW GRANTS"):
            return [[grant] for grant in self.grants]
        self.told.append(statement)
        return []


USAGE = "GRANT USAGE ON *.* TO `application`@`%`"
GRANT = "GRANT ALL PRIVILEGES ON `pet\\_clinic`.* TO 'application'@'%'"
NOW = ownership.fingerprint("o'wn")
MARK = f"""ATTRIBUTE '{{"twinsite": "{NOW}"}}'"""


def application_login(database: Database, monkeypatch: pytest.MonkeyPatch, user: str = "application") -> list[str]:
    monkeypatch.setattr(data, "server", lambda read, password: database)
    given = {**told()["database"], "schema": "pet_clinic"}
    read = config.parse(told(database={**given, "application": {**given["application"], "user": user}}))
    data.login(read, "admin's", "o'wn")
    return database.told


def test_the_applications_rights_are_those_of_one_schema_whose_name_is_no_pattern(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert application_login(Database(), monkeypatch) == [
        f"CREATE USER 'application'@'%' IDENTIFIED BY 'o\\'wn' REQUIRE SSL {MARK}",
        GRANT,
    ]


@pytest.mark.parametrize(
    "database",
    [Database("another"), Database("application"), Database("NULL", [USAGE, GRANT.replace("'", "`")])],
    ids=["another password", "of a version before rotation", "of a version before the mark"],
)
def test_the_applications_login_gets_the_password_of_now_and_keeps_the_former(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert application_login(database, monkeypatch) == [
        f"ALTER USER 'application'@'%' IDENTIFIED BY 'o\\'wn' RETAIN CURRENT PASSWORD REQUIRE SSL {MARK}",
        GRANT,
    ]


def test_told_again_the_login_does_not_lose_the_former_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert application_login(Database(NOW), monkeypatch) == [
        f"ALTER USER 'application'@'%' IDENTIFIED BY 'o\\'wn' REQUIRE SSL {MARK}",
        GRANT,
    ]


def test_once_the_application_answers_the_former_password_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    database, steps = Database(NOW), list[list[str]]()
    monkeypatch.setattr(data, "server", lambda read, password: database)

    def answer(read: config.Config, header: str) -> str:
        steps.append(list(database.told))
        return "200"

    monkeypatch.setattr(command.web, "answer", answer)
    monkeypatch.setattr(command.fetch, "secret", lambda read, wanted: "word")
    work = command.Work(config.parse(told()), status.Run([]))
    work.answer()
    assert database.told == [], "nothing was changed in this run"
    work.login()
    work.answer()
    assert database.told[-1] == "ALTER USER 'application'@'%' DISCARD OLD PASSWORD"
    assert len(steps[1]) == len(database.told) - 1, "after the answer"


@pytest.mark.parametrize("grants", [[USAGE], [USAGE, "GRANT SELECT ON `crm`.* TO `application`@`%`"]])
def test_a_login_of_that_name_that_twinsite_did_not_make_keeps_its_password(
    grants: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database("NULL", grants)
    with pytest.raises(Refused, match="twinsite did not make it"):
        application_login(database, monkeypatch)
    assert database.told == []


def test_the_application_never_gets_a_system_accounts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="'root', the name of an account that belongs to MySQL"):
        application_login(Database(), monkeypatch, "root")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AuthorizationPermissionMismatch",
         "assign the role 'Storage Blob Data Reader' on container 'guests' of account 'petclinicdrbackup' to the "
         "identity 'client'"),
        (404, "BlobNotFound",
         "upload it: `az storage blob upload --auth-mode login --account-name petclinicdrbackup "
         "--container-name guests --name artefacts/petclinic.war"),
        (404, "ContainerNotFound", "there is no container 'guests' of account 'petclinicdrbackup'"),
    ],
)  # fmt: skip
def test_an_artefact_that_cannot_be_had_says_why_and_what_to_do(
    status: int, code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> bytes:
        raise azure.CallError(f"GET x: HTTP {status} {code}", status, code)

    monkeypatch.setattr(azure, "token", lambda *_, **__: "token")
    monkeypatch.setattr(azure, "blob_get", refused)
    with pytest.raises(Failed) as failed:
        fetch.artefact(config.parse(told()), tmp_path / "artefact")
    assert words in str(failed.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "assign the role 'Key Vault Secrets User' on the vault to this machine's identity"),
        (404, "the vault has no secret database-password"),
    ],
)
def test_a_secret_that_cannot_be_had_says_why_and_what_to_do(
    status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise azure.CallError(f"GET x: HTTP {status}", status, "Forbidden")

    monkeypatch.setattr(azure, "token", lambda *_, **__: "token")
    monkeypatch.setattr(azure, "secret", refused)
    read = config.parse(told())
    with pytest.raises(Failed, match="secret database-password of vault dr-kv: ") as failed:
        fetch.secret(read, read.database.password)
    assert words in str(failed.value)
