"""The two servers that all modules of this folder share; each takes databases of its own."""

from collections.abc import Iterator

import pytest

from .postgres import Postgres, running_pair


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    with running_pair() as pair:
        yield pair
