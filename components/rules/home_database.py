"""What the primary's database must be for backups, and for data that come home again: what it says of itself in,
sentences with their fix out. Pure, and the same tables that the backup and the failback themselves are held to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..guest.backup import privileges, target


@dataclass(frozen=True)
class HomeDatabase:
    """What a session of the job's user sees."""

    user: str
    """CURRENT_USER()."""
    variables: Mapping[str, str]
    """SHOW GLOBAL VARIABLES."""
    grants: Sequence[str]
    """SHOW GRANTS, line by line."""
    programs: Sequence[str] = ()
    """Routines and triggers of the schema, by name."""

    @property
    def version(self) -> str:
        """For instance 8.4.6."""
        return self.variables.get("version", "")


def home_database_problems(found: HomeDatabase, schema: str, version: str = "") -> Iterator[str]:
    """`version` is what the stack was told; "" for nothing."""
    told, real = target.series(version), target.series(found.version)
    if told and real and told != real:
        yield (
            f"it runs MySQL {found.version}, and the stack was told {version}, whose series the standby gets: "
            f"`pulumi config set primary_database_version {found.version.partition('-')[0]}`"
        )
    user = privileges.account(found.user)
    held = privileges.Held(tuple(found.grants), wildcards=found.variables.get("partial_revokes") != "ON")
    gtids = found.variables.get("gtid_mode") == "ON"
    yield from privileges.missing_for_backup(held, schema, user, gtids)
    yield from privileges.missing_for_a_return(held, schema, user)
    may_trust = bool({"SUPER", "ALL PRIVILEGES"} & held.on_server())
    facts = target.Facts(found.version, found.variables, may_trust=may_trust)
    for words in target.closed(list(found.programs), facts):
        yield f"no data could come home: {words.replace('the target', 'the primary')}"
