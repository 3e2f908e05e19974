"""The replica's contents: facts, the seeding decision's execution, and the channel."""

import dataclasses
import time

from ..errors import Failed, Refused, SqlError
from . import gtid, host, server
from .config import Config, Secrets
from .seeding import Decision, ReplicaFacts, SourceFacts, Step, decide, promoted_problems
from .server import quote
from .settings import TLS_FOLDER
from .source import OURS, schemas

_DENIED = 1045
"""Access denied: no such account from here, or another password."""
_RECEIVER_PAUSED = "the receiver was stopped and started; nothing is lost, positions are GTIDs"
CA = str(TLS_FOLDER / "twinsite-ca.pem")


def channel(config: Config, secrets: Secrets) -> dict[str, tuple[str, str]]:
    """Option of CHANGE REPLICATION SOURCE TO → (column of mysql.slave_master_info, value), as SQL literals."""
    return {
        "SOURCE_HOST": ("Host", quote(config.source_address)),
        "SOURCE_PORT": ("Port", str(config.port)),
        "SOURCE_USER": ("User_name", quote(config.replication_user)),
        "SOURCE_PASSWORD": ("User_password", quote(secrets.replication_password)),
        "SOURCE_AUTO_POSITION": ("Enabled_auto_position", "1"),
        # Encrypted, and the server at the other end is the one that holds the certificate for this address.
        "SOURCE_SSL": ("Enabled_ssl", "1"),
        "SOURCE_SSL_CA": ("Ssl_ca", quote(CA)),
        "SOURCE_SSL_VERIFY_SERVER_CERT": ("Ssl_verify_server_cert", "1"),
        "SOURCE_CONNECT_RETRY": ("Connect_retry", str(config.connect_retry_seconds)),
        # 0 = no limit. Upstream's 10 tries of 60 s end after ten minutes, for good (K10).
        "SOURCE_RETRY_COUNT": ("Retry_count", str(config.retry_count)),
        # Together with replica_net_timeout, or a quiet source means endless reconnects (K12).
        "SOURCE_HEARTBEAT_PERIOD": ("Heartbeat", f"{config.heartbeat_period_seconds:g}"),
    }


def channel_differences(wanted: dict[str, tuple[str, str]], row: server.Row | None) -> list[str]:
    """Options whose value is not the configured one. Pure."""
    if row is None:
        return list(wanted)
    return [option for option, (column, literal) in wanted.items() if not _means(row.get(column) or "", literal)]


def _means(found: str, literal: str) -> bool:
    if literal.startswith("'"):
        return quote(found) == literal
    try:
        return float(found) == float(literal)  # the heartbeat period comes back as 1.000
    except ValueError:
        return False


def channel_row() -> server.Row | None:
    """The default channel's own record (root can read it: MySQL keeps the password in clear), or None."""
    rows = server.sql("SELECT * FROM mysql.slave_master_info WHERE Channel_name = ''")[0]
    return rows[0] if rows and rows[0]["Host"] else None


def facts(consent: gtid.GtidSet | None) -> ReplicaFacts:
    """The local server, as the decision needs it."""
    basis, receiver, applier, errors = server.sql(
        "SELECT @@version AS version, @@server_uuid AS uuid, @@server_id AS id, @@global.gtid_executed AS executed, "
        "@@global.super_read_only AS fenced; "
        "SELECT service_state AS s FROM performance_schema.replication_connection_status WHERE channel_name = ''; "
        "SELECT service_state AS s FROM performance_schema.replication_applier_status WHERE channel_name = ''; "
        "SELECT last_error_message AS e FROM performance_schema.replication_applier_status_by_worker "
        "WHERE channel_name = '' AND last_error_number <> 0"
    )
    row, known = channel_row(), host.state()
    return ReplicaFacts(
        version=basis[0]["version"] or "",
        server_uuid=basis[0]["uuid"] or "",
        server_id=int(basis[0]["id"] or 0),
        executed=gtid.parse(basis[0]["executed"] or ""),
        schemas=schemas(OURS),
        writable=basis[0]["fenced"] != "1",
        channel_source=(row or {}).get("Host") or "",
        receiver=(receiver[0]["s"] if receiver else None) or "OFF",
        applier=(applier[0]["s"] if applier else None) or "OFF",
        applier_error=(errors[0]["e"] if errors else None) or "",
        was_ours=bool(known.get("followed")),
        # A clone takes the channel away first; one that is there now means that somebody went on without us.
        clone_unfinished=bool(known.get("cloning")) and row is None,
        consent=consent,
    )


