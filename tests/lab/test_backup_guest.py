"""Backup and restore on real servers: all of it arrives, bad backups are refused, kills and full disks survived."""

import datetime
import itertools
import random
import time
from collections.abc import Iterator

import pytest

from twinsite.guest.database import gtid

from .backup_world import JOB, TARGET, World, running_world
from .database_pair import SOURCE, eventually
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]

SEED = 20261121
KILLS = 4
RESTORE = "/usr/local/sbin/twinsite-guest backup restore --progress"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("backup"), "tb") as world:
        yield world


@pytest.fixture
def world(machines: World) -> World:
    """An empty target and an empty store."""
    machines.tell()
    machines.empty()
    machines.pair.must(TARGET, "rm -rf /srv/store && mkdir /srv/store")
    return machines


def test_everything_arrives_and_works_without_super_and_without_the_definers(world: World) -> None:
    made = world.must("run")
    assert made["snapshot"] == "read-lock"
    assert made["scheduled"] is True
    before = world.sql(TARGET, "SELECT @@global.gtid_purged")
    done = world.must("restore latest")
    assert (done["backup_id"], done["divergent_tables"], done["resumed"]) == (made["id"], [], False)
    assert done["restored_rows"] == made["rows"] > 50000
    assert done["definers"]["view pet_names"] == "the_author@%"
    assert world.dump(TARGET) == world.dump(SOURCE)
    # The position is in the manifest; the target's own history is its own.
    assert world.sql(SOURCE, "SELECT @@server_uuid") in made["gtid_executed"]
    assert world.sql(SOURCE, "SELECT @@server_uuid") not in world.sql(TARGET, "SELECT @@global.gtid_executed")
    assert world.sql(TARGET, "SELECT @@global.gtid_purged") == before
    assert "twinsite_restore" not in world.sql(TARGET, "SHOW DATABASES")
    assert world.sql(TARGET, "SELECT pet, label FROM clinic.pet_names WHERE pet = 'pet 11'") == "pet 11\t№ 1;"
    world.sql(TARGET, "INSERT INTO clinic.owners (name) VALUES ('x'); CALL clinic.note('y')")
    assert world.sql(TARGET, "SELECT COUNT(*) FROM clinic.journal WHERE words IN ('second', 'y\\\\ //; ')") == "2"


def test_the_proof_finds_a_value_changed_on_purpose_and_a_restore_over_it_is_refused(world: World) -> None:
    world.must("run")
    world.must("restore")
    assert world.must("prove latest")["proved"] is True
    # Run again after its last step, a restore finds the backup's data and is content.
    assert world.must("restore")["resumed"] is False
    world.sql(TARGET, "UPDATE clinic.every_type SET f = f * 1.000001 WHERE id = 0")
    code, found, _ = world.run("prove latest")
    assert (code, found["proved"], found["divergent_tables"]) == (1, False, ["every_type"])
    kept = world.dump(TARGET)
    code, found, said = world.run("restore")
    assert code == 2
    assert "holds data that are not of backup" in said
    assert world.dump(TARGET) == kept
    world.sql(TARGET, "DROP VIEW clinic.pet_names")
    assert "view 'pet_names' is missing" in world.run("prove latest")[1]["problems"]


def test_half_a_backup_is_ignored_and_a_damaged_one_refused_before_anything_is_written(world: World) -> None:
    good = world.must("run")
    world.must("run --planned")
    assert world.must("report")["newest_scheduled"]["id"] == good["id"]
    newest = world.must("list")["backups"][-1]["id"]
    world.pair.must(TARGET, f"rm /srv/store/backups/{newest}/manifest.json")
    assert world.must("report")["incomplete"] == 1
    assert world.must("report")["newest"]["id"] == good["id"]
    chunk = f"/srv/store/backups/{good['id']}/data/pets.00000.tsv.zst"
    world.pair.must(TARGET, f"printf x | dd of={chunk} bs=1 seek=100 conv=notrunc")
    code, found, _ = world.run("verify latest")
    assert (code, found["damaged"]) == (1, ["data/pets.00000.tsv.zst"])
    code, _, said = world.run("restore latest")
    assert code == 2
    assert "data/pets.00000.tsv.zst is not what its manifest promises; nothing was changed" in said
    world.pair.must(TARGET, f"truncate -s -1 {chunk}")
    code, _, said = world.run("restore latest")
    assert code == 2
    assert "there is no complete backup" in said
    assert "clinic" not in world.sql(TARGET, "SHOW DATABASES")
    assert "twinsite_restore" not in world.sql(TARGET, "SHOW DATABASES")


