"""The data: restored once, proved, and remembered in the database itself, where a replaced machine finds it again.

Schema `twinsite_standby` on the standby's database says what is in the application's schema. `restoring` names the
backup that a killed run goes on with; `proved` data are never restored over; `replace` is written by verb `renew` only.
"""

import dataclasses
import datetime
import json
import re
import time
from typing import Any

from .. import ownership
from ..backup import config as backup_config
from ..backup import manifest, source
from ..backup import restore as backup_restore
from ..backup.client import Server, Session
from ..backup.rows import identifier, literal
from ..backup.store import open_store, read_all
from ..errors import Failed, Refused, SqlError
from ..machine import put
from .config import Config

BACKUP_JSON = "/etc/twinsite/backup.json"
BACKUP_SECRETS = "/etc/twinsite/backup.secrets.json"
SCHEMA = "twinsite_standby"
RESTORING, PROVED, REPLACE = "restoring", "proved", "replace"
DATABASE_SECONDS = 300
ELSEWHERE_SECONDS = 60
"""For a role at a store that may hold nothing newer."""

_TABLE = f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.data (
  schema_name VARCHAR(64) PRIMARY KEY, state VARCHAR(16) NOT NULL, backup_id VARCHAR(64) NOT NULL,
  store VARCHAR(255) NOT NULL, backup_began VARCHAR(40) NOT NULL, restored_rows BIGINT NOT NULL)"""


def documents(config: Config, password: str, store: str = "") -> "tuple[dict[str, Any], dict[str, str]]":
    """backup.json and its secrets for this machine's database, so that `twinsite-guest backup …` works here by hand."""
    database, own = config.database, config.own
    of_its_own: dict[str, Any] = {}
    if own is not None:
        of_its_own = {
            "writer": {"store": own.writer, "site": config.site, "home": own.home},
            "own_store": own.store,
            "schedule": own.schedule,
            "keep_days": own.keep_days,
        }
    return {
        **of_its_own,
        "store": store or config.backups,
        "identity": {"client_id": config.client_id},
        "schema": database.schema,
        "database": {
            "address": database.address,
            "port": database.port,
            "user": database.user,
            "tls_ca": database.tls_ca,
        },
        "streams": config.streams,
        "may_differ": list(database.settings),
    }, {"password": password}


def write_documents(config: Config, password: str) -> None:
    """Leave them on the machine."""
    told, secrets = documents(config, password)
    put(BACKUP_JSON, json.dumps(told, indent=1, sort_keys=True), 0o600)
    put(BACKUP_SECRETS, json.dumps(secrets), 0o600)


def server(config: Config, password: str) -> Server:
    """The standby's database."""
    told, secrets = documents(config, password)
    return Server(backup_config.parse(told).target, backup_config.parse_secrets(secrets).target_password)


def marker(session: Session, schema: str) -> "dict[str, Any]":
    """What the database says about its data; empty when nothing is known."""
    try:
        rows = session.ask(
            f"SELECT state, backup_id, store, backup_began, restored_rows FROM {SCHEMA}.data "
            f"WHERE schema_name = {literal(schema)}"
        )
    except SqlError as error:
        if error.number in (1049, 1146):  # no such schema, no such table
            return {}
        raise
    if not rows:
        return {}
    state, backup_id, store, began, count = rows[0]
    known = {"state": state, "backup_id": backup_id, "store": store, "backup_began": began}
    return {**known, "restored_rows": int(count or 0)}


def mark(session: Session, schema: str, state: str, backup_id: str, store: str, began: str = "", rows: int = 0) -> None:
    """Remember it there."""
    session.ask(f"CREATE DATABASE IF NOT EXISTS {SCHEMA}")
    session.ask(_TABLE)
    values = ", ".join(literal(text) for text in (schema, state, backup_id, store, began))
    session.ask(f"REPLACE INTO {SCHEMA}.data VALUES ({values}, {int(rows)})")


def wait_for(config: Config, password: str) -> None:
    """Until the database answers: it may be younger than this machine."""
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            with server(config, password) as target, target.session() as session:
                session.value("1")
            return
        except (SqlError, OSError) as error:
            if time.monotonic() > deadline:
                raise Failed(f"the database {config.database.place} does not answer: {error}") from None
            time.sleep(2)


def restore(config: Config, password: str, say: Any) -> dict[str, Any]:
    """Have a backup's data in the schema. {"backup_id", "backup_began", "restored_rows", "already": bool}."""
    schema = config.database.schema
    wait_for(config, password)
    with server(config, password) as target:
        with target.session() as session:
            found = marker(session, schema)
        if found.get("state") == PROVED:
            return {**found, "already": True}
        which, store = found.get("backup_id") or "", found.get("store") or config.backups
        if not which:
            which, store = _chosen(config, password, say)
            with target.session() as session:
                mark(session, schema, RESTORING, which, store)
        elif found.get("state") == REPLACE:
            with target.session() as session:
                session.ask(f"DROP DATABASE IF EXISTS {identifier(schema)}")
                session.ask("DROP DATABASE IF EXISTS twinsite_restore")
                mark(session, schema, RESTORING, which, store)
        told, secrets = documents(config, password, store)
        done = backup_restore.restore(backup_config.parse(told), backup_config.parse_secrets(secrets), which, say)
        with target.session() as session:
            # It ends only with every table's rows and checksum, and every object, as the manifest has them.
            mark(session, schema, PROVED, which, store, done["backup_began"], done["restored_rows"])
    return {
        "backup_id": which,
        "backup_began": done["backup_began"],
        "restored_rows": done["restored_rows"],
        "already": False,
    }


