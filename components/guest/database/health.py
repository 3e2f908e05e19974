"""Desired beside live on a database host: what is not as the role made it, what will break later. Looks, never changes.

What is desired is what `apply` applies: settings.py renders it, host.py and accounts.py list it, replica.py and
source.py decide it. Here is only how each is looked at, and what a person is told.
"""

import os
import pathlib
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from .. import health
from ..errors import Failed, SqlError
from ..health import Problem, mended
from . import accounts, handshake, host, replica, server, settings, source
from .config import REPLICA, SERVES_TLS, SOURCE, Config, Secrets
from .seeding import Decision, ReplicaFacts, SourceFacts, Step, decide

CLOCK_SECONDS = 2.0
"""Two clocks that differ by more make the heartbeat's age a lie."""
BEAT_SECONDS = 10.0
"""A heartbeat that its own writer finds older than this is not written; as at the desk (FACTS section 18)."""
CERTIFICATE_DAYS = 30.0
"""Said before: each `pulumi up` within the last year renews it, so nobody has run one."""
AWAY_SECONDS = 60.0
"""A replica without its source for longer is told how long the source's logs will wait for it."""
RATE_SECONDS = 86400.0
"""What growth is computed from, at least."""
_AGAIN = "run `twinsite repair`, which applies the role again"
_UP = "run `pulumi up`"
_FENCED = ("super_read_only", "read_only")
_CLOSING = ("super_read_only", "read_only", "offline_mode")
"""What closes a source for writers, or for everybody."""


def problems(config: Config, secrets: Secrets, answers: bool) -> Iterator[Problem]:
    """All of it. `answers`: whether the server does; otherwise only the machine is looked at."""
    yield from _look("units", lambda: health.units(host.units(config)))
    yield from _look("agent", health.agent)
    yield from _look("files", lambda: _files(config, secrets))
    yield from _look("disk", lambda: health.disk([str(host.DATA), "/", "/tmp", "/var/log"]))
    yield from _look("volume", lambda: _volume(config))
    if not answers:
        return
    yield from _look("variables", lambda: _variables(config))
    yield from _look("server", _server)
    yield from _look("binary logs", lambda: _binary_logs(config))
    if config.role in SERVES_TLS:
        yield from _look("certificate", lambda: _own_certificate(config))
    if config.role == SOURCE:
        yield from _look("accounts", lambda: _accounts(config, secrets))
        yield from _look("heartbeat", _beats)
        yield from _look("source", _fit)
    if config.role == REPLICA:
        yield from _look("channel", lambda: _channel(config, secrets))
        yield from _look("path", lambda: _path(config, secrets))


def _look(what: str, look: "Callable[[], Iterable[Problem]]") -> Iterator[Problem]:
    fix = "run `sudo twinsite-guest database report` there; if it stays, look at MySQL's log"
    yield from health.looked(what, look, fix)


def _files(config: Config, secrets: Secrets) -> Iterator[Problem]:
    cnf = {settings.CNF: (settings.render(config, host.relay_log()), 0o644, "root")}
    tls = {pathlib.Path(path): told for path, told in settings.tls_files(config, secrets.tls_key).items()}
    yield from health.files({**cnf, **tls, **host.files(config)})


def _volume(config: Config) -> Iterator[Problem]:
    if config.data_device and not host.DATA.is_mount():
        words = f"{host.DATA} is not on its volume {config.data_device}: what is written there is lost with the machine"
        yield Problem("volume", words, f"stop MySQL, run `sudo systemctl start {host.MOUNT_UNIT}`, start MySQL there")


def _variables(config: Config) -> Iterator[Problem]:
    text = settings.CNF.read_text(encoding="utf-8") if settings.CNF.exists() else ""
    wanted = settings.parsed(settings.render(config, host.relay_log()))
    live = settings.live_variables()
    yield from variable_problems(
        settings.changes(wanted, settings.parsed(text), live, frozenset(config.settings)), config.role
    )
    for name, value in settings.persisted_against(wanted).items():
        yield mended(f"persisted {name}", f"{name} = {value} is persisted, which wins over the file at the next start")
    yield from start_problems(settings.started_with(), wanted, frozenset(config.settings))
    if config.role == SOURCE:
        yield from closed_problems(live, settings.persisted())