def test_only_a_scheduled_run_deletes_old_backups_and_a_dead_jobs_last_ones_stay(world: World) -> None:
    world.tell(keep_days=35)
    first = world.must("run")["id"]

    def older(days: int) -> str:
        """A copy of the first one, as if made so many days ago."""
        moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        other = f"{moment:%Y%m%dT%H%M%SZ}-{days:08x}"
        script = f"cd /srv/store/backups && cp -r {first} {other} && "
        script += (
            f'sed -i -e \'s/{first}/{other}/\' -e \'s/"began": "[^"]*/"began": "{moment:%Y-%m-%dT%H:%M:%S.%fZ}/\' '
        )
        world.pair.must(TARGET, f"{script} {other}/manifest.json")
        return other

    ages = {days: older(days) for days in (1, 34, 36, 40, 50, 60, 70, 80, 90)}
    assert world.must("report")["complete"] == 10
    assert world.must("run --planned")["outdated"] == []
    assert world.must("report")["complete"] == 11
    # Seven stay whatever their age: the new one, the planned one, the first, and four more.
    assert world.must("run")["outdated"] == [ages[days] for days in (90, 80, 70, 60, 50)]
    found = world.must("report")
    assert (found["complete"], found["incomplete"]) == (7, 0)
    world.must("restore latest")
    world.empty()
    # What is left of the oldest is whole.
    world.must(f"restore {ages[40]}")


