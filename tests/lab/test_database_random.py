"""Random schemas go through backup and restore and come back as they were: definitions and rows, by mysqldump."""

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from .random_schemas import Table, name_of, schemas, script
from .two_servers import SOURCE, TARGET, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

FEW, MANY = 8, 400
# An example takes seconds, so one that fails is shown as it is and not made smaller.
slow = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])


@given(made=schemas(), character_set=st.sampled_from(["latin1", "utf8mb4"]))
@settings(slow, max_examples=FEW)
def test_a_random_schema_comes_back(servers: Servers, made: list[Table], character_set: str) -> None:
    comes_back(servers, made, character_set)


@pytest.mark.long
@pytest.mark.timeout(7200)
@given(made=schemas(), character_set=st.sampled_from(["latin1", "utf8mb4", "sjis", "gbk", "cp1251"]))
@settings(slow, max_examples=MANY)
def test_many_random_schemas_come_back(servers: Servers, made: list[Table], character_set: str) -> None:
    comes_back(servers, made, character_set)


def comes_back(servers: Servers, made: list[Table], character_set: str) -> None:
    text = script(made)
    note(text)
    for server in (SOURCE, TARGET):
        servers.clear(server)
    servers.sql(SOURCE, f"CREATE DATABASE app CHARACTER SET {character_set}")
    servers.sql(SOURCE, text.encode(), "app", "--binary-mode")
    servers.grant_job("app")
    servers.tell("app")
    saved = servers.role("run")
    assert saved.code == 0, saved.said
    done = servers.role("restore")
    assert done.code == 0, done.said
    assert servers.dump(TARGET, "app") == servers.dump(SOURCE, "app")
    # A third opinion, of what is stored and not of how it prints.
    if same := ", ".join(f"app.{name_of(table.name)}" for table in made if not table.has_json):
        sums = f"CHECKSUM TABLE {same}"
        assert servers.ask(TARGET, sums) == servers.ask(SOURCE, sums)
