"""Values that are legal and hard to carry, servers and stores that are slow or strict: what comes back is what was."""

import random
import struct
from collections.abc import Iterator

import pytest

from .database_pair import eventually
from .two_servers import SOURCE, TARGET, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

SEED = 20261128
BACKUPS = "/srv/store/backups"


@pytest.fixture
def both(servers: Servers) -> Iterator[Servers]:
    """Both servers without a schema, but for an empty one at the source."""
    for server in (SOURCE, TARGET):
        servers.clear(server)
    servers.sql(SOURCE, "CREATE DATABASE app")
    servers.grant_job("app")
    servers.tell("app")
    yield servers
    for server in (SOURCE, TARGET):
        servers.clear(server)


def comes_back(both: Servers, questions: str = "") -> None:
    """Backup, restore; equal to mysqldump, to the server's own sum of what is stored, and in the answers."""
    made = both.role("run")
    assert made.code == 0, made.said
    done = both.role("restore")
    assert done.code == 0, done.said
    assert both.dump(TARGET, "app") == both.dump(SOURCE, "app")
    assert both.sql(TARGET, questions, "app") == both.sql(SOURCE, questions, "app")


def numbers(count: int) -> list[str]:
    """Texts of JSON numbers as a server prints them, and some that it does not."""
    chance = random.Random(SEED)
    found = []
    for _ in range(count):
        found.append(repr(struct.unpack("d", chance.randbytes(8))[0]).replace("e+", "e"))
        found.append(repr(chance.uniform(-1000, 1000)))
        found.append(f"{chance.uniform(0, 1) * 10.0 ** chance.randint(-17, 17):.{chance.randint(1, 17)}f}")
        found.append(f"{chance.randint(-(10**20), 10**20)}")
        found.append(f"{chance.randint(-(10**6), 10**6)}.{chance.randint(0, 9999):04}")
        found.append(f"{chance.randint(1, 99)}e{chance.randint(-320, 306)}")
    return [text for text in found if text not in ("nan", "inf", "-inf")]


def test_every_number_that_json_can_hold_comes_back_as_it_is_printed(both: Servers) -> None:
    several = numbers(800)
    fits = [text for text in several if len(text.split("e")[0].partition(".")[2]) <= 30]
    both.sql(SOURCE, "CREATE TABLE j (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT, doc JSON)", "app")
    for template in (
        "JSON_OBJECT('a\"b', JSON_ARRAY('x', {0}))",
        "JSON_ARRAY({0}e0)",
        "CAST('[[{0}], \"{0}\"]' AS JSON)",
    ):
        values = ", ".join(f"('{text}', {template.format(text)})" for text in fits if "e" not in text)
        both.sql(SOURCE, f"INSERT INTO j (name, doc) VALUES {values}", "app")
    # Doubles with exponents, as they are printed.
    values = ", ".join(f"('{text}', JSON_OBJECT('', {text}))" for text in several if "e" in text)
    both.sql(SOURCE, f"INSERT INTO j (name, doc) VALUES {values}", "app")
    comes_back(both, "SELECT COUNT(*), COUNT(DISTINCT doc) FROM j")
    # Without rows that came the other way, this would have shown nothing.
    manifest = both.must(f"cat {BACKUPS}/*/manifest.json")
    assert '"exact": true' in manifest
    types = 'SELECT JSON_TYPE(doc->\'$."a\\\\"b"[1]\') AS t, COUNT(*) FROM j GROUP BY t ORDER BY t'
    assert "DECIMAL" in both.sql(TARGET, types, "app")


def test_many_rows_of_decimals_come_in_several_statements_beside_rows_without(both: Servers) -> None:
    both.sql(
        SOURCE,
        "SET cte_max_recursion_depth = 100000; CREATE TABLE j (id INT PRIMARY KEY, t VARCHAR(200), f FLOAT, b BIT(9), "
        "w VARCHAR(20) CHARACTER SET utf16, v VECTOR(2), g GEOMETRY, doc JSON); "
        "INSERT INTO j WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
        "SELECT i, IF(i % 7, CONCAT('a\\\\\\t\\'', CHAR(0), REPEAT('x', i % 150)), NULL), i / 7, i % 512, 'é😀', "
        "TO_VECTOR(CONCAT('[', i, ',2]')), POINT(i, 1), IF(i % 3, JSON_OBJECT('price', i / 100, 'at', '1.50'), "
        "IF(i % 2, NULL, JSON_OBJECT('n', i))) FROM n",
        "app",
    )
    comes_back(both, "SELECT COUNT(*), SUM(JSON_TYPE(doc->'$.price') = 'DECIMAL') FROM j; CHECKSUM TABLE j")


def test_values_that_load_data_warns_about_come_back(both: Servers) -> None:
    both.sql(
        SOURCE,
        "SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE v (id INT PRIMARY KEY, e ENUM('a', '', 'b'), "
        "s SET('', 'x'), plain ENUM('a') NOT NULL, d DATE, dt DATETIME(3), f FLOAT(7,2), g FLOAT(7,4), "
        "h DOUBLE(8,3), n INT AS (CAST(w AS SIGNED)) STORED, w VARCHAR(9), short VARCHAR(2) AS (w) VIRTUAL, "
        "KEY (short)); INSERT INTO v (id, e, s, plain, d, dt, f, g, h, w) VALUES "
        "(1, 0, 0, 0, '2023-02-30', '2023-04-31 10:00:00.5', "
        "99999.99, 999.9999, 99999.999, 'word'), (2, '', 1, 'a', '0000-00-00', '2020-00-10', -99999.99, -999.9999, "
        "-99999.999, '5'), (3, 'b', 3, 'a', '2020-10-00', '9999-12-31 23:59:59.999', 0.01, 0.0001, 0.001, ''), "
        "(4, NULL, 2, 0, NULL, NULL, 16777.21, 123.4567, NULL, NULL)",
        "app",
    )
    comes_back(both, "SELECT id, e + 0, s + 0, plain + 0, n, short, HEX(f), f + 0e0 FROM v; CHECKSUM TABLE v")
    assert both.sql(TARGET, "SELECT e + 0, s + 0, plain + 0 FROM v WHERE id < 3", "app") == "0\t0\t0\n2\t1\t1"