def test_killed_at_random_points_a_restore_ends_in_the_same_state(world: World) -> None:
    world.must("run")
    chance = random.Random(SEED)
    whole = world.pair.must(TARGET, f"{RESTORE} 2>&1 >/dev/null").splitlines()
    expected = world.dump(TARGET)
    world.empty()
    decisions = []
    for number in range(KILLS):
        running = world.pair.start(TARGET, f"exec setsid {RESTORE}")
        assert running.stderr
        # By what it has done, not by time, so that all of them together do not reach the end.
        said = list(itertools.islice(running.stderr, chance.randint(1, len(whole) // KILLS)))
        time.sleep(chance.uniform(0, 0.05))
        if number == KILLS - 1:
            world.pair.kill_mysqld(TARGET)
        # The program alone, whose clients go on for a while, or all of it at once.
        world.pair.on(TARGET, "pkill -KILL -f backup/apply.py")
        if number % 2:
            world.pair.on(TARGET, "pkill -KILL -x mysql; pkill -KILL -x zstd")
        said += list(running.stderr)
        running.communicate()
        decisions += [line.decode() for line in said if b'"decided"' in line]
    world.pair.must(TARGET, "systemctl reset-failed mysql; systemctl start mysql")
    eventually(lambda: world.pair.on(TARGET, "mysqladmin ping").returncode == 0, 60, "mysqld after its crash")
    done = world.must("restore")
    assert done["divergent_tables"] == []
    assert world.dump(TARGET) == expected
    assert "twinsite_restore" not in world.sql(TARGET, "SHOW DATABASES")
    # Without one that went on from where a kill left it, this test would have shown nothing.
    assert any('"resume"' in line for line in decisions) or done["resumed"], decisions


def test_an_unfinished_restore_of_another_backup_makes_room_for_the_one_wanted(world: World) -> None:
    world.must("run")
    world.sql(TARGET, "CREATE DATABASE clinic; CREATE TABLE clinic.pets (half INT)")
    world.sql(TARGET, "CREATE DATABASE twinsite_restore; CREATE TABLE twinsite_restore.restore (a INT)")
    code, _, said = world.run("restore")
    assert code == 2
    assert "is not ours" in said
    world.sql(
        TARGET,
        "DROP TABLE twinsite_restore.restore; CREATE TABLE twinsite_restore.restore (only_one INT, version INT, "
        "backup_id VARCHAR(64), target_schema VARCHAR(64)); "
        "INSERT INTO twinsite_restore.restore VALUES (1, 1, 'old', 'clinic')",
    )
    world.must("restore")
    assert world.dump(TARGET) == world.dump(SOURCE)


def test_a_backup_taken_amid_transactions_holds_all_or_nothing_of_each(world: World) -> None:
    world.sql(
        SOURCE,
        "CREATE TABLE clinic.debit (id INT AUTO_INCREMENT PRIMARY KEY); CREATE TABLE clinic.credit LIKE clinic.debit",
    )
    pair = "BEGIN; INSERT INTO clinic.debit () VALUES (); INSERT INTO clinic.credit () VALUES (); COMMIT;"
    try:
        with world.writing(pair):
            eventually(
                lambda: int(world.sql(SOURCE, "SELECT COUNT(*) FROM clinic.credit")) > 50, 20, "a running writer"
            )
            made = [world.must("run") for _ in range(2)]
            world.sql(SOURCE, "REVOKE LOCK TABLES ON clinic.* FROM job@'%'")
            code, unlocked, said = world.run("run")
        # Between a writer's transactions there may be a moment of rest; without one it must refuse.
        assert code == 0 or (code == 2 and "GRANT LOCK TABLES" in said), said
        made += [unlocked] if code == 0 else []
        quiet = world.must("run")
        assert quiet["snapshot"] == "equal-gtid-sets"
        for backup in made:
            world.empty()
            world.must(f"restore {backup['id']}")
            debits, credits_ = world.sql(
                TARGET, "SELECT COUNT(*) FROM clinic.debit; SELECT COUNT(*) FROM clinic.credit"
            ).split()
            assert debits == credits_ != "0"
            # The set in the manifest is that of the snapshot: every transaction since then, and no other, is missing.
            all_ = world.sql(SOURCE, "SELECT COUNT(*) FROM clinic.debit")
            since = f"SELECT GTID_SUBTRACT('{quiet['gtid_executed']}', '{backup['gtid_executed']}')"
            transactions = gtid.parse(world.sql(SOURCE, since).replace("\\n", "")).count()
            revoke = 0 if backup["snapshot"] == "equal-gtid-sets" else 1
            assert transactions - revoke == int(all_) - int(debits)
    finally:
        world.sql(SOURCE, f"GRANT {JOB} ON clinic.* TO job@'%'; DROP TABLE clinic.debit, clinic.credit")


def test_what_the_job_may_not_see_is_asked_for_and_not_left_out(world: World) -> None:
    world.sql(SOURCE, "REVOKE TRIGGER ON clinic.* FROM job@'%'; REVOKE SHOW_ROUTINE ON *.* FROM job@'%'")
    try:
        code, _, said = world.run("run")
    finally:
        world.sql(SOURCE, "GRANT TRIGGER ON clinic.* TO job@'%'; GRANT SHOW_ROUTINE ON *.* TO job@'%'")
    assert code == 2
    assert "has no SHOW_ROUTINE on the server" in said
    assert "has no TRIGGER on schema clinic" in said
    assert world.must("list") == {"backups": []}


def test_a_target_that_cannot_take_the_backup_says_which_setting(world: World) -> None:
    world.must("run")
    world.sql(TARGET, "SET GLOBAL local_infile = OFF, log_bin_trust_function_creators = OFF")
    try:
        code, _, said = world.run("restore")
    finally:
        world.sql(TARGET, "SET GLOBAL local_infile = ON, log_bin_trust_function_creators = ON")
    assert code == 2
    assert "local_infile" in said
    assert "log_bin_trust_function_creators" in said
    assert "clinic" not in world.sql(TARGET, "SHOW DATABASES")


def test_a_row_that_the_target_could_not_add_up_is_refused_before_anything_is_written(world: World) -> None:
    world.sql(SOURCE, "CREATE TABLE clinic.long_rows (id INT PRIMARY KEY, v LONGTEXT)")
    world.sql(SOURCE, "INSERT INTO clinic.long_rows VALUES (9, REPEAT('long\\n', 500000))")
    try:
        world.must("run")
        world.sql(TARGET, "SET GLOBAL max_allowed_packet = 2097152")
        code, _, said = world.run("restore")
        assert code == 2
        assert "max_allowed_packet is 2097152 on the target and a row of the backup has 2500002 bytes" in said
        assert "clinic" not in world.sql(TARGET, "SHOW DATABASES")
    finally:
        world.sql(TARGET, "SET GLOBAL max_allowed_packet = DEFAULT")
        world.sql(SOURCE, "DROP TABLE clinic.long_rows")
    assert world.must("restore")["divergent_tables"] == []


def test_a_server_that_is_not_the_one_named_gets_no_password(world: World) -> None:
    world.tell(database={"address": SOURCE, "user": "job"})  # the system's authorities did not sign it
    code, _, said = world.run("run")
    assert code == 1
    assert "SSL connection error" in said or "TLS" in said


def test_a_full_disk_stops_a_restore_and_more_room_lets_it_go_on(world: World) -> None:
    world.sql(
        SOURCE,
        "SET cte_max_recursion_depth = 100000; CREATE TABLE clinic.bulk (id INT PRIMARY KEY, t BLOB); "
        "INSERT INTO clinic.bulk WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000) "
        "SELECT i, RANDOM_BYTES(1000) FROM n",
    )
    small = "systemctl stop mysql; mkdir -p /run/small; size=$(($(du -sm /var/lib/mysql | cut -f1) + 30)); "
    small += "mount -t tmpfs -o size=${size}m tmpfs /run/small; chown mysql: /run/small; "
    small += "cp -a /var/lib/mysql/. /run/small/; "
    small += "mount --bind /run/small /var/lib/mysql; systemctl start mysql"
    try:
        world.must("run")
        world.pair.must(TARGET, small)
        code, _, said = world.run("restore")
        assert code == 1
        assert "no space left at the target" in said
        world.pair.must(TARGET, "mount -o remount,size=2g /run/small")
        done = world.must("restore")
        assert done["resumed"] is True
        assert world.dump(TARGET) == world.dump(SOURCE)
    finally:
        world.sql(SOURCE, "DROP TABLE IF EXISTS clinic.bulk")
        world.pair.on(TARGET, "systemctl stop mysql; umount /var/lib/mysql; umount /run/small; systemctl start mysql")


def test_a_schema_that_a_restore_has_not_ended_in_is_no_backup(world: World) -> None:
    made = world.must("run")
    running = world.pair.start(TARGET, f"exec setsid {RESTORE}")
    assert running.stderr
    list(itertools.islice(running.stderr, 8))
    world.pair.on(TARGET, "pkill -KILL -f backup/apply.py; pkill -KILL -x mysql; pkill -KILL -x zstd")
    running.communicate()
    half = int(world.sql(TARGET, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'clinic'"))
    assert half, "there are tables that a backup could take for whole"
    ca = world.pair.signer.pem
    world.tell(database={"address": TARGET, "user": "administrator", "tls_ca": ca})
    code, found, _ = world.run("run")
    assert code == 2
    assert f"a restore of backup {made['id']} into schema 'clinic' has not ended" in found["problems"][0]
    # Another user, who cannot see what a restore leaves behind: then whoever restores there is asked.
    world.sql(
        TARGET,
        f"CREATE USER reader@'%' IDENTIFIED BY 'pass\\'word\"with\\\\marks'; GRANT {JOB} ON clinic.* TO reader@'%'",
    )
    world.sql(TARGET, "GRANT SHOW_ROUTINE ON *.* TO reader@'%'")
    try:
        world.tell(database={"address": TARGET, "user": "reader", "tls_ca": ca})
        code, found, _ = world.run("run")
        assert (code, "has not ended" in found["problems"][0]) == (2, True)
        assert [one["id"] for one in world.must("list")["backups"] if one["complete"]] == [made["id"]]
        world.must("restore")
        world.must("run")
        world.tell(database={"address": TARGET, "user": "reader", "tls_ca": ca}, target=None)
        with world.pair.start(
            TARGET, "mysql --no-defaults -uroot -e \"DO GET_LOCK('twinsite_restore', 9); DO SLEEP(60)\""
        ):
            held = "SELECT IFNULL(IS_USED_LOCK('twinsite_restore'), 0)"
            eventually(lambda: world.sql(TARGET, held) != "0", 20, "a restore at work")
            code, found, _ = world.run("run")
            world.sql(TARGET, f"KILL {world.sql(TARGET, held)}")
        assert code == 2
        assert "a restore works on this server, and this user cannot see into which schema" in found["problems"][0]
        world.must("run")
    finally:
        world.sql(TARGET, "DROP USER reader@'%'")


def test_a_backup_is_of_the_branch_of_the_writer_and_of_none_when_that_changes_meanwhile(world: World) -> None:
    world.pair.must(TARGET, "rm -rf /srv/operations && mkdir /srv/operations")
    place = {"store": "file:///srv/operations", "site": "aws", "home": "aws"}

    def raised(site: str, epoch: int) -> None:
        text = f'{{"site": "{site}", "epoch": {epoch}}}'.encode()
        world.pair.must(TARGET, "cat > /srv/operations/.x && mv /srv/operations/.x /srv/operations/writer.json", text)

    world.tell(writer=place)
    first = world.must("run")
    assert first["branch"] == {"site": "aws", "epoch": 0, "writer": "aws"}
    running = world.pair.start(TARGET, "exec /usr/local/sbin/twinsite-guest backup run --progress")
    assert running.stderr
    assert any(b'"snapshot"' in line for line in running.stderr)
    raised("azure", 1)
    overtaken = running.communicate()[0]
    assert b"from aws (epoch 0) to azure (epoch 1)" in overtaken
    stale = world.must("run")
    assert stale["branch"] == {"site": "aws", "epoch": 1, "writer": "azure"}
    world.tell(writer=place | {"site": "azure"})
    assert world.must("run")["branch"] == {"site": "azure", "epoch": 1, "writer": "azure"}
    world.pair.must(TARGET, f"rm -r /srv/store/backups/{world.must('report')['newest']['id']}")
    assert world.must("report")["complete"] == 3
    # The youngest one of all is not the newest.
    assert world.must("restore")["backup_id"] == first["id"]
    world.empty()
    assert world.must(f"restore {stale['id']}")["backup_id"] == stale["id"]
    raised("aws", 2)
    assert world.must("run") == {
        "outcome": "stands by",
        "detail": "aws is the writer (epoch 2), so the data of azure came out of a backup",
    }
