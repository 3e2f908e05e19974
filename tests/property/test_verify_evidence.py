"""Whatever is done to records after they were written, the verifier says so."""

import copy
import json
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from operations import chain
from operations.chain.envelope import canonical
from tests.evidence_chain import VERIFIER, key, rechained, records, signed, subject, told, trust, whole

TAMPERINGS = 1000


@dataclass
class Desk:
    """A verified chain of three attempts, where it is anchored, and two keys."""

    folder: pathlib.Path
    keys: pathlib.Path
    names: list[str]
    good: list[bytes]
    mine: chain.Key
    strange: chain.Key

    def put(self, where: str, content: list[bytes]) -> pathlib.Path:
        """As a person hands it over: numbered from 1."""
        place = self.folder / where
        place.mkdir(exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        for number, one in enumerate(content, 1):
            (place / f"{number:08d}.json").write_bytes(one)
        return place

    def refused(self, anchor: list[bytes], handed: list[bytes]) -> bool:
        here, there = self.put("anchor", anchor), self.put("copy", handed)
        return bool(VERIFIER.main(["--keys", str(self.keys), str(here), str(there)]))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("evidence")
    mine, strange = key(folder, "ann"), key(folder, "mallory")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINSITE_EVIDENCE_KEY", str(mine.path))
        for _ in range(3):
            whole(subject(folder, f"file://{folder}/place"))
    found = records(folder / "place" / "dev")
    assert len(found) == 9
    yield Desk(folder, trust(folder, mine), list(found), list(found.values()), mine, strange)


Tamper = Callable[[st.DataObject, Desk, chain.Key], list[bytes]]


def _at(data: st.DataObject, desk: Desk) -> int:
    return data.draw(st.integers(0, len(desk.good) - 1), "record")


def _with(desk: Desk, at: int, content: bytes) -> list[bytes]:
    return [*desk.good[:at], content, *desk.good[at + 1 :]]


def flip(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    at = _at(data, desk)
    content = bytearray(desk.good[at])
    content[data.draw(st.integers(0, len(content) - 1), "byte")] ^= data.draw(st.integers(1, 255), "bits")
    return _with(desk, at, bytes(content))


def shorten(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    at = _at(data, desk)
    content = desk.good[at]
    return _with(desk, at, content[: data.draw(st.integers(0, len(content) - 1), "length")])


def pad(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    at = _at(data, desk)
    where = data.draw(st.integers(0, len(desk.good[at])), "where")
    more = data.draw(st.binary(min_size=1, max_size=20), "more")
    return _with(desk, at, desk.good[at][:where] + more + desk.good[at][where:])


def take_out(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    at = data.draw(st.integers(0, len(desk.good) - 2), "record")
    return [*desk.good[:at], *desk.good[at + 1 :]]


def put_in(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    at = data.draw(st.integers(0, len(desk.good)), "where")
    return [*desk.good[:at], desk.good[_at(data, desk)], *desk.good[at:]]


def exchange(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    one, other = _at(data, desk), _at(data, desk)
    assume(one != other)
    found = list(desk.good)
    found[one], found[other] = found[other], found[one]
    return found


def _edited(data: st.DataObject, desk: Desk, at: int) -> dict[str, Any]:
    said = told(desk.good[at])
    before = copy.deepcopy(said)
    field = data.draw(st.sampled_from(sorted(said)), "field")
    if data.draw(st.booleans(), "gone"):
        del said[field]
    else:
        said[field] = data.draw(st.one_of(st.none(), st.booleans(), st.integers(-5, 99), st.text(max_size=9)), "value")
    assume(canonical(said) != canonical(before))
    return said


def edit(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    """The words changed, the signature kept."""
    import base64

    at = _at(data, desk)
    envelope = json.loads(desk.good[at])
    envelope["payload"] = base64.b64encode(canonical(_edited(data, desk, at))).decode()
    return _with(desk, at, canonical(envelope))


def edit_and_sign(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    at = _at(data, desk)
    claimed = data.draw(st.sampled_from(["", desk.mine.id]), "claimed")
    return _with(desk, at, signed(_edited(data, desk, at), by, claimed))


def sign_all_anew(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    """From the first record, each following the one before; with one changed, or none."""
    every = [told(one) for one in desk.good]
    if data.draw(st.booleans(), "change one"):
        at = _at(data, desk)
        every[at]["verdict"] = data.draw(st.text(max_size=9), "verdict")
    else:
        assume(by is desk.strange)
    return rechained(every, by, data.draw(st.sampled_from(["", desk.mine.id]), "claimed"))


def respell(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    """The same words, signed as they were, in other bytes."""
    at = _at(data, desk)
    envelope = json.loads(desk.good[at])
    how = data.draw(st.sampled_from(["indent", "more", "twice", "newline", "field"]), "how")
    if how == "indent":
        return _with(desk, at, json.dumps(envelope, indent=1).encode())
    if how == "more":
        envelope["signatures"].append({"keyid": by.id, "sig": "AAAA"})
    elif how == "twice":
        envelope["signatures"] *= 2
    elif how == "newline":
        envelope["payload"] = "\n" + envelope["payload"]
    else:
        envelope["note"] = "verified"
    return _with(desk, at, canonical(envelope))


def cut(data: st.DataObject, desk: Desk, by: chain.Key) -> list[bytes]:
    """The newest records, for instance of a drill that failed."""
    return desk.good[: data.draw(st.integers(0, len(desk.good) - 1), "left")]


WITHOUT_A_KEY: list[Tamper] = [
    flip, shorten, pad, take_out, put_in, exchange, edit, edit_and_sign, sign_all_anew, respell,
]  # fmt: skip
same = settings(max_examples=TAMPERINGS, deadline=None, suppress_health_check=list(HealthCheck))


def test_the_chain_as_it_was_written_is_verified(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert not desk.refused(desk.good, desk.good)
    assert "verified: 9 records" in capsys.readouterr().out


@same
@given(data=st.data())
def test_a_copy_is_refused_after_any_tampering_even_by_who_signs(desk: Desk, data: st.DataObject) -> None:
    """With every key: what holds is that the head stands where nobody can take it back."""
    tamper = data.draw(st.sampled_from([*WITHOUT_A_KEY, cut]), "how")
    by = data.draw(st.sampled_from([desk.mine, desk.strange]), "by")
    handed = tamper(data, desk, by)
    assume(handed != desk.good)
    assert desk.refused(desk.good, handed)


@same
@given(data=st.data())
def test_an_anchor_that_was_rewritten_is_refused_where_the_keys_are_not_known(desk: Desk, data: st.DataObject) -> None:
    """With the anchor in hand, and no key of the list: what holds are the signatures and the order."""
    tamper = data.draw(st.sampled_from(WITHOUT_A_KEY), "how")
    forged = tamper(data, desk, desk.strange)
    assume(forged != desk.good)
    assert desk.refused(forged, forged)
