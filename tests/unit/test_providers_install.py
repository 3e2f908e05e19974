"""What lies in the lab's PULUMI_HOME."""

import os
import subprocess
from pathlib import Path

import pytest

from lab.providers import PACKAGES
from lab.providers.install import install


def test_every_installed_sdk_has_a_launcher_so_that_nothing_is_downloaded(tmp_path: Path) -> None:
    launchers = install(tmp_path)
    assert set(launchers) == set(PACKAGES)
    assert all(os.access(launcher, os.X_OK) for launcher in launchers.values())


def test_a_provider_without_a_stand_in_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.providers.install.PACKAGES", tuple(one for one in PACKAGES if one != "gcp"))
    done = subprocess.run([install(tmp_path)["gcp"]], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no stand-in for gcp" in done.stderr