def variable_problems(changes: "list[settings.Change]", role: str) -> Iterator[Problem]:
    """Variables of the running server that differ from the role's file. Pure."""
    for change in changes:
        # A file that is not ours is said by itself; who closes a replica or not is told from both ends, at the desk.
        if not change.wanted or change.live is None or (role == REPLICA and change.name in _FENCED):
            continue
        words = f"{change.name} is {change.live} in the running server instead of {change.wanted}"
        if change.needs_restart:
            fix = "run `sudo twinsite-guest database apply` there, which restarts MySQL, when writers may be out"
            yield Problem(f"variable {change.name}", words, fix)
        else:
            yield mended(f"variable {change.name}", words)


def start_problems(start: Mapping[str, str], wanted: Mapping[str, str], overrides: frozenset[str]) -> Iterator[Problem]:
    """What another option file makes of the next start. Pure."""
    fix = f"find it (`grep -rn {{}} /etc/mysql /etc/my.cnf`) and remove it: the file {settings.CNF} is to win"
    for name, value in wanted.items():
        given = start.get(name)
        if given is not None and not settings.same(value, given) and name not in overrides:
            words = f"the next start would get {name} = {given} from another option file instead of {value}"
            yield Problem(f"option {name}", words, fix.format(name))
    for name in ("skip_log_bin", "disable_log_bin", "skip_networking", "skip_grant_tables", "skip_replica_start"):
        if start.get(name, "OFF").upper() not in ("OFF", "0", "FALSE"):
            yield Problem(f"option {name}", f"the next start would get {name} from an option file", fix.format(name))


def closed_problems(live: Mapping[str, str], persisted: Mapping[str, str]) -> Iterator[Problem]:
    """Why nobody writes on a source, or will not after its next start; super_read_only is judged at the desk. Pure."""
    open_again = "if it was not fenced on purpose, run `{}` there"
    for name in _CLOSING:
        if live.get(name) == "ON" and name != "super_read_only" and live.get("super_read_only") != "ON":
            how = open_again.format(f"SET GLOBAL {name} = OFF")
            yield Problem(f"variable {name}", f"{name} is ON, so it is closed for writers", how)
        if persisted.get(name) == "ON" and live.get(name) != "ON":
            how = open_again.format(f"RESET PERSIST {name}")
            words = f"{name} = ON is persisted, so it will be closed for writers after its next start"
            yield Problem(f"persisted {name}", words, how)


def _server() -> Iterator[Problem]:
    redo, clone = server.sql(
        "SELECT variable_value AS v FROM performance_schema.global_status "
        "WHERE variable_name = 'Innodb_redo_log_enabled'; "
        "SELECT plugin_status AS s FROM information_schema.plugins WHERE plugin_name = 'clone'",
        5,
    )
    if redo and redo[0]["v"] == "OFF":
        words = "InnoDB's redo log is disabled, so a crash loses everything"
        yield Problem("redo log", words, "run `ALTER INSTANCE ENABLE INNODB REDO_LOG` there")
    if not clone or clone[0]["s"] != "ACTIVE":
        words = "the clone plugin is not active, so no replica can be given a new copy"
        yield Problem("clone plugin", words, "restart MySQL there when writers may be out: its file loads the plugin")


def _binary_logs(config: Config) -> Iterator[Problem]:
    base = pathlib.Path(server.value("@@global.log_bin_basename", 5) or host.DATA / "binlog")
    found = [path.stat() for path in sorted(base.parent.glob(f"{base.name}.[0-9]*"))]
    room = os.statvfs(base.parent)
    logs = [(one.st_size, one.st_mtime) for one in found]
    kept = config.binlog_retention_hours * 3600
    yield from growth_problems(logs, time.time(), kept, room.f_bavail * room.f_frsize)


def growth_problems(logs: "list[tuple[int, float]]", now: float, kept_seconds: float, free: int) -> Iterator[Problem]:
    """Whether the binary logs fill their file system before the oldest of them are let go. `logs`: (bytes, time of the
    last write), oldest first. Pure."""
    span = now - logs[0][1] if logs else 0.0
    # Less than a day says nothing of the days to come.
    if span < RATE_SECONDS:
        return
    rate = sum(size for size, _ in logs[1:]) / span
    growth = rate * kept_seconds - sum(size for size, _ in logs)
    if growth > free:
        days = free / rate / 86400
        words = (
            f"the binary logs grow by {rate * 86400 / 2**30:.1f} GiB a day and {kept_seconds / 3600:.0f} hours of them "
            f"are to be kept: their file system is full in {days:.1f} days"
        )
        yield Problem("binary logs", words, "grow its volume (`data_volume_gib`), or keep them for less time")


