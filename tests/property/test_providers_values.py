"""Values on the engine's wire come back as they went."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lab.providers.framework.changes import Declared, changes
from lab.providers.framework.values import UNKNOWN, UNKNOWN_TEXT, Secret, decode, encode, holds_secret, reveal

plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda one: not one.is_integer())
    | st.text().filter(lambda one: one != UNKNOWN_TEXT)
)
keys = st.text(min_size=1, max_size=8).filter(lambda one: one != "4dabf18193072939515e22adb298388d")
trees = st.recursive(
    plain | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4) | st.builds(Secret, inner),
    max_leaves=12,
)


@given(st.dictionaries(keys, trees, max_size=4))
def test_encode_and_decode_are_inverse(values: dict[str, Any]) -> None:
    assert decode(encode(values)) == values


@given(trees)
def test_nothing_revealed_is_still_wrapped(value: Any) -> None:
    assert not holds_secret(reveal(value))


@given(st.dictionaries(keys, plain, max_size=5), st.dictionaries(keys, plain, max_size=5))
def test_equal_inputs_never_differ_and_different_ones_always_do(old: dict[str, Any], new: dict[str, Any]) -> None:
    rules = Declared(frozenset(), frozenset())
    assert changes(rules, old, old, {}, {}) == []
    visible = [{key: value for key, value in one.items() if value not in (None, "")} for one in (old, new)]
    differs = visible[0] != visible[1]
    assert bool(changes(rules, old, new, {}, {})) == differs
