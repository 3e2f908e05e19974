"""What an unfinished restore has done, on the target beside the data: a chunk's row is in the chunk's transaction.

The schema `twinsite_restore` exists from before the first change until after the last, so it also says whose the data
in a half-filled target are.
"""

from dataclasses import dataclass
from enum import Enum

from ..errors import SqlError
from .client import Session
from .privileges import RESTORES
from .rows import identifier, literal

SCHEMA = RESTORES
VERSION = 1

# A CHECK is the way for plain SQL to end a transaction with an error when the rows are not those that were promised:
# with LOCAL, MySQL skips or alters what it does not like and goes on. What it alters is for the proof to find: it warns
# of values, too, that are stored as they were (an ENUM's 0, a generated column's text that is no number).
TABLES = (
    f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.restore (
  only_one INT PRIMARY KEY CHECK (only_one = 1),
  version INT NOT NULL,
  backup_id VARCHAR(64) NOT NULL,
  target_schema VARCHAR(64) NOT NULL,
  began DATETIME(6) NOT NULL
) ENGINE=InnoDB""",
    f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.chunks (
  blob_name VARCHAR(700) CHARACTER SET ascii PRIMARY KEY,
  expected BIGINT NOT NULL,
  loaded BIGINT,
  CONSTRAINT chunk_has_all_its_rows CHECK (loaded = expected)
) ENGINE=InnoDB""",
    f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.proved (
  number INT PRIMARY KEY
) ENGINE=InnoDB""",
)
CHECK_VIOLATED = 3819
DUPLICATE = 1062  # of a chunk's row only: LOAD DATA LOCAL skips duplicates, and the CHECK finds that


class Decision(str, Enum):
    """What to do with a target."""

    BEGIN = "begin"
    RESUME = "resume"
    DISCARD = "discard"
    COMPARE = "compare"


@dataclass(frozen=True)
class State:
    """Of a target: whether the schema holds anything, and which restore has begun there ("" none; None: not ours)."""

    empty: bool
    backup_id: str = ""
    target_schema: str = ""
    known: bool = True
    """False when a schema of our name holds something else."""


def decide(state: State, backup_id: str, schema: str) -> "Decision | str":
    """A decision, or why there is none: a sentence with the fix. Pure.

    An unfinished restore of another backup is thrown away: it began in an empty schema, nobody uses half a one. Data
    without a sign of ours are compared: a restore that was killed after its last step left them exactly as promised.
    """
    if not state.known:
        return f"schema {SCHEMA!r} on the target is not ours or of another version: DROP DATABASE {SCHEMA} after a look"
    if state.backup_id and state.target_schema != schema:
        return (
            f"an unfinished restore of backup {state.backup_id} into schema {state.target_schema!r} is on the target: "
            "finish it first, or drop that schema and then twinsite_restore"
        )
    if state.backup_id == backup_id:
        return Decision.RESUME
    if state.backup_id:
        return Decision.DISCARD
    return Decision.BEGIN if state.empty else Decision.COMPARE


def look(session: Session, schema: str) -> State:
    """The target's state."""
    here = literal(schema)
    counts = [
        f"(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {here})",
        f"(SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = {here})",
        f"(SELECT COUNT(*) FROM information_schema.events WHERE event_schema = {here})",
    ]
    empty = session.value(" + ".join(counts)) == "0"
    names = {
        row[0]
        for row in session.ask(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'")
    }
    if "restore" not in names:
        # Killed between its own first two statements, or somebody else's.
        return State(empty, known=not names)
    try:
        rows = session.ask(f"SELECT version, backup_id, target_schema FROM {SCHEMA}.restore")
    except SqlError:
        return State(empty, known=False)
    if not rows:
        return State(empty)
    if rows[0][0] != str(VERSION):
        return State(empty, known=False)
    return State(empty, rows[0][1], rows[0][2])


def begin(session: Session, backup_id: str, schema: str) -> None:
    """From here on the schema's content is ours."""
    session.ask(f"CREATE DATABASE IF NOT EXISTS {SCHEMA}")
    for statement in TABLES:
        session.ask(statement)
    session.ask(
        f"INSERT INTO {SCHEMA}.restore VALUES (1, {VERSION}, {literal(backup_id)}, {literal(schema)}, UTC_TIMESTAMP(6))"
    )


def discard(session: Session, schema: str) -> None:
    """Throw an unfinished restore away: its data first, so that they are never without their sign."""
    session.ask(f"DROP DATABASE IF EXISTS {identifier(schema)}")
    finish(session)


def finish(session: Session) -> None:
    """Nothing of a restore is left."""
    session.ask(f"DROP DATABASE IF EXISTS {SCHEMA}")


def loaded(session: Session) -> set[str]:
    """Chunks that are in."""
    return {row[0] for row in session.ask(f"SELECT blob_name FROM {SCHEMA}.chunks WHERE loaded IS NOT NULL")}


def claim(blob: str, count: int) -> list[str]:
    """A chunk's transaction begins. Its row comes first: a second loader of the same chunk waits, then fails."""
    row = f"INSERT INTO {SCHEMA}.chunks (blob_name, expected) VALUES ({literal(blob)}, {count})"
    return ["START TRANSACTION", row]


def settle(blob: str) -> list[str]:
    """It ends, when @loaded rows are what was promised."""
    return [f"UPDATE {SCHEMA}.chunks SET loaded = @loaded WHERE blob_name = {literal(blob)}", "COMMIT"]


def proved(session: Session) -> set[int]:
    """Tables that were found as promised, by their number in the manifest."""
    return {int(row[0]) for row in session.ask(f"SELECT number FROM {SCHEMA}.proved")}


def remember_proved(session: Session, number: int) -> None:
    """This table is as promised."""
    session.ask(f"INSERT INTO {SCHEMA}.proved VALUES ({number})")
