"""Who needs which rights, as one table, and what SHOW GRANTS says of them. Pure.

An object that a user may not see is missing from its lists without a word, so a backup asks first. What a failback does
at the old primary needs more than a backup, so that is asked before anybody is stopped for it. The documents, the
hints and both checks say what is in BACKUP and RETURN, and nothing else.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from .rows import identifier


class Place(str, Enum):
    """On what a right is given."""

    SERVER = "server"
    SCHEMA = "schema"
    ASIDE = "aside"
    """The schemas in which a failback keeps the old tables."""
    RESTORES = "restores"
    """Where a restore keeps how far it has come."""


@dataclass(frozen=True)
class Right:
    """One privilege, by MySQL's name."""

    name: str
    place: Place
    why: str
    """For a backup: what would be missing from it."""
    instead: "tuple[str, ...]" = ()
    """On the whole server, any of these does as well."""
    without_gtids: bool = False
    """Only a server whose GTIDs are off cannot do without (RDS's default)."""


BACKUP = (
    Right("SELECT", Place.SCHEMA, "rows"),
    Right("SHOW VIEW", Place.SCHEMA, "views"),
    Right("TRIGGER", Place.SCHEMA, "triggers"),
    Right("EVENT", Place.SCHEMA, "events"),
    Right("LOCK TABLES", Place.SCHEMA, "the proof that all tables are of one moment", without_gtids=True),
    Right("SHOW_ROUTINE", Place.SERVER, "routines that others defined", instead=("SELECT",)),
)
_BACK = "into which the data come back"
_KEPT = "where the old tables are kept"
_PROGRESS = "where a restore keeps how far it has come"
RETURN = (
    # The last of these are what triggers, routines and views do: they run with the rights of who restored them.
    *(
        Right(name, Place.SCHEMA, _BACK)
        for name in (
            "ALTER", "ALTER ROUTINE", "CREATE", "CREATE ROUTINE", "CREATE VIEW", "DROP", "EVENT", "REFERENCES",
            "SHOW VIEW", "TRIGGER", "LOCK TABLES", "SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE",
        )
    ),
    # RENAME TABLE asks for the two; to be seen there, a table needs the third.
    *(Right(name, Place.ASIDE, _KEPT) for name in ("CREATE", "INSERT", "SELECT")),
    *(Right(name, Place.RESTORES, _PROGRESS) for name in ("CREATE", "DROP", "SELECT", "INSERT", "UPDATE")),
)  # fmt: skip

RESTORES = "twinsite_restore"
ASIDE_LETTERS = 32
"""Of the schema's name in the name of what is kept aside: MySQL takes 64, and `_aside_` and a backup's id have 32."""


def aside_prefix(schema: str) -> str:
    """How the names of all begin in which the old tables of `schema` are kept."""
    return f"{schema[:ASIDE_LETTERS]}_aside_"


_QUOTED = r"`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_LINE = re.compile(rf"(GRANT|REVOKE) ([A-Z_, ]+) ON (\*|{_QUOTED})\.\* (?:TO|FROM) ")
"""Grants on tables, columns, routines and roles are other lines. Names are between `"` with ANSI_QUOTES."""


@dataclass(frozen=True)
class Held:
    """What SHOW GRANTS says: its lines as they are; roles that are active are in them."""

    lines: "tuple[str, ...]"
    wildcards: bool = True
    """False with partial_revokes, where % and _ in a grant are letters."""

    def on_server(self) -> "set[str]":
        """Privileges on the whole server."""
        return {name for verb, names, place in self._said() if verb == "GRANT" and place == "*" for name in names}

    def on(self, schema: str) -> "set[str]":
        """Privileges on a whole schema: the server's less what was revoked of them there (partial_revokes), and the
        schema's own. Of several patterns that match, MySQL takes the most exact one alone: they do not add up."""
        revoked: set[str] = set()
        granted: dict[str, set[str]] = {}
        for verb, names, place in self._said():
            if place == "*" or not _matches(pattern := _name(place), schema, self.wildcards):
                continue
            if verb == "REVOKE":
                revoked |= names
            else:
                granted.setdefault(pattern, set()).update(names)
        best = max(granted, key=_exactness, default="")
        own = granted.get(best, set())
        server = self.on_server()
        # Of the whole server it never stands beside a revocation: MySQL then lists them one by one.
        server, own = (_ALL if "ALL PRIVILEGES" in names else names for names in (server, own))
        return (server - revoked) | own

    def _said(self) -> "Iterator[tuple[str, set[str], str]]":
        for line in self.lines:
            if said := _LINE.match(line):
                yield said[1], {word.strip() for word in said[2].split(",")}, said[3]


