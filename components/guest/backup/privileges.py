"""What SHOW GRANTS allows. Pure.

An object that a user may not see is missing from its lists without a word, so a backup asks first. What a failback does
at the old primary needs more than a backup, so that is asked before anybody is stopped for it.
"""

import re
from dataclasses import dataclass

from .rows import identifier

_GRANT = re.compile(r"^GRANT (.+?) ON (?:(?:TABLE|PROCEDURE|FUNCTION) )?(\S+) TO ", re.DOTALL)


def held(lines: list[str], schema: str) -> set[str]:
    """Privileges on the whole schema or the whole server, by upper-case name, prefixed `*.*:` when on the server.

    Of several database patterns that match, MySQL takes the most exact one alone: they do not add up.
    """
    found: set[str] = set()
    best: tuple[float, set[str]] = (-1, set())
    for line in lines:
        said = _GRANT.match(line)
        if not said:
            continue
        place = said[2].replace("`", "")
        names = {word.strip().upper() for word in said[1].split(",")}
        if place == "*.*":
            found |= names | {f"*.*:{name}" for name in names}
        elif place.endswith(".*") and _matches(place[:-2], schema):
            best = max(best, (_exactness(place[:-2]), names), key=lambda one: one[0])
    return found | best[1]


def _exactness(pattern: str) -> float:
    """How much of a pattern stands before its first wildcard."""
    wildcard = re.search(r"(?:\\.|[^\\%_])*", pattern)
    length = wildcard.end() if wildcard else 0
    return float("inf") if length == len(pattern) else length


def _matches(pattern: str, schema: str) -> bool:
    """A grant's database part is a LIKE pattern."""
    out = ""
    for part in re.findall(r"\\.|.", pattern):
        out += re.escape(part[1]) if part.startswith("\\") else {"%": ".*", "_": "."}.get(part, re.escape(part))
    return re.fullmatch(out, schema) is not None


def missing_for_backup(lines: list[str], schema: str) -> list[str]:
    """Sentences about what a backup would silently leave out."""
    has = held(lines, schema)
    if any(name.startswith("ALL PRIVILEGES") for name in has):
        return []
    problems = [
        f"this user has no {name} on schema {schema!r}, so {what} would be missing from the backup: "
        f"GRANT {name} ON `{schema}`.* TO this user"
        for name, what in (("SELECT", "rows"), ("TRIGGER", "triggers"), ("EVENT", "events"), ("SHOW VIEW", "views"))
        if name not in has
    ]
    if not {"*.*:SELECT", "*.*:SHOW_ROUTINE"} & has:
        problems.append(
            "this user sees no text of routines that others defined, so they would be missing from the backup: "
            "GRANT SHOW_ROUTINE ON *.* TO this user"
        )
    return problems


@dataclass(frozen=True)
class Need:
    """Privileges on one schema, or on all whose names begin alike."""

    schema: str
    """A name that the grant has to cover."""
    pattern: str
    """As GRANT names it."""
    names: tuple[str, ...]
    why: str


def needs_of_a_return(schema: str, restores: str) -> tuple[Need, ...]:
    """What moving the old tables of `schema` aside and restoring into it needs; `restores` is where a restore keeps how
    far it has come."""
    plain = _plain(schema)
    return (
        Need(
            schema,
            plain,
            # The last four are what triggers, routines and views do: they run with the rights of who restored them.
            ("ALTER", "ALTER ROUTINE", "CREATE", "CREATE ROUTINE", "CREATE VIEW", "DROP", "EVENT", "REFERENCES",
             "SHOW VIEW", "TRIGGER", "LOCK TABLES", "SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE"),
            "into which the data come back",
        ),
        # RENAME TABLE asks for the two; to be seen there, a table needs the third.
        Need(f"{schema}_aside_x", rf"{plain}\_aside\_%", ("CREATE", "INSERT", "SELECT"),
             "where the old tables are kept"),
        Need(restores, _plain(restores), ("CREATE", "DROP", "SELECT", "INSERT", "UPDATE"),
             "where a restore keeps how far it has come"),
    )  # fmt: skip


def missing_for_a_return(lines: list[str], needs: tuple[Need, ...], user: str) -> list[str]:
    """A sentence for each schema on which a user, 'name'@'host', lacks something, with the statement that grants it.

    That names all that is needed, not what is missing alone: it may take the place of a less exact pattern's grant.
    """
    problems = []
    for need in needs:
        has = held(lines, need.schema)
        missing = [name for name in need.names if name not in has]
        if missing and not any(name.startswith("ALL PRIVILEGES") for name in has):
            problems.append(
                f"{user} has no {', '.join(missing)} on schema {need.pattern}, {need.why}: as the server's "
                f"administrator GRANT {', '.join(need.names)} ON {identifier(need.pattern)}.* TO {user}"
            )
    return problems


def account(current_user: str) -> str:
    """What CURRENT_USER() says, as a statement names it."""
    name, _, host = current_user.rpartition("@")
    return "@".join("'" + part.replace("\\", "\\\\").replace("'", "\\'") + "'" for part in (name, host))


def _plain(schema: str) -> str:
    """A grant's database part that means this schema only."""
    return re.sub(r"([\\_%])", r"\\\1", schema)
