"""The primary's database, asked as the backup's user: whether backups are whole, and whether data could come home.

A failback asks the same when it begins, which is after the disaster; here it is asked while the primary is well.
"""

import contextlib
from collections.abc import Callable

from twinsite.needs import Database
from twinsite.rules.home_database import HomeDatabase, home_database_problems

from .. import sql
from ..sql import Gone, Place, Refused, Session, Untrusted
from ..unanswered import CouldNotAsk
from . import setting
from .answers import Finding, all_of, needs_setting, not_ok, ok

ACCESS_DENIED = 1045


def primary(needs: Database, stack: str, read: Callable[[str, str], str] = setting.text) -> Finding:
    """Over verified TLS, by the settings of the stack."""
    address = needs_setting(needs.address, needs.settings.address)
    user = needs_setting(needs.user, needs.settings.user)
    password = read(needs.settings.password, stack).rstrip("\n")
    place = Place("mysql", address, user, needs.port, password, needs.authority)
    try:
        with contextlib.closing(sql.connect(place)) as session:
            return judged(look(session, needs.schema), needs.schema, needs.version)
    except Gone as gone:
        raise CouldNotAsk(
            str(gone), "ask from where it can be reached; `twinsite failback --plan` asks the same from the cluster"
        ) from None
    except Untrusted as untrusted:
        name, authority = needs.settings.address, needs.settings.authority
        return not_ok(str(untrusted), f"set {authority} to the authority that signed for it, {name} to a name of it")
    except Refused as refused:
        if refused.number == ACCESS_DENIED:
            fix = f"`pulumi config set --secret {needs.settings.password}`, or its user's password there"
            return not_ok(str(refused), fix)
        raise CouldNotAsk(str(refused), "look at the server's own log") from None


def look(session: Session, schema: str) -> HomeDatabase:
    """What the rule reads."""
    variables = {str(row["Variable_name"]): str(row["Value"]) for row in session.ask("SHOW GLOBAL VARIABLES")}
    programs = session.ask(
        "SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = %s UNION ALL "
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s ORDER BY name",
        schema,
        schema,
    )
    return HomeDatabase(
        user=str(session.ask("SELECT CURRENT_USER() AS name")[0]["name"]),
        variables=variables,
        grants=tuple(str(next(iter(row.values()))) for row in session.ask("SHOW GRANTS")),
        programs=tuple(str(row["name"]) for row in programs),
    )


def judged(found: HomeDatabase, schema: str, version: str) -> Finding:
    """Pure. One finding a problem."""
    problems = list(home_database_problems(found, schema, version))
    if not problems:
        return ok(f"MySQL {found.version}: backups of {schema} are whole, and data can come home")
    parts = [problem.rpartition(": ") for problem in problems]
    return all_of([not_ok(words, fix) for words, _, fix in parts])
