"""What is brought to an existing host is there after whatever the engine does, and goes only when it is to go (ADR 12).

Over real SSH; only `sudo` is another: it installs and removes a role by a file `role`, and does everything else.
"""

import os
from pathlib import Path

import pytest

from tests.engine.conftest import LiveStack
from tests.engine.ssh_host import Host
from tests.engine.test_providers_command import CONNECTION

TREE = Path(__file__).resolve().parents[2]
SUDO = """#!/bin/sh
case "$*" in
*install.py\\ install\\ *) echo installed >> deeds; touch role ;;
*install.py\\ remove\\ *) echo removed >> deeds; rm -f role ;;
*) exec "$@" ;;
esac
"""
PROGRAM = """
    from twinsite import Delivery, OnPremHost, onprem_file
    at = {
        "host": "127.0.0.1", "port": int(settings.require("port")), "user": "ubuntu",
        "private_key": os.environ["TEST_KEY"], "host_key": settings.require("host_key"),
    }
    gone = settings.get_bool("gone") or False
    asked = {
        "host": "onprem-gateway", "role": "gateway", "config": {"a": settings.get("a") or "1"}, "secrets": {},
        "delivery": Delivery.SSH, "connection": at, "gone": gone,
    }
    end = OnPremHost("end", asked)
    onprem_file("notes", at, os.environ["TEST_FILE"], "text", end.delivered, gone=gone)
    remote.Command("looks", connection=connection, create="echo looked >> deeds", triggers=[end.delivered])
"""
FORMER = """
    class OnPremHost(pulumi.ComponentResource):
        def __init__(self):
            super().__init__("twinsite:index:OnPremHost", "end", {"host": "onprem-gateway", "role": "gateway"})
            remote.Command(
                "end-apply", connection=connection, create="sudo python3 install.py install x",
                delete="sudo python3 install.py remove gateway", opts=pulumi.ResourceOptions(parent=self),
            )
    OnPremHost()
    file = os.environ["TEST_FILE"]
    remote.Command("notes-file", connection=connection, create="touch " + file, delete="rm -f " + file)
"""


@pytest.fixture
def delivered(live: LiveStack, host: Host) -> LiveStack:
    """A stack with a role and a file on the host."""
    give(live, host, PROGRAM)
    live.up()
    assert deeds(host) == ["installed", "looked"]
    return live


def give(live: LiveStack, host: Host, program: str) -> None:
    if not (live.folder / "twinsite").exists():
        (live.folder / "twinsite").symlink_to(TREE / "twinsite")
        sudo = host.folder / "bin" / "sudo"
        sudo.parent.mkdir()
        sudo.write_text(SUDO)
        sudo.chmod(0o755)
        host.path = f"{sudo.parent}:{os.environ['PATH']}"
        live.config("port", str(host.port))
        live.config("host_key", host.host_key)
        live.desk.extra |= {"TEST_KEY": host.private_key, "TEST_FILE": str(host.folder / "notes")}
    live.program(CONNECTION + program)


def deeds(host: Host) -> list[str]:
    """What happened since this was last asked."""
    log = host.folder / "deeds"
    found = log.read_text().split() if log.exists() else []
    log.write_text("")
    return found


def there(host: Host) -> tuple[bool, bool]:
    """Whether the role and the file are on the host."""
    return (host.folder / "role").exists(), (host.folder / "notes").exists()


def test_one_command_that_brings_and_takes_away_is_undone_by_its_own_replacement(live: LiveStack, host: Host) -> None:
    give(live, host, FORMER)
    live.up()
    live.up("--replace", "**::end-apply")
    assert deeds(host) == ["installed", "installed", "removed"], "as the genuine provider was seen to do"
    assert not there(host)[0]


def test_a_replacement_brings_it_again_and_takes_nothing_away(delivered: LiveStack, host: Host) -> None:
    for name in ("role", "notes"):
        (host.folder / name).unlink()  # the host was built anew
    delivered.up("--replace", "**::end-apply")
    assert deeds(host) == ["installed", "looked"], "and what has looked at the host looks again"
    assert there(host) == (True, True)
    delivered.up("--expect-no-changes")


def test_a_taint_brings_it_again_and_takes_nothing_away(delivered: LiveStack, host: Host) -> None:
    for name in ("end-apply", "notes-file"):
        delivered.must("state", "taint", delivered.state()[name]["urn"], "--yes")
    delivered.up()
    assert deeds(host) == ["installed", "looked"]
    assert there(host) == (True, True)


def test_a_replacement_of_everything_ends_with_it_there(delivered: LiveStack, host: Host) -> None:
    delivered.up("--replace", "**::end-*", "--replace", "**::notes-*")
    assert deeds(host) == ["removed", "installed", "looked"]
    assert there(host) == (True, True)


def test_a_changed_setting_arrives_in_place(delivered: LiveStack, host: Host) -> None:
    delivered.config("a", "2")
    assert delivered.steps() == {"end-apply": "update"}
    delivered.up()
    assert deeds(host) == ["installed"]


def test_a_stack_of_a_former_version_goes_on_without_a_removal(live: LiveStack, host: Host) -> None:
    give(live, host, FORMER)
    live.up()
    assert deeds(host) == ["installed"]
    give(live, host, PROGRAM)
    live.up()
    assert deeds(host) == ["installed", "looked"]
    assert there(host) == (True, True)
    live.up("--expect-no-changes")


def test_a_destroy_takes_it_away_once(delivered: LiveStack, host: Host) -> None:
    delivered.must("destroy", "--yes", "--skip-preview")
    assert deeds(host) == ["removed"]
    assert there(host) == (False, False)


def test_a_host_that_is_gone_does_not_stand_in_the_way_of_a_destroy(delivered: LiveStack, host: Host) -> None:
    dials = host.dials
    host.refuse = 1_000_000
    delivered.config("gone", "true")
    delivered.must("destroy", "--run-program", "--yes", "--skip-preview")
    assert host.dials == dials, "test_a_destroy_takes_it_away_once dials"
