"""What operations make of a host that does not know what it is asked: the sentence names what brings the guest."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from operations.guest import Guests, OtherGuest, RemoteRefused, gather
from operations.transport import Done, Transport
from tests.operations_world import INVENTORY
from twinsite.payload import FOLDER

BUNDLE = "pulumi stack output onprem_database_bundle --show-secrets | base64 -d > onprem-database.tar.gz"
HANDED_OVER = replace(
    INVENTORY, hosts=(*INVENTORY.hosts[:3], replace(INVENTORY.hosts[3], bundle="onprem_database_bundle"))
)


class Answering:
    """Every command on every host ends in the same way."""

    def __init__(self, done: Done) -> None:
        self._done = done

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        return self._done


def guests(done: Done, inventory: object = INVENTORY) -> Guests:
    return Guests(inventory, cast(Transport, Answering(done)))  # type: ignore[arg-type]


def really(program: str, *words: str) -> Done:
    """What a guest program of this tree says to such words."""
    done = subprocess.run([sys.executable, FOLDER / program, *words], capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


ABSENT_TOOL = Done(2, "", "python3: can't open file '/opt/twinsite/current/drill/probe.py': [Errno 2] No such file")
NO_GUEST = Done(1, "", "sudo: /usr/local/sbin/twinsite-guest: command not found")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("database/apply.py", ("verb-of-tomorrow",)),
        ("database/apply.py", ("report", "--option-of-tomorrow")),
        ("gateway/apply.py", ("verb-of-tomorrow", "--config", "x")),
        ("gateway/apply.py", ("report",)),
        ("drill/probe.py", ("look-of-tomorrow",)),
        ("drill/store.py", ("/tmp", "verb-of-tomorrow")),
        ("drill/fault.py", ("fault-of-tomorrow",)),
        ("drill/ledger.py", ("verb-of-tomorrow",)),
        ("agent/twinsite-guest", ()),
    ],
)
def test_a_verb_or_option_that_a_host_does_not_know_means_another_version(program: str, words: tuple[str, ...]) -> None:
    if program == "agent/twinsite-guest":
        shown = subprocess.run(["sh", FOLDER / program], capture_output=True, text=True, check=False)
        said = Done(shown.returncode, "", shown.stderr)
    else:
        said = really(program, *words)
    with pytest.raises(OtherGuest) as problem:
        guests(said).call("onprem-gateway", ["anything"])
    assert str(problem.value) == (
        "the guest on onprem-gateway is of another version: run `pulumi up`, which delivers it"
    )


def test_a_tool_that_is_not_there_is_told_from_one_that_refuses() -> None:
    with pytest.raises(OtherGuest, match="there is no guest of this version on aws-source: run `pulumi up`"):
        guests(ABSENT_TOOL).tool("aws-source", "probe", "look")


def test_a_refusal_of_the_same_version_keeps_its_own_words() -> None:
    with pytest.raises(RemoteRefused, match="promoted"):
        guests(Done(2, "", "this host was promoted")).call("onprem-database", ["anything"])


def test_a_host_that_was_handed_over_is_brought_up_to_date_by_its_owners() -> None:
    with pytest.raises(OtherGuest) as problem:
        guests(NO_GUEST, HANDED_OVER).call("onprem-database", ["anything"])
    assert str(problem.value).startswith(
        "there is no guest of this version on onprem-database: its owners install it: "
    )
    assert BUNDLE in str(problem.value)
    assert "tar -xzf onprem-database.tar.gz && sudo ./install.sh" in str(problem.value)


def test_a_look_keeps_the_sentence_for_status_which_adds_the_fix() -> None:
    seen = gather(guests(NO_GUEST, HANDED_OVER))
    assert seen.failed["onprem-database", "database"] == "there is no guest of this version on onprem-database"