def _own_certificate(config: Config) -> Iterator[Problem]:
    """What clients are shown, against the file; and how long both it and its authority last."""
    try:
        shown = handshake.shown_here(server.SOCKET)
    except OSError as error:
        yield mended("certificate", f"the server does not get as far as TLS ({error})")
        return
    if shown != handshake.der(config.tls_cert):
        yield mended("certificate", "the server shows another certificate than the one in its file")
    yield from expiry_problems("the server's certificate", handshake.days_left(shown))
    yield from expiry_problems("its certificate authority", handshake.days_left(handshake.der(config.tls_ca)))


def expiry_problems(what: str, days: float) -> Iterator[Problem]:
    """Pure."""
    if days < 0:
        words = f"{what} has expired {-days:.0f} days ago: nobody who verifies it connects any more"
        yield Problem("expiry", words, f"{_UP}, which renews it")
    elif days < CERTIFICATE_DAYS:
        words = f"{what} expires in {days:.0f} days; then nobody who verifies it connects any more"
        yield Problem("expiry", words, f"{_UP}, which renews it in its last year")


def _accounts(config: Config, secrets: Secrets) -> Iterator[Problem]:
    for words in accounts.differences(config, secrets):
        yield mended("accounts", words)


def _beats() -> Iterator[Problem]:
    words = source.heartbeat_difference()
    if words:
        yield mended("heartbeat", words)
        return
    age = source.heartbeat_age()
    closed = server.value("@@global.read_only", 5) == "1"
    if age is None and not closed:
        yield Problem("heartbeat", "the heartbeat has never been written", _AGAIN)
    elif age is not None and age > BEAT_SECONDS and not closed:
        words = f"the heartbeat was last written {age:.0f} s ago, though it is due each second"
        how = "look for `twinsite.heartbeat` in MySQL's log there and at `event_scheduler`"
        yield Problem("heartbeat", words, f"{how}; `twinsite repair` makes the event anew if it is not ours")
    elif age is not None and age < -CLOCK_SECONDS:
        words = f"the heartbeat is {-age:.1f} s in the future: this host's clock was set back"
        yield Problem("clock", words, "run NTP there (`timedatectl`)")


def _fit() -> Iterator[Problem]:
    for sentence in source.unfit():
        words, _, fix = sentence.partition("; " if "; " in sentence else ": ")
        yield Problem("source", words, fix)


def _channel(config: Config, secrets: Secrets) -> Iterator[Problem]:
    row = replica.channel_row()
    if row is None:
        return  # said by who decides how it gets its data
    different = replica.channel_differences(replica.channel(config, secrets), row)
    if different:
        yield mended("channel", f"the replication channel is not as configured: {', '.join(different)}")
    delayed, filters = server.sql(
        "SELECT desired_delay AS d FROM performance_schema.replication_applier_configuration "
        "WHERE channel_name = '' AND desired_delay <> '0'; "
        "SELECT filter_name AS n, filter_rule AS r FROM performance_schema.replication_applier_filters "
        "WHERE channel_name = '' AND filter_rule <> '' UNION "
        "SELECT filter_name, filter_rule FROM performance_schema.replication_applier_global_filters "
        "WHERE filter_rule <> ''",
        5,
    )
    if delayed:
        words = f"the applier holds everything back for {delayed[0]['d']} s (SOURCE_DELAY)"
        how = "STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 0; START REPLICA SQL_THREAD"
        yield Problem("delay", words, f"run `{how}` there")
    for one in filters:
        words = f"a filter keeps transactions from the copy ({one['n']}: {one['r']}), whose rows are missing here now"
        how = f"STOP REPLICA SQL_THREAD; CHANGE REPLICATION FILTER {one['n']} = (); START REPLICA SQL_THREAD"
        yield Problem("filter", words, f"run `{how}` there, then `twinsite repair --confirm reseed` for a whole copy")


