"""The two servers that all modules of this folder share; each takes databases of its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .postgres import NOBODY, Postgres, within_reach


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    folder = Path(tempfile.mkdtemp(prefix="twinsite-pg-"))  # a socket's path has 107 bytes at most
    os.chown(folder, NOBODY.get("user", -1), NOBODY.get("group", -1))
    folder.chmod(0o755)
    within_reach(folder)
    pair = Postgres(16, folder, 5501), Postgres(18, folder, 5502)
    try:
        for one in pair:
            one.make()
        for one in pair:
            one.sql("CREATE ROLE repl LOGIN REPLICATION; CREATE ROLE crm_app LOGIN")
        yield pair
    finally:
        for one in pair:
            if (one.data / "postmaster.pid").exists():
                one.stop("immediate")
        shutil.rmtree(folder)
