"""CloudSqlStandby on the real engine, recorded: it settles, is kept while active, comes back by another name."""

from pathlib import Path

import pytest

from tests.engine.conftest import Stack

TREE = Path(__file__).resolve().parents[2]
PROGRAM = """
    import pulumi
    from twinsite import CloudSqlStandby, DrMode

    config = pulumi.Config()
    database = CloudSqlStandby(
        "crm",
        {
            "dr_mode": DrMode(config.require("dr_mode")),
            "instance": "crm",
            "generation": config.get_int("generation") or 1,
            "region": "asia-northeast3",
            "network_id": "projects/crm-dr/global/networks/crm",
            "service_connection": "crm:servicenetworking.googleapis.com",
            "service_range_name": "twinsite-services",
            "database_version": "POSTGRES_17",
            "source_version": "17.5",
            "source_settings": {
                "datestyle": "ISO, MDY",
                "default_transaction_isolation": "read committed",
                "intervalstyle": "postgres",
                "timezone": "Asia/Seoul",
            },
            "tier": "db-custom-2-7680",
            "database": "crm",
            "charset": "UTF8",
            "collation": "en_US.UTF8",
            "site_is_active": config.get("active_site") == "gcp",
        },
    )
    pulumi.export("name", database.server_name)
"""


@pytest.fixture
def database(stack: Stack) -> Stack:
    stack.program(f"    import sys\n    sys.path.insert(0, {str(TREE)!r})\n{PROGRAM}")
    stack.config("gcp:project", "crm-dr")
    stack.config("dr_mode", "pilot-light")
    return stack


def test_it_settles_is_kept_while_active_goes_in_one_up_and_comes_back_by_another_name(database: Stack) -> None:
    database.up()
    database.up("--expect-no-changes")
    first = database.outputs()["name"]
    database.config("active_site", "gcp")
    database.up()
    for key, value in (("dr_mode", "cold"), ("generation", "2")):
        database.config(key, value)
        code, said = database.run("preview")
        assert code != 0
        assert "crm-server holds the data of the server crm, and its site is active" in said
        database.must("config", "rm", key)
        database.config("dr_mode", "pilot-light")
    database.config("active_site", "aws")
    database.config("dr_mode", "cold")
    assert set(database.steps().values()) >= {"delete"}
    database.up()
    assert "crm-server" not in database.state()
    database.config("dr_mode", "warm")
    database.up()
    assert database.outputs()["name"] != first
