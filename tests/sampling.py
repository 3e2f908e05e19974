"""CI runs some of a kind and `./scripts/test long` all of it: what the one left out is marked, never gone."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sample(kinds: Iterable[Any], in_ci: Collection[Any]) -> list[Any]:
    """Parameters for `pytest.mark.parametrize`: all kinds, those that CI does not run marked `long`."""
    kinds = list(kinds)
    strange = [kind for kind in in_ci if kind not in kinds]
    assert not strange, f"no such kind: {strange}"
    assert in_ci, "CI runs one of each kind at least"
    return [kind if kind in in_ci else pytest.param(kind, marks=pytest.mark.long) for kind in kinds]
