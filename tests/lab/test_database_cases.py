"""Every schema in tests/cases/database: its backup and restore bring the same, or say before they write why not.

Equal means equal to mysqldump, definitions and rows. KNOWN is the one list of cases that do neither yet.
"""

import dataclasses
import re
import time
from pathlib import Path

import pytest

from .two_servers import LOW, SOURCE, TARGET, Servers, name_of
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

CASES = Path(__file__).parents[1] / "cases" / "database"
MARK = re.compile(r"^-- @(\w+): (.*)$", re.MULTILINE)

# One to a paragraph, so that two who mend two of them do not meet.
KNOWN: dict[str, str] = {
    "c29_source_gipk": "target settings nobody asks first: invisible keys",
    #
}
"""Case to why it still fails. A case that passes may not be in it, so it only shrinks."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A file: its statements and its marks."""

    name: str
    text: str
    marks: dict[str, str]

    @property
    def schema(self) -> str:
        return self.marks.get("schema", "app")

    @property
    def into(self) -> str:
        return self.marks.get("into", self.schema)

    @property
    def target(self) -> str:
        return LOW if self.marks.get("target") == "low" else TARGET


def read(path: Path) -> Case:
    text = path.read_text(encoding="utf-8")
    marks = dict(MARK.findall(text))
    unknown = marks.keys() - {
        "title", "schema", "dbopts", "source_before", "source_after", "target_before", "target_after", "job_grants",
        "wait", "target", "into", "check_source", "check_target",
    }  # fmt: skip
    assert not unknown, f"{path.name} has marks that nobody honours: {unknown}"
    return Case(path.stem, text, marks)


FOUND = [read(path) for path in sorted(CASES.glob("*.sql"))]


def test_no_case_is_lost_and_the_list_of_failures_names_only_cases() -> None:
    assert len(FOUND) >= 66
    assert KNOWN.keys() <= {case.name for case in FOUND}


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_a_backup_and_its_restore_bring_the_same_or_say_why_not(case: Case, servers: Servers) -> None:
    outcome = tried(servers, case)
    print(outcome)
    wrong = "" if outcome in ("the same", "refused at the backup", "refused at the restore") else outcome
    if case.name in KNOWN:
        assert wrong, f"{case.name} passes ({outcome}): take it off the list KNOWN"
        pytest.xfail(f"{KNOWN[case.name]}: {wrong}")
    assert not wrong, wrong


def test_tables_that_are_changed_meanwhile_make_no_backup_wait_for_ever(servers: Servers) -> None:
    """An ALTER TABLE waits for the snapshot's first connection; the others must not wait for the ALTER."""
    servers.clear(SOURCE)
    servers.sql(SOURCE, "CREATE DATABASE app; CREATE TABLE app.t (id INT); CREATE VIEW app.v AS SELECT id FROM app.t")
    servers.sql(SOURCE, "CREATE TABLE app.u (id INT PRIMARY KEY)")
    servers.grant_job("app")
    servers.tell("app")
    change = "ALTER TABLE app.t ADD COLUMN z INT; ALTER TABLE app.t DROP COLUMN z"
    mysql = "mysql --no-defaults -uroot -S /srv/source.sock"
    servers.must(f"rm -f /tmp/stop; (while [ ! -e /tmp/stop ]; do {mysql} -e '{change}'; done) > /dev/null 2>&1 &")
    try:
        for _ in range(2):
            done = servers.role("run")
            assert done.code == 0 or (done.code == 2 and "take the backup later" in done.said), done
    finally:
        servers.must("touch /tmp/stop")
        servers.clear(SOURCE)


def tried(servers: Servers, case: Case) -> str:
    """Make the case's schema, take it through, clear it away; what came of it."""
    marks, target = case.marks, case.target
    servers.start(target)
    for server in (SOURCE, target):
        servers.clear(server)
    try:
        servers.sql(SOURCE, marks.get("source_before", ""))
        servers.sql(SOURCE, f"CREATE DATABASE {name_of(case.schema)} {marks.get('dbopts', '')}")
        servers.sql(SOURCE, case.text, case.schema)
        servers.sql(target, marks.get("target_before", ""))
        servers.grant_job(case.schema, marks.get("job_grants", ""))
        servers.tell(case.schema, target)
        return through(servers, case)
    finally:
        servers.try_sql(SOURCE, marks.get("source_after", ""))
        servers.try_sql(target, marks.get("target_after", ""))
        for server in (SOURCE, target):
            servers.clear(server)


