"""The pure parts of the backup role: values as text, statements, privileges, settings, what to do with a target."""

from collections.abc import Iterator
from typing import cast

import pytest

from twinsite.guest.backup import config, dump, exact, progress, rows
from twinsite.guest.backup.catalog import Table
from twinsite.guest.backup.client import Session
from twinsite.guest.backup.progress import Decision, State
from twinsite.guest.backup.rows import Column
from twinsite.guest.errors import Refused

BASE = {
    "store": "azblob://account1/mysql-backup",
    "identity": {"client_id": "11-22"},
    "schema": "app",
    "database": {"address": "db.example.com", "user": "backup"},
}


def test_values_are_asked_for_without_loss_and_loaded_as_they_were() -> None:
    columns = [
        Column("id", nullable=False),
        Column("f", rows.FLOAT),
        Column("j", rows.JSON),
        Column("b", rows.NUMBER, False),
        Column("w", rows.WIDE),
    ]
    asked = rows.select("t", columns, b"Nmark", "id BETWEEN 1 AND 2")
    assert asked == (
        "SELECT `id`, IFNULL(CAST(`f` AS DOUBLE), _binary'Nmark'), IFNULL(`j`, _binary'Nmark'), CAST(`b` AS UNSIGNED), "
        "IFNULL(CAST(`w` AS BINARY), _binary'Nmark') FROM `t` FORCE INDEX (PRIMARY) WHERE id BETWEEN 1 AND 2"
    )
    assert rows.load("t", columns).endswith(
        "(`id`, `f`, @v2, @v3, `w`) SET `j` = CONVERT(@v2 USING utf8mb4), `b` = CAST(@v3 AS UNSIGNED)"
    )


def test_a_server_is_asked_for_the_sum_of_values_with_a_word_for_null() -> None:
    asked = rows.checksum("t", [Column("id", nullable=False), Column("f", rows.FLOAT)], "id < 3")
    assert asked == (
        "SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT(_binary'' COLLATE `binary`, `id`, _binary'\\t' COLLATE `binary`, "
        "IFNULL(CAST(`f` AS DOUBLE), _binary'NULL 5a1c7be2')))), 0) FROM `t` WHERE id < 3"
    )


def test_only_rows_that_a_server_might_not_add_up_are_measured_and_without_their_escapes() -> None:
    assert rows.longest(b"1\tx\n" * 1000) == 0
    assert rows.longest(b"1\tx\n9\t" + b"\\n" * rows.SHORT_BYTES + b"\n2\ty\n") == 2 + rows.SHORT_BYTES


class _Client:
    """Answers with every byte as a client with these escapes prints it."""

    def __init__(self, escapes: dict[bytes, bytes]) -> None:
        self._escapes = escapes

    def stream(self, sql: str) -> Iterator[bytes]:
        value = bytes.fromhex(sql.removeprefix("SELECT X'").removesuffix("'"))
        yield b"".join(self._escapes.get(bytes((byte,)), bytes((byte,))) for byte in value) + b"\n"


MYSQL = {b"\\": b"\\\\", b"\n": b"\\n", b"\t": b"\\t", b"\0": b"\\0"}


def test_a_client_whose_escapes_are_not_known_is_refused() -> None:
    dump.refuse_other_escapes(cast(Session, _Client(MYSQL)))
    others: list[dict[bytes, bytes]] = [
        {},
        {**MYSQL, b"\\": b"\\"},
        {**MYSQL, b"\r": b"\\r"},
        {**MYSQL, b"\xe9": b"\xc3\xa9"},
    ]
    for escapes in others:
        with pytest.raises(Refused, match="install MySQL's own"):
            dump.refuse_other_escapes(cast(Session, _Client(escapes)))


def test_a_manifest_of_another_version_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="restore with the version that made"):
        rows.column({"name": "a", "form": "cunning", "nullable": True})


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        (State(True), Decision.BEGIN),
        (State(False), Decision.COMPARE),
        (State(False, "b1", "app"), Decision.RESUME),
        (State(True, "b1", "app"), Decision.RESUME),
        (State(False, "b0", "app"), Decision.DISCARD),
    ],
)
def test_a_target_decides_how_a_restore_goes_on(state: State, decision: Decision) -> None:
    assert progress.decide(state, "b1", "app") is decision


def test_a_target_that_is_not_ours_is_refused_with_the_fix() -> None:
    assert "DROP DATABASE twinsite_restore" in progress.decide(State(False, known=False), "b1", "app")
    assert "'other'" in progress.decide(State(False, "b1", "other"), "b1", "app")


def test_the_target_is_the_database_unless_it_is_named() -> None:
    plain = config.parse(BASE)
    assert plain.target == plain.database
    other = config.parse(BASE | {"target": {"address": "10.0.0.4", "user": "admin", "schema": "app2"}})
    assert (other.target.schema, other.target.address, other.schema) == ("app2", "10.0.0.4", "app")


def test_every_problem_of_a_configuration_is_said_at_once() -> None:
    with pytest.raises(Refused) as refused:
        config.parse({"store": "s3://x", "schema": "mysql", "database": {"port": 0, "tls_ca": "x"}, "streams": 0})
    words = "\n".join(refused.value.problems)
    for part in ("azblob://ACCOUNT", "application's database", "database.address", "database.user", "database.port"):
        assert part in words
    assert "tls_ca" in words
    assert "streams" in words
    assert len(refused.value.problems) == 7


def test_an_azure_store_needs_an_identity() -> None:
    with pytest.raises(Refused, match=r"identity\.client_id"):
        config.parse(BASE | {"identity": {}})
    with pytest.raises(Refused, match=r"identity\.tenant"):
        config.parse(BASE | {"identity": {"client_id": "c", "token_file": "/t"}})