class Unknown(Failed):
    """The source answers, and does not take this password."""


def ask_source(config: Config, password: str, seconds: float, to_learn_seconds: float) -> SourceFacts:
    """The source's facts over verified TLS, with the replication account.

    Waits `seconds` for a source that is not there yet, `to_learn_seconds` for one that does not know the password yet:
    both ends are told of a new one at the same time. Raises Unknown in the end, Failed for anything else.
    """
    question = (
        "SELECT @@version AS v, @@server_uuid AS u, @@server_id AS i, @@global.gtid_executed AS e, "
        "@@global.gtid_purged AS p, @@global.gtid_mode AS g, @@global.log_bin AS l, @@global.binlog_format AS f, "
        "@@global.binlog_expire_logs_seconds AS r, UNIX_TIMESTAMP(NOW(6)) AS c"
    )
    began = time.monotonic()
    while True:
        asked = time.time()
        try:
            row = server.remote(config.source_address, config.port, config.replication_user, password, CA, question)[0][
                0
            ]
            break
        except SqlError as error:
            denied = error.number == _DENIED
            if time.monotonic() - began >= (to_learn_seconds if denied else seconds):
                where = f"{config.source_address}:{config.port}"
                if denied:
                    raise Unknown(f"the source {where} refuses {config.replication_user}: {error}") from None
                words = (
                    f"cannot reach source {where}"
                    if error.number in server.UNREACHABLE
                    else f"the source {where} refuses"
                )
                raise Failed(f"{words}: {error}") from None
            time.sleep(1)
    return SourceFacts(
        version=row["v"] or "",
        server_uuid=row["u"] or "",
        server_id=int(row["i"] or 0),
        executed=gtid.parse(row["e"] or ""),
        purged=gtid.parse(row["p"] or ""),
        gtid_mode=row["g"] or "",
        logs=row["l"] == "1",
        log_format=row["f"] or "",
        retention_seconds=int(row["r"] or 0),
        clock_seconds=_clock(float(row["c"] or 0), asked, time.time()),
    )


def _clock(said: float, asked: float, answered: float) -> float:
    """How far a clock that said this is from ours; 0 while it lies between the question and the answer."""
    return min(0.0, said - asked) or max(0.0, said - answered)


def refuse_promoted() -> None:
    """Before any setting is enforced: the first of them would be super_read_only."""
    if not server.running():
        return
    local = facts(None)
    problems = [] if local.clone_unfinished else promoted_problems(local)
    if problems:
        raise Refused(problems)


@dataclasses.dataclass
class Result:
    """Sentences on what was done, and the disruption it meant."""

    changed: list[str] = dataclasses.field(default_factory=list)
    disruption: list[str] = dataclasses.field(default_factory=list)


def seed(config: Config, secrets: Secrets, consent: gtid.GtidSet | None = None, stale_receiver: bool = False) -> Result:
    """Decide, then act. Killed anywhere, the next call ends in the same state."""
    local = facts(consent)
    replicates = decide(local, None, config.source_address).step is Step.KEEP
    source: SourceFacts | None = None
    try:
        # After the local facts: the source's set only grows, so nothing can look errant that is not.
        wait = config.source_wait_seconds
        source = ask_source(config, secrets.replication_password, 0 if replicates else wait, wait)
    except Unknown as unknown:
        if not replicates:
            raise
        # With a password that the source does not take it would not come back from the next cut.
        raise Failed(
            f"{unknown}; this replica keeps the password that it has and goes on replicating. Where twinsite makes the "
            "source, look at its `twinsite-guest database report`; on an existing one run the stack output source_sql "
            "first; then run `pulumi up` again"
        ) from None
    except Failed:
        # An `up` during an outage leaves a replica alone that will come back by itself.
        if not replicates:
            raise
    # A source of our own may be about to get a new retention from its own apply; it is not refused for that.
    retention = config.binlog_retention_hours * 3600 if config.existing_source else 0
    decision = decide(local, source, config.source_address, retention)
    result = Result()
    _act(decision, config, secrets, result)
    if stale_receiver and not result.disruption:
        server.sql("STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")
        result.disruption.append(_RECEIVER_PAUSED)
    return result