_ALL = {right.name for right in (*BACKUP, *RETURN)}
"""Every privilege that is asked for here."""


def _name(quoted: str) -> str:
    return quoted[1:-1].replace(quoted[0] * 2, quoted[0])


def _exactness(pattern: str) -> float:
    """How much of a pattern stands before its first wildcard."""
    wildcard = re.search(r"(?:\\.|[^\\%_])*", pattern)
    length = wildcard.end() if wildcard else 0
    return float("inf") if length == len(pattern) else length


def _matches(pattern: str, schema: str, wildcards: bool) -> bool:
    """A grant's database part is a LIKE pattern."""
    out = ""
    for part in re.findall(r"\\.|.", pattern, re.DOTALL):
        wild = {"%": ".*", "_": "."} if wildcards else {}
        out += re.escape(part[1]) if part.startswith("\\") else wild.get(part, re.escape(part))
    return re.fullmatch(out, schema, re.DOTALL) is not None


def missing_for_backup(held: Held, schema: str, user: str, gtids: bool) -> "list[str]":
    """Sentences about what a backup would silently leave out; `user` is 'name'@'host'."""
    has = held.on(schema), held.on_server()
    missing = [right for right in BACKUP if not _has(right, *has) and not (right.without_gtids and gtids)]
    return [
        f"{user} has no {', '.join(right.name for right in lacking)} on {_where(place, schema)}, so "
        f"{', '.join(right.why for right in lacking)} would be missing from the backup: as the server's administrator "
        f"{statement(BACKUP, place, schema, user)}{_instead(lacking)}"
        for place in Place
        if (lacking := [right for right in missing if right.place is place])
    ]


def _has(right: Right, schema: "set[str]", server: "set[str]") -> bool:
    if right.place is Place.SERVER:
        return bool({right.name, *right.instead, "ALL PRIVILEGES"} & server)
    return right.name in schema


def _instead(rights: "list[Right]") -> str:
    names = [name for right in rights for name in right.instead]
    return f" (or {' or '.join(names)} ON *.*)" if names else ""


def missing_for_a_return(held: Held, schema: str, user: str) -> "list[str]":
    """A sentence for each place where a user, 'name'@'host', lacks something, with the statement that grants it.

    That names all that is needed, not what is missing alone: it may take the place of a less exact pattern's grant.
    """
    problems = []
    for place, name in _places(schema).items():
        rights = [right for right in RETURN if right.place is place]
        has = held.on(name)
        missing = [right.name for right in rights if right.name not in has]
        if missing:
            problems.append(
                f"{user} has no {', '.join(missing)} on {_where(place, schema)}, {rights[0].why}: as the server's "
                f"administrator {statement(RETURN, place, schema, user, held.wildcards)}"
            )
    return problems


def _places(schema: str) -> "dict[Place, str]":
    """A name that each grant has to cover."""
    return {Place.SCHEMA: schema, Place.ASIDE: f"{aside_prefix(schema)}x", Place.RESTORES: RESTORES}


def _where(place: Place, schema: str) -> str:
    return {
        Place.SERVER: "the server",
        Place.SCHEMA: f"schema {schema}",
        Place.ASIDE: f"schemas {aside_prefix(schema)}…",
        Place.RESTORES: f"schema {RESTORES}",
    }[place]


def statement(rights: "Iterable[Right]", place: Place, schema: str, user: str, wildcards: bool = True) -> str:
    """The GRANT of all rights in one place. Names that are not known yet take a wildcard, or all schemas."""
    names = ", ".join(right.name for right in rights if right.place is place)
    pattern = {
        Place.SERVER: "*",
        Place.SCHEMA: identifier(_plain(schema)),
        Place.ASIDE: identifier(_plain(aside_prefix(schema)) + "%") if wildcards else "*",
        Place.RESTORES: identifier(_plain(RESTORES)),
    }[place]
    return f"GRANT {names} ON {pattern}.* TO {user}"


def statements(rights: "Iterable[Right]", schema: str, user: str) -> "list[str]":
    """All of them: what documents and hints show."""
    rights = list(rights)
    return [statement(rights, place, schema, user) for place in Place if any(right.place is place for right in rights)]


def account(current_user: str) -> str:
    """What CURRENT_USER() says, as a statement names it."""
    name, _, host = current_user.rpartition("@")
    return "@".join("'" + part.replace("\\", "\\\\").replace("'", "\\'") + "'" for part in (name, host))


def _plain(schema: str) -> str:
    """A grant's database part that means this schema only."""
    return re.sub(r"([\\_%])", r"\\\1", schema)