def test_a_value_that_is_altered_on_its_way_in_is_found_and_said(both: Servers) -> None:
    both.sql(SOURCE, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO t VALUES (1, '12345')", "app")
    assert both.role("run").code == 0
    # What makes the table elsewhere may differ from what the backup promises.
    both.sql(TARGET, "CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY, v VARCHAR(3))")
    both.sql(
        TARGET,
        "CREATE DATABASE twinsite_restore; USE twinsite_restore; CREATE TABLE restore (only_one INT, version INT, "
        "backup_id VARCHAR(64), target_schema VARCHAR(64)); CREATE TABLE proved (number INT); "
        "CREATE TABLE chunks (blob_name VARCHAR(700) PRIMARY KEY, expected BIGINT, loaded BIGINT)",
    )
    name = both.must(f"ls {BACKUPS}").strip()
    both.sql(TARGET, f"INSERT INTO twinsite_restore.restore VALUES (1, 1, '{name}', 'app')")
    done = both.role("restore")
    assert done.code == 1
    assert "other content" in done.said
    assert "Data truncated for column 'v' at row 1" in done.said


def test_text_of_several_character_sets_in_one_row_is_added_up_as_it_is(both: Servers) -> None:
    sets = (
        "latin1",
        "utf8mb4",
        "utf8mb3",
        "gbk",
        "sjis",
        "cp1251",
        "ucs2",
        "utf16",
        "utf32",
        "ascii",
        "binary",
        "big5",
    )
    kinds = ("VARCHAR(20)", "TEXT", "ENUM('a')", "SET('a', 'b')", "CHAR(9)")
    columns = [
        f"c{n} {kind} CHARACTER SET {name}" for n, (name, kind) in enumerate((s, k) for s in sets for k in kinds)
    ]
    texts = {
        "latin1": "José",
        "cp1251": "Жук",
        "gbk": "签名",
        "sjis": "ソ表",
        "big5": "誠功",
        "ascii": "x",
        "binary": "\\0é",
    }
    values = [
        f"'{texts.get(name, 'é語')}'" if n % 5 in (0, 1, 4) else "'a'"
        for n, name in enumerate(s for s in sets for _ in kinds)
    ]
    both.sql(
        SOURCE,
        f"CREATE TABLE m (id INT PRIMARY KEY, j JSON, {', '.join(columns)}); "
        f'INSERT INTO m VALUES (1, \'{{"é": "語"}}\', {", ".join(values)}), (2, NULL{", NULL" * len(columns)})',
        "app",
    )
    comes_back(both, "CHECKSUM TABLE m")


GLOBALS = {
    "net_write_timeout": "1",
    "net_read_timeout": "1",
    "wait_timeout": "1",
    "max_execution_time": "1",
    "sql_select_limit": "1",
    "autocommit": "OFF",
    "completion_type": "'RELEASE'",
}
RESTING = (
    "SET SESSION max_execution_time = 0; SELECT COUNT(*) FROM information_schema.processlist "
    "WHERE user IN ('job', 'administrator') AND time < 3"
)
"""Sessions that have not waited for longer than any of these timeouts."""


def test_a_store_that_is_slow_and_a_server_that_is_strict_with_sessions_end_no_backup_and_no_restore(
    both: Servers,
) -> None:
    both.sql(
        SOURCE,
        "SET cte_max_recursion_depth = 100000; CREATE TABLE big (id INT PRIMARY KEY, v BLOB); "
        "INSERT INTO big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000) "
        "SELECT i, RANDOM_BYTES(1000) FROM n",
        "app",
    )
    for server in (SOURCE, TARGET):
        both.sql(server, "; ".join(f"SET GLOBAL {name} = {value}" for name, value in GLOBALS.items()))
    try:
        for verb, server in (("run", SOURCE), ("restore", TARGET)):
            running = both.start_role(f"{verb} --progress")
            assert running.stderr
            next(line for line in running.stderr if b'"chunk"' in line or b'"loaded"' in line)
            # As a store that takes nothing for a while: the program stands still, its clients and the server do not.
            both.must("pkill -STOP -f '^python3 .*backup/apply.py'")
            eventually(lambda server=server: both.sql(server, RESTING) == "0", 30, "all sessions at rest")  # type: ignore[misc]
            both.must("pkill -CONT -f '^python3 .*backup/apply.py'")
            _, said = running.communicate(timeout=60)
            assert running.returncode == 0, said.decode()
    finally:
        for server in (SOURCE, TARGET):
            both.sql(server, "; ".join(f"SET GLOBAL {name} = DEFAULT" for name in GLOBALS))
    assert both.dump(TARGET, "app") == both.dump(SOURCE, "app")


def test_tables_of_any_name_have_their_parts_in_a_folder(both: Servers) -> None:
    names = (".hidden", "..", "長い" * 24, "/" * 48, "%", "a.b", " x", "~", "Ü" * 48)
    for name in names:
        both.sql(SOURCE, f"CREATE TABLE `{name}` (id INT PRIMARY KEY); INSERT INTO `{name}` VALUES (1)", "app")
    comes_back(both)