def _act(decision: Decision, config: Config, secrets: Secrets, result: Result) -> None:
    if decision.step is Step.REFUSE:
        raise Refused(list(decision.problems))
    if decision.step is Step.CLONE:
        _clone(config, secrets)
        result.changed.append(f"copied the source's data by clone: {decision.reason}")
        result.disruption.append("the replica's data was replaced by a copy of the source's; its mysqld restarted")
    _configure(config, secrets, result)
    running = server.sql(
        "SELECT r.service_state AS r, a.service_state AS a FROM performance_schema.replication_connection_status r "
        "JOIN performance_schema.replication_applier_status a USING (channel_name) WHERE channel_name = ''"
    )[0][0]
    if running["r"] == "OFF" or running["a"] == "OFF":
        server.sql("START REPLICA")
        result.changed.append(f"started replication: {decision.reason}")
    host.remember(followed=True, cloning=False)


def _configure(config: Config, secrets: Secrets, result: Result) -> None:
    wanted = channel(config, secrets)
    row = channel_row()
    different = channel_differences(wanted, row)
    if not different:
        return
    words = ", ".join(different)
    options = ", ".join(f"{option} = {wanted[option][1]}" for option in different)
    # Auto-position alone needs both threads stopped.
    if row is None or "SOURCE_AUTO_POSITION" in different:
        server.sql(f"STOP REPLICA; CHANGE REPLICATION SOURCE TO {options}")
        result.changed.append(f"configured the channel to {config.source_address}")
        return
    # Only the receiver pauses; the applier goes on with what is already here.
    server.sql(f"STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO {options}; START REPLICA IO_THREAD")
    result.changed.append(f"changed the channel: {words}")
    result.disruption.append(_RECEIVER_PAUSED)


def _clone(config: Config, secrets: Secrets) -> None:
    host.remember(cloning=True)
    _end_running_clone()
    donor = f"{config.source_address}:{config.port}"
    server.sql(
        "STOP REPLICA; RESET REPLICA ALL; "
        f"SET GLOBAL clone_valid_donor_list = {quote(donor)}; SET GLOBAL clone_ssl_ca = {quote(CA)}; "
        # A tunnel that is cut in the middle resumes within this many minutes.
        "SET GLOBAL clone_donor_timeout_after_network_failure = 5"
    )
    account = f"{quote(config.clone_user)}@{quote(config.source_address)}:{config.port}"
    # CLONE refuses under super_read_only (1290); read_only stays, and so does everybody but administrators.
    statement = (
        f"SET GLOBAL super_read_only = OFF; CLONE INSTANCE FROM {account} "
        f"IDENTIFIED BY {quote(secrets.clone_password)} REQUIRE SSL"
    )
    started = server.value("UNIX_TIMESTAMP(NOW(6))")
    deadline = time.monotonic() + 120
    while True:
        try:
            server.sql(statement, timeout=24 * 3600)
            break
        except SqlError as error:
            # At its end the server restarts, so the client loses it; 3707: it cannot restart itself, systemd does.
            if error.number in (2006, 2013, 3707):
                break
            # 3634: a donor that has not noticed yet that an earlier recipient died serves one clone at a time.
            if "3634" not in str(error) or time.monotonic() > deadline:
                server.sql("SET GLOBAL super_read_only = ON")
                raise Failed(f"clone from {donor} failed: {error}; apply again to repeat it") from None
            time.sleep(2)
    server.wait("systemd to bring MySQL back after the clone", server.running, 60)
    server.wait("MySQL to answer after the clone", server.answers, 600)
    row = server.sql(
        "SELECT state AS s, error_message AS e, UNIX_TIMESTAMP(begin_time) AS b FROM performance_schema.clone_status"
    )[0]
    if not row or row[0]["s"] != "Completed" or float(row[0]["b"] or 0) < float(started) - 1:
        words = (row[0]["e"] if row else "") or "no status"
        raise Failed(f"clone from {donor} did not complete: {words}; apply again to repeat it")


def _running_clones() -> list[str]:
    # After a crash clone_status says "In Progress" for ever; it is true of a clone that began in this server's life and
    # whose connection is alive.
    rows = server.sql(
        "SELECT p.id AS i FROM performance_schema.clone_status c JOIN performance_schema.processlist p ON p.id = c.pid "
        "WHERE c.state = 'In Progress' AND c.begin_time > NOW(3) - INTERVAL (SELECT variable_value FROM "
        "performance_schema.global_status WHERE variable_name = 'Uptime') SECOND"
    )[0]
    return [str(row["i"]) for row in rows]


def _end_running_clone() -> None:
    """A clone whose client was killed may still run; two at once are refused by MySQL."""
    clones = _running_clones()
    for clone in clones:
        try:
            server.sql(f"KILL {clone}")
        except SqlError as error:
            if error.number != 1094:  # unknown thread: it ended meanwhile
                raise
    if clones:
        server.wait("the earlier clone to end", lambda: not _running_clones(), 120)
