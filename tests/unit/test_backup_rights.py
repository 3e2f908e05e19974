"""One table of rights: what SHOW GRANTS says is judged by it, and documents, hints and refusals say what is in it."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.backup import privileges
from twinsite.guest.backup.privileges import BACKUP, RETURN, Held, Place
from twinsite.guest.backup.rows import identifier
from twinsite.rules import backup as rules

TREE = Path(__file__).parents[2]
JOB = "'job'@'%'"
ON_SCHEMA = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"]
ROUTINES = "GRANT SHOW_ROUTINE ON *.* TO `u`@`%`"


def lacking(lines: Iterable[str], schema: str = "app", gtids: bool = True, wildcards: bool = True) -> list[str]:
    """Names of the rights that a backup is said to lack."""
    problems = privileges.missing_for_backup(Held(tuple(lines), wildcards), schema, JOB, gtids)
    return [name for problem in problems for name in problem.partition(" on ")[0].partition(" no ")[2].split(", ")]


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"], []),
        (["GRANT USAGE ON *.* TO `u`@`%`", "GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%`"], ["SHOW_ROUTINE"]),
        (["GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON `ap%`.* TO `u`@`%`", ROUTINES], []),
        (["GRANT SELECT, EVENT, SHOW VIEW ON *.* TO `u`@`%`"], ["TRIGGER"]),
        (["GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON `app`.* TO `u`@`%`"], ["SHOW_ROUTINE"]),
        (["GRANT SELECT ON `app`.`t` TO `u`@`%`"], ["SHOW_ROUTINE", *ON_SCHEMA]),
        (["GRANT SELECT (`x`) ON `app`.`t` TO `u`@`%`", "GRANT `r`@`%` TO `u`@`%`"], ["SHOW_ROUTINE", *ON_SCHEMA]),
        (["GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON `ap\\_`.* TO `u`@`%`", ROUTINES], ON_SCHEMA),
        # ANSI_QUOTES.
        (['GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON "app".* TO "u"@"%"', ROUTINES], []),
        # partial_revokes: seen on MySQL 9.7.
        (
            [
                "GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON *.* TO `u`@`%`",
                "REVOKE EVENT, TRIGGER ON `app`.* FROM `u`@`%`",
            ],
            ["TRIGGER", "EVENT"],
        ),
        (
            ["GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON *.* TO `u`@`%`", "REVOKE EVENT ON `other`.* FROM `u`@`%`"],
            [],
        ),
        # What the schema's own grant gives stays.
        (
            [
                "GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON *.* TO `u`@`%`",
                "GRANT EVENT ON `app`.* TO `u`@`%`",
                "REVOKE EVENT, TRIGGER ON `app`.* FROM `u`@`%`",
            ],
            ["TRIGGER"],
        ),
    ],
)
def test_what_a_user_may_not_see_is_said_by_name(lines: list[str], missing: list[str]) -> None:
    assert lacking(lines) == missing


@pytest.mark.parametrize("schema", ["my app", "a`b", 'say "x"', "x_y", "100%", "back\\slash", "a.b", "line\nbreak"])
@pytest.mark.parametrize("quote", ["`", '"'])
def test_a_grant_on_any_name_is_seen_and_on_its_neighbour_not(schema: str, quote: str) -> None:
    pattern = re.sub(r"([\\_%])", r"\\\1", schema).replace(quote, quote * 2)
    lines = [f"GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON {quote}{pattern}{quote}.* TO `u`@`%`", ROUTINES]
    assert lacking(lines, schema) == []
    assert lacking(lines, f"{schema}x") == ON_SCHEMA
    assert lacking(lines, f"x{schema}") == ON_SCHEMA


def test_with_partial_revokes_a_wildcard_is_a_letter() -> None:
    lines = ["GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON `a%`.* TO `u`@`%`", ROUTINES]
    assert lacking(lines, "app") == []
    assert lacking(lines, "app", wildcards=False) == ON_SCHEMA
    assert lacking(lines, "a%", wildcards=False) == []


def test_only_a_server_without_gtids_needs_a_lock() -> None:
    lines = ["GRANT SELECT, TRIGGER, EVENT, SHOW VIEW ON `app`.* TO `u`@`%`", ROUTINES]
    assert lacking(lines, gtids=True) == []
    assert lacking(lines, gtids=False) == ["LOCK TABLES"]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(names, st.sets(st.sampled_from([right.name for right in BACKUP])), st.booleans())
def test_what_the_refusals_grant_is_enough_whatever_the_schemas_name(schema: str, has: set[str], gtids: bool) -> None:
    given_there = ", ".join(sorted(has - {"SHOW_ROUTINE"})) or "USAGE"
    lines = (f"GRANT {given_there} ON {identifier(re.sub(r'([_%])', r'_', schema))}.* TO 'u'@'%'",)
    problems = privileges.missing_for_backup(Held(lines), schema, JOB, gtids)
    granted = [
        re.sub(r" \(or .*", "", problem.rpartition("administrator ")[2], flags=re.DOTALL) for problem in problems
    ]
    assert lacking([*lines, *granted], schema, gtids) == []


EXACT = privileges.statements(RETURN, "my_app", JOB)
FULL = EXACT[0]


def returning(lines: Iterable[str], schema: str = "my_app") -> list[str]:
    return privileges.missing_for_a_return(Held(tuple(lines)), schema, privileges.account("job@%"))


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (EXACT, []),
        (["GRANT ALL PRIVILEGES ON *.* TO `job`@`%`"], []),
        ([r"GRANT ALL PRIVILEGES ON `my\_app%`.* TO `job`@`%`", EXACT[2]], []),
        ([FULL.replace("DROP, ", ""), *EXACT[1:]], ["has no DROP on"]),
        ([FULL.replace("DELETE, ", "").replace("LOCK TABLES, ", ""), *EXACT[1:]], ["has no LOCK TABLES, DELETE on"]),
        (
            ["GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `my\\_app`.* TO `job`@`%`"],
            ["has no ALTER, ALTER ROUTINE, CREATE, ", "has no CREATE, INSERT, SELECT", "has no CREATE, DROP, SELECT, "],
        ),
        # Of a neighbour; and an exact grant hides a wider one.
        ([FULL, r"GRANT ALL PRIVILEGES ON `my\_appaside\_%`.* TO `job`@`%`", EXACT[2]], ["has no CREATE, INSERT"]),
        ([*EXACT, "GRANT ALL PRIVILEGES ON `my%`.* TO `job`@`%`"], []),
        (
            ["GRANT SELECT ON `my\\_app`.* TO `job`@`%`", *EXACT[1:], "GRANT ALL PRIVILEGES ON `my%`.* TO `job`@`%`"],
            ["has no ALTER"],
        ),
        # A right that was taken away on this schema alone.
        ([f"{FULL.partition(' ON ')[0]} ON *.* TO `job`@`%`", "REVOKE DROP ON `my_app`.* FROM `job`@`%`"], ["no DROP"]),
    ],
)
def test_what_a_failback_may_not_do_is_said_with_the_statement_that_grants_it(
    lines: list[str], asked: list[str]
) -> None:
    problems = returning(lines)
    assert len(problems) == len(asked)
    for problem, words in zip(problems, asked, strict=True):
        assert words in problem
        assert problem.rpartition("administrator ")[2] in EXACT


def test_with_partial_revokes_the_schemas_to_come_are_granted_by_all_of_them() -> None:
    problems = privileges.missing_for_a_return(Held((), wildcards=False), "app", JOB)
    assert f"GRANT CREATE, INSERT, SELECT ON *.* TO {JOB}" in problems[1]


@pytest.mark.parametrize("schema", ["app", "s" * 33, "s" * 64, "顧" * 64])
def test_old_tables_of_a_schema_with_any_name_have_a_place_that_mysql_takes(schema: str) -> None:
    place = rules.kept_aside(schema, "20261128T101112Z-0a1b2c3d")
    assert len(place) <= 64
    assert place.startswith(schema[:32])
    assert not returning(privileges.statements(RETURN, schema, JOB), schema)
    assert "CREATE" in Held(tuple(privileges.statements(RETURN, schema, JOB))).on(place)


def test_an_account_is_named_as_a_statement_names_it() -> None:
    assert privileges.account("job@10.0.%") == "'job'@'10.0.%'"
    assert privileges.account("o'neil@odd@%") == r"'o\'neil@odd'@'%'"


def test_every_right_of_the_table_is_in_one_statement_of_its_place() -> None:
    for table in (BACKUP, RETURN):
        said = privileges.statements(table, "app", JOB)
        assert len(said) == len({right.place for right in table})
        assert sum(statement.partition(" ON ")[0].count(",") + 1 for statement in said) == len(table)
    assert {right.place for right in RETURN} == {Place.SCHEMA, Place.ASIDE, Place.RESTORES}


@pytest.mark.parametrize("page", ["docs/components/backup-job.md", "docs/aws-azure.md"])
def test_the_documents_show_the_statements_of_the_table(page: str) -> None:
    text = (TREE / page).read_text(encoding="utf-8")
    for statement in rules.grants("petclinic"):
        assert f"{statement};" in text


def test_the_failbacks_page_shows_the_statements_of_the_table() -> None:
    text = (TREE / "docs/runbooks/failback.md").read_text(encoding="utf-8")
    for statement in rules.failback_grants("petclinic"):
        assert f"{statement};" in text


def test_no_page_and_no_hint_lists_rights_by_another_hand() -> None:
    ours = {*rules.grants("petclinic"), *rules.failback_grants("petclinic")}
    listed = re.compile(r"SELECT, (?:SHOW VIEW|TRIGGER|EVENT|LOCK TABLES)\b[^\n]*")
    for place in [
        *TREE.glob("docs/**/*.md"),
        *TREE.glob("stacks/**/*.py"),
        *TREE.glob("stacks/*/settings.yaml"),
        *TREE.glob("components/rules/*.py"),
    ]:
        for found in listed.findall(place.read_text(encoding="utf-8")):
            assert any(found.rstrip(";` ") in statement for statement in ours), f"{place}: {found}"


def test_the_hint_for_root_and_the_settings_hint_come_from_the_table() -> None:
    said = next(rules.user_problems("root", "shop"))
    assert all(statement in said for statement in rules.grants("shop"))