def _path(config: Config, secrets: Secrets) -> Iterator[Problem]:
    """The way that the data take, as far as it goes: TCP, TLS, the account, and what the source says of itself."""
    local = replica.facts(None)
    yield from _away(config, local)
    where = f"its source {config.source_address}:{config.port}"
    try:
        shown = handshake.shown(config.source_address, config.port, config.tls_ca)
    except ssl.SSLCertVerificationError as error:
        words = f"{where} shows a certificate that is not to be trusted ({error.verify_message})"
        yield Problem("certificate", words, f"{_UP}, which gives both ends certificates of one authority")
        return
    except handshake.NoTls as error:
        words = f"{where} answers, but without TLS ({error})"
        # 1130: no account is for this host's address.
        yield (
            account_problem(config, words) if "1130" in str(error) else Problem("path", words, "look at its log there")
        )
        return
    except OSError as error:
        look = f"`ip route get {config.source_address}` here, the tunnel, and port {config.port} in the firewalls"
        yield Problem("path", f"{where} cannot be reached ({error})", f"look at {look}; then `twinsite repair`")
        return
    yield from expiry_problems("its source's certificate", handshake.days_left(shown))
    yield from expiry_problems("its certificate authority", handshake.days_left(handshake.der(config.tls_ca)))
    try:
        there = replica.ask_source(config, secrets.replication_password, 0, 0)
    except Failed as error:
        yield account_problem(config, str(error))
        return
    yield from _clone_account(config, secrets)
    if abs(there.clock_seconds) > CLOCK_SECONDS:
        ahead = "ahead of" if there.clock_seconds > 0 else "behind"
        words = f"its source's clock is {abs(there.clock_seconds):.1f} s {ahead} this host's, so no age of data is true"
        yield Problem("clock", words, "run NTP on both hosts (`timedatectl` says whether it does)")
    # Retention at a source of ours is judged there.
    retention = config.binlog_retention_hours * 3600 if config.existing_source else 0
    yield from pair_problems(local, there, decide(local, there, config.source_address, retention))


def pair_problems(here: ReplicaFacts, there: SourceFacts, decision: Decision) -> Iterator[Problem]:
    """What the two histories say, and what `apply` would refuse. Pure."""
    own, missing = here.executed - there.executed, there.purged - here.executed
    if own:
        words = f"it holds {own.count()} transactions that its source never had ({own})"
        yield Problem("errant", words, "`twinsite repair` says what they hold, and which word of yours undoes them")
    if missing and here.receiver != "ON" and here.executed:
        words = f"its source no longer has the binary logs of {missing.count()} transactions that it lacks ({missing})"
        yield Problem("purged", words, "run `twinsite repair --confirm reseed`, which replaces its data by a new copy")
    if decision.step is Step.REFUSE and not own and not missing:
        for sentence in decision.problems:
            words, _, fix = sentence.rpartition(": ")
            yield Problem("pair", words or fix, fix if words else _UP)


def _away(config: Config, here: ReplicaFacts) -> Iterator[Problem]:
    """How long the source's logs still wait for a replica that does not receive."""
    if here.receiver == "ON" or not here.channel_source:
        return
    away = source.heartbeat_age() or 0.0
    if away > AWAY_SECONDS:
        left = config.binlog_retention_hours - away / 3600
        words = f"it is {away / 60:.0f} minutes behind; its source's binary logs wait for it {left:.1f} hours more"
        yield Problem("away", words, "mend what keeps them apart before: afterwards only a new copy of the data helps")


def account_problem(config: Config, words: str) -> Problem:
    """A login of the replica that its source does not take. Pure."""
    if config.existing_source:
        fix = "run the stack output source_sql at the source again, then `twinsite repair`"
    else:
        fix = (
            "run `twinsite repair`, which gives the account its rights at the source again; if it stays, somebody "
            "changed its password: raise `password_generation` by 1 and run `pulumi up`"
        )
    return Problem("account", words, fix)


def _clone_account(config: Config, secrets: Secrets) -> Iterator[Problem]:
    try:
        server.remote(
            config.source_address, config.port, config.clone_user, secrets.clone_password, replica.CA, "SELECT 1", 5
        )
    except SqlError as error:
        words = f"its source refuses {config.clone_user}, so no new copy could be made: {error}"
        yield account_problem(config, words)