def through(servers: Servers, case: Case) -> str:
    """Backup, restore, comparison."""
    target, marks = case.target, case.marks
    before = servers.dump(SOURCE, case.schema)
    there = content(servers, target)
    made = servers.role("run")
    if servers.dump(SOURCE, case.schema) != before:
        return "the backup changed its source"
    if made.code == 2:
        left = servers.must("find /srv/store -type f").split()
        return f"refused, but wrote {left}" if left else sentence("backup", made.found)
    if made.code != 0:
        return f"the backup ended with {made.code}: {made.said}"
    time.sleep(int(marks.get("wait", "0")))
    into = f" --into '{case.into}'" if "into" in marks else ""
    restored = servers.role(f"restore{into}")
    if restored.code == 2:
        changed = content(servers, target) != there
        return f"refused, but wrote at the target: {restored.said}" if changed else sentence("restore", restored.found)
    if restored.code != 0:
        return f"the restore ended with {restored.code}: {restored.said}"
    if restored.found["differences"]:
        return f"restored, but not the same by its own word: {restored.found['differences']}"
    here = servers.dump(target, case.into)
    if target == LOW:
        # Tables have other names there, and all that names them other text.
        before, here = [line.lower() for line in before], [line.lower() for line in here]
    if left_out := restored.found["left_out"]:
        take_away(servers, case, left_out)
        before = servers.dump(SOURCE, case.schema)
    if "wait" in marks:
        before, here = without_past_events(before), without_past_events(here)
    if case.into != case.schema:
        here = [line.replace(f"`{case.into}`", f"`{case.schema}`") for line in here]
    said = unseen(made.found.get("concerns", []))
    before, here = ([line for line in lines if not line.startswith(said)] for lines in (before, here))
    if difference := sorted({*before} ^ {*here}):
        return "\n".join(
            ["proved, but not the same:", *(f"{'-' if one in before else '+'} {one}" for one in difference)]
        )
    if before != here:
        return "proved, but in another order"
    return answers(servers, case, there)


def unseen(concerns: list[str]) -> tuple[str, ...]:
    """How lines begin of members of which the backup itself says that it cannot see them."""
    found = (re.match(r"member .* of (?:ENUM|SET) '(.*?)' in table '(.*?)' is in no row", words) for words in concerns)
    return tuple(f"{one[2]}.{one[1]}: " for one in found if one)


def answers(servers: Servers, case: Case, there: dict[str, list[str]]) -> str:
    """The case's own questions: equal answers, or (of the target alone) an answer; and no other schema changes. Asked
    when events run again, as they do once a site is the active one."""
    marks, target = case.marks, case.target
    into = f" --into '{case.into}'" if "into" in marks else ""
    enabled = servers.role(f"events latest --enable{into}")
    if enabled.code != 0:
        return f"proved, but events cannot be enabled: {enabled.said}"
    proved = servers.role(f"prove latest{into}")
    if proved.code != 0:
        return f"the restore said that all is well, but the proof after it: {proved.found} {proved.said}"
    said = {}
    for server, schema in ((SOURCE, case.schema), (target, case.into)):
        question = marks.get(f"check_{'source' if server == SOURCE else 'target'}", "")
        done = servers.try_sql(server, question, schema)
        if done.returncode:
            return f"proved, but `{question}` fails at the {server}: {done.stderr.decode()}"
        said[server] = done.stdout
    if {"check_source", "check_target"} <= marks.keys() and said[SOURCE] != said[target]:
        return f"proved, but the source says {said[SOURCE]!r} and the target {said[target]!r}"
    after = content(servers, target)
    if {schema: dump for schema, dump in after.items() if schema != case.into} != there:
        return f"proved, but another schema of the target changed: {sorted(there)} {sorted(after)}"
    return "the same"


def take_away(servers: Servers, case: Case, left_out: list[str]) -> None:
    """What the restore says that it has left out is taken from the source, too: all else must be the same."""
    for words in left_out:
        found = re.match(r"(foreign key|[a-z]+) '(.*?)'(?: of table '(.*?)')? is left out: (?:\S+ ){5}", words)
        assert found, f"left out without a sentence: {words}"
        kind, name, table = found[1], name_of(found[2]), name_of(found[3] or "")
        foreign = f"ALTER TABLE {table} DROP FOREIGN KEY {name}"
        servers.sql(SOURCE, foreign if table != "``" else f"DROP {kind} IF EXISTS {name}", case.schema)


def sentence(verb: str, found: dict[str, object]) -> str:
    problems = found.get("problems")
    if not isinstance(problems, list) or not problems or not all(len(str(problem).split()) > 4 for problem in problems):
        return f"the {verb} was refused without a sentence: {found}"
    print(f"{verb}: {problems}")
    return f"refused at the {verb}"


def content(servers: Servers, server: str) -> dict[str, list[str]]:
    """Every schema of a server."""
    return {schema: servers.dump(server, schema) for schema in sorted(servers.databases(server))}


def without_past_events(lines: list[str]) -> list[str]:
    """Of a one-time event whose time has passed nothing need be left: the source has dropped it, too."""
    return [line for line in lines if not re.search(r"EVENT .* ON SCHEDULE AT .* ON COMPLETION NOT PRESERVE ", line)]