def test_a_password_is_in_no_text_of_the_secrets() -> None:
    assert "hunter2" not in repr(config.parse_secrets({"password": "hunter2"}))


@pytest.mark.parametrize(
    ("number", "comes_back", "literal"),
    [
        (b"1", True, "1"),
        (b"18446744073709551615", True, "18446744073709551615"),
        (b"18446744073709551616", False, "18446744073709551616"),
        (b"-9223372036854775809", False, "-9223372036854775809"),
        (b"10.5", True, "10.5e0"),
        (b"10.50", False, "10.50"),
        (b"0.0", True, "0.0e0"),
        (b"0.00", False, "0.00"),
        (b"100.0", True, "100.0e0"),
        (b"0.30000000000000004", False, "0.30000000000000004e0"),
        (b"0.30000000000000001", False, "0.30000000000000001"),
        (b"0.000000000000001", True, "0.000000000000001e0"),
        (b"0.0000000000000001", False, "0.0000000000000001"),
        (b"1e15", True, "1e15"),
        (b"1e100", False, "1e100"),
        (b"-4.3319172962174079e299", False, "-4.3319172962174079e299"),
    ],
)
def test_a_number_of_json_that_is_not_read_back_as_it_is_becomes_a_literal_that_prints_so(
    number: bytes, comes_back: bool, literal: str
) -> None:
    assert exact.read_back(number) is comes_back
    assert exact.literal(number) == literal


def test_rows_with_such_numbers_in_their_json_are_kept_apart_and_inserted() -> None:
    columns = [Column("id", nullable=False), Column("t"), Column("n", rows.NUMBER), Column("j", rows.JSON)]
    lines = [
        b'1\t10.50\t\\N\t{"a": 10.5, "b": "10.50"}\n',
        b'2\t\\N\t7\t{"a\\\\"": [1, {"b": 10.50}], "c": "x\\\\\\\\", "d": 2e-300}\n',
    ]
    kept, special = exact.parted(b"".join(lines), 1)
    assert (kept, special) == (lines[0], [lines[1]])
    two = [b"1\t1.50\t2.5\n", b"1\t1.5\t1.50\n", b"1.50\t1.5\t2.5\n", b"\\N\t\\N\t{}\n"]
    assert exact.parted(b"".join(two), 2) == (b"".join(two[2:]), two[:2])
    assert exact.parted(b"".join(lines), 0) == (b"".join(lines), [])
    assert exact.patches(b"[[], {}, 1.10]") == [(b"$[2]", "1.10")]
    assert exact.patches(b"2.20") == [(b"$", "2.20")]
    made = b"".join(exact.inserts("t", columns, iter(special))).decode()
    document = rb'{"a\"": [1, {"b": 10.50}], "c": "x\\", "d": 2e-300}'
    first, second = rb'$."a\""[1]."b"', rb'$."d"'
    assert made == (
        "INSERT IGNORE INTO `t` (`id`, `t`, `n`, `j`) VALUES\n"
        f"(_binary X'32', NULL, CAST(_binary X'37' AS UNSIGNED), "
        f"JSON_REPLACE(CONVERT(_binary X'{document.hex()}' USING utf8mb4), "
        f"_utf8mb4 X'{first.hex()}', 10.50, _utf8mb4 X'{second.hex()}', 2e-300));\n"
        "SET @loaded = @loaded + ROW_COUNT();\n"
    )


def test_nothing_but_documents_is_looked_at_for_such_numbers_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOUBLE beside them, which has 17 digits as often as not, cost every row of its block a second look."""
    seen: list[bytes] = []
    look = exact._unsure
    monkeypatch.setattr(exact, "_unsure", lambda text: bool(seen.append(text)) or look(text))
    lines = b'42.05976737854981\t{"a": 1}\n0.1234567890123456\t{"b": 2}\n'
    assert exact.parted(lines, 1) == (lines, [])
    assert seen == [b'{"a": 1}\n{"b": 2}']


def test_a_member_without_letters_is_told_from_no_member_by_its_number() -> None:
    assert rows.form_of("enum", "latin1", "enum('a','')") == rows.NUMBER
    assert rows.form_of("set", "utf8mb4", "set('','it''s')") == rows.NUMBER
    assert rows.form_of("enum", "latin1", "enum('a'',''b')") == rows.PLAIN
    assert rows.form_of("varchar", "latin1", "varchar(20)") == rows.PLAIN
    assert rows.form_of("enum", "utf16", "enum('a')") == rows.WIDE


class _Blocks:
    """A session whose table comes in this many blocks."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks

    def stream(self, sql: str) -> Iterator[bytes]:
        yield from (b"%d\n" % number for number in range(self.blocks))

    def ask(self, sql: str) -> list[list[str]]:
        return [[str(self.blocks)]]


def test_a_table_that_comes_in_many_blocks_goes_through_one_process_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 GiB is thousands of blocks: with a zstd each, a backup ended in "Too many open files"."""
    made: list[dump.Chunk] = []

    class Counted(dump.Chunk):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    class Writer:
        mark, chunk_bytes, said = b"Nmark", 200, 0

        def chunk(self, table: str, done: dump.Chunk, is_exact: bool) -> None:
            done.finish()
            self.said += done.rows

        def counted(self, *about: object) -> None:
            return

    monkeypatch.setattr(dump, "Chunk", Counted)
    writer = Writer()
    table = Table("t", [Column("id", nullable=False)], True, "id", 690)
    dump._read(cast(Session, _Blocks(200)), dump._Part(table, ""), cast(dump._Writer, writer))
    assert writer.said == 200
    assert len(made) == 4, "690 bytes in chunks of 200"