def prove(config: Config, password: str) -> dict[str, Any]:
    """What the database says of its data. Failed unless a restore has proved them; from then on they are the users'."""
    with server(config, password) as target, target.session() as session:
        found = marker(session, config.database.schema)
    if found.get("state") != PROVED:
        raise Failed(
            f"nothing says that the data in {config.database.schema} were proved (state {found.get('state')!r}); they "
            "are not served: name a backup to `twinsite-guest standby renew ID`"
        )
    return found


def login(config: Config, password: str, own: str) -> None:
    """The application's login: all rights in its schema, none elsewhere, over TLS only; with the password of now.

    Rights outlive the schema, so `renew`, which drops it, need not give them again. A login of that name that twinsite
    did not make is refused; one of a version before the mark is known by having exactly these rights.
    """
    database = config.database
    user = database.login.user
    who = f"{literal(user)}@'%'"
    # In a grant on a schema _ and % stand for any characters, also within the quotes of a name.
    schema = identifier(re.sub(r"([_%\\])", r"\\\1", database.schema))
    grant = f"GRANT ALL PRIVILEGES ON {schema}.* TO {who}"
    mark = ownership.fingerprint(own)
    how = f"IDENTIFIED BY {literal(own)}"
    attribute = f"ATTRIBUTE {literal(ownership.attribute(mark))}"
    if ownership.is_system(user):
        raise Refused([ownership.system_problem("the application's login", user)])
    with server(config, password) as target, target.session() as session:
        found = session.ask(
            f"SELECT attribute->>'$.{ownership.MARK}' FROM information_schema.user_attributes "
            f"WHERE user = {literal(user)} AND host = '%'"
        )
        if not found:
            session.ask(f"CREATE USER {who} {how} REQUIRE SSL {attribute}")
        else:
            if found[0][0] == "NULL":
                shown = [row[0] for row in session.ask(f"SHOW GRANTS FOR {who}")]
                if not ownership.same_grants(shown, [grant]):
                    raise Refused([ownership.not_ours(user, "%")])
            # The application works with the former one until it is started anew; told twice, it does not lose it.
            retain = "" if found[0][0] == mark else "RETAIN CURRENT PASSWORD "
            session.ask(f"ALTER USER {who} {how} {retain}REQUIRE SSL {attribute}")
        session.ask(grant)


def forget_former(config: Config, password: str) -> None:
    """Once the application works with the present password of its login: the former one opens nothing any more."""
    with server(config, password) as target, target.session() as session:
        session.ask(f"ALTER USER {literal(config.database.login.user)}@'%' DISCARD OLD PASSWORD")


def replace(config: Config, password: str, backup_id: str, store: str) -> None:
    """From here on the data are to be replaced by this backup; `restore` does it, also after a kill."""
    with server(config, password) as target, target.session() as session:
        mark(session, config.database.schema, REPLACE, backup_id, store or config.backups)


def sessions(config: Config, password: str) -> int:
    """Connections that the application has in its schema."""
    database = config.database
    with server(config, password) as target, target.session() as session:
        return int(
            session.value(
                "(SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() "
                f"AND user = {literal(database.login.user)} AND db = {literal(database.schema)})"
            )
        )


def facts(config: Config, password: str) -> dict[str, Any]:
    """{"writable", "marker", "server"} for a report; {"writable": None, "words"} when the database does not answer."""
    try:
        with server(config, password) as target, target.session() as session:
            closed = session.value("@@GLOBAL.super_read_only OR @@GLOBAL.read_only")
            known = source.variables(session)
            return {
                "writable": closed == "0",
                "marker": marker(session, config.database.schema),
                "server": {name: known[name] for name in ("version", "lower_case_table_names")},
            }
    except (SqlError, OSError) as error:
        return {"writable": None, "marker": {}, "words": str(error)}


def taken_before(backup_id: str, closed_at: str) -> bool:
    """Whether a backup is older than the moment in which a failback closed this machine (both 20261121T130000Z…)."""
    stamp = re.match(r"\d{8}T\d{6}Z", backup_id)
    return bool(stamp and closed_at and stamp[0] < closed_at)


def stamp() -> str:
    """Now, in the form of a backup's id."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _chosen(config: Config, password: str, say: Any) -> "tuple[str, str]":
    """(id, store) of the backup that `which` means now: the newest may be one that this site took while it served."""
    found: dict[str, tuple[manifest.Found, str]] = {}
    for store in (config.backups, *config.elsewhere):
        told = backup_config.parse(documents(config, password, store)[0])
        try:
            listed = read_all(open_store(told if store == config.backups else _in_a_hurry(told)))
        except Failed as problem:
            if store == config.backups:
                raise
            say({"event": "not-read", "store": store, "problem": str(problem)})
            continue
        found |= {one.backup_id: (one, store) for one in listed}
    chosen = manifest.choose([one for one, _ in found.values()], config.which)
    return chosen.backup_id, found[chosen.backup_id][1]


def _in_a_hurry(told: backup_config.Config) -> backup_config.Config:
    return dataclasses.replace(told, role_seconds=ELSEWHERE_SECONDS)
