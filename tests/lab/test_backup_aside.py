"""What failbacks and drills do to databases, on a real server whose user has nothing near SUPER: backups compared row
by row, old tables moved aside with all that hangs on them, scratch schemas made and dropped."""

from collections.abc import Iterator

import pytest

from .backup_world import PASSWORD, TARGET, World, escaped, running_world
from .database_pair import SOURCE
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]

ROWS = "SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM {0}.owners), (SELECT COUNT(*) FROM {0}.pets))"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("aside"), "ta") as made:
        yield made


@pytest.fixture(autouse=True)
def clean(world: World) -> Iterator[None]:
    yield
    left = world.sql(
        TARGET, "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'clinic_aside%'"
    )
    for name in left.split():
        world.sql(TARGET, f"DROP DATABASE {name}")
    world.empty()


def test_rows_that_the_old_primary_alone_has_are_counted_and_kept(world: World) -> None:
    base = world.must("run")["id"]
    world.sql(SOURCE, "INSERT INTO clinic.owners (name) VALUES ('after the backup'), ('and another')")
    old = world.must("run --planned")["id"]
    found = world.must(f"diff {base} {old} --keep file:///srv/store")
    by_table = {table["name"]: (table["extra"], table["gone"]) for table in found["tables"]}
    assert by_table.pop("owners") == (2, 0)
    # Of its triggers: what they wrote is a row like any other.
    assert by_table == {"journal": (4, 0)}
    assert found["extra"] == 6
    kept = world.pair.must(TARGET, f"zstd -dc /srv/store/{found['kept']}owners.extra.tsv.zst")
    assert "after the backup" in kept
    assert "and another" in kept
    # The count is not zero because nothing is ever found: the same backup has no rows that it lacks.
    assert world.must(f"diff {old} {old}")["extra"] == 0


def test_old_tables_are_moved_aside_whole_and_make_room_for_the_ones_that_come_home(world: World) -> None:
    made = world.must("run")
    world.must(f"restore {made['id']}")
    world.sql(TARGET, "INSERT INTO clinic.owners (name) VALUES ('only here')")
    before = world.sql(TARGET, ROWS.format("clinic"))
    tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = '{}'"
    count = world.sql(TARGET, tables.format("clinic"))
    moved = world.must("aside clinic_aside_1")
    assert moved["tables"] == moved["moved"] == int(count) > 3
    assert world.sql(TARGET, ROWS.format("clinic_aside_1")) == before
    assert world.must("aside clinic_aside_1") == {**moved, "moved": 0}, "done again it changes nothing"
    assert world.must(f"restore {made['id']}")["divergent_tables"] == []
    assert world.must(f"prove {made['id']}")["proved"] is True
    assert world.dump(TARGET) == world.dump(SOURCE), "triggers, views, routines, events and keys are the new ones"
    assert world.sql(TARGET, ROWS.format("clinic_aside_1")) == before


def test_a_user_with_exactly_the_rights_that_are_asked_for_can_take_data_home(world: World) -> None:
    """The user of a backup is given little; what is asked for before a failback is enough for it, to its end."""
    made = world.must("run")
    world.must(f"restore {made['id']}")
    world.sql(TARGET, f"CREATE USER homecoming@'%' IDENTIFIED BY '{escaped(PASSWORD)}'")
    target = {"address": TARGET, "user": "homecoming", "tls_ca": world.pair.signer.pem}
    world.tell(target=target)
    code, found, _ = world.run("ready")
    assert code == 1
    assert len(found["problems"]) == 3
    for problem in found["problems"]:
        statement = problem.rpartition("administrator ")[2]
        assert statement.startswith("GRANT ")
        world.sql(TARGET, statement)
    try:
        ready = world.must("ready")
        assert (ready["problems"], ready["unfinished"]) == ([], "")
        moved = world.must("aside clinic_aside_2")
        assert moved["tables"] == ready["tables"] > 3
        assert world.must("ready")["tables"] == 0
        assert world.must(f"restore {made['id']}")["divergent_tables"] == []
        assert world.must(f"prove {made['id']}")["proved"] is True
        assert world.must("ready")["tables"] == ready["tables"]
        world.sql(TARGET, "SET GLOBAL local_infile = OFF")
        code, found, _ = world.run("ready")
        assert code == 1
        assert "local_infile is OFF" in found["problems"][0]
    finally:
        world.sql(TARGET, "SET GLOBAL local_infile = ON; DROP USER homecoming@'%'")
        world.tell()


def test_a_drills_scratch_schema_is_proved_and_dropped_and_the_standbys_data_stay(world: World) -> None:
    made = world.must("run")
    world.must(f"restore {made['id']}")
    kept = world.dump(TARGET)
    world.must(f"restore {made['id']} --into twinsite_drill_1")
    assert world.must(f"prove {made['id']} --into twinsite_drill_1")["proved"] is True
    world.sql(TARGET, "DELETE FROM twinsite_drill_1.every_type LIMIT 1")
    assert world.run(f"prove {made['id']} --into twinsite_drill_1")[1]["divergent_tables"] == ["every_type"]
    assert world.must("drop twinsite_drill_1")["dropped"] is True
    assert world.must("drop twinsite_drill_1")["dropped"] is False
    assert world.dump(TARGET) == kept
    code, _, said = world.run("drop clinic")
    assert code == 2
    assert "no scratch schema" in said


def test_a_scratch_restore_that_was_given_up_leaves_nothing(world: World) -> None:
    world.must("run")
    world.sql(
        TARGET,
        "CREATE DATABASE twinsite_restore; CREATE TABLE twinsite_restore.restore (only_one INT, version INT, "
        "backup_id VARCHAR(64), target_schema VARCHAR(64)); "
        "INSERT INTO twinsite_restore.restore VALUES (1, 1, 'b', 'twinsite_drill_2'); CREATE DATABASE "
        "twinsite_drill_2",
    )
    assert world.must("drop twinsite_drill_2")["dropped"] is True
    left = world.sql(TARGET, "SHOW DATABASES")
    assert "twinsite_restore" not in left
    assert "twinsite_drill_2" not in left
