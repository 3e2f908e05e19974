"""What every layer shares: the tree on the path, and the real Pulumi CLI that ./scripts/setup chose."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TREE = Path(__file__).resolve().parents[1]
if str(TREE) not in sys.path:
    sys.path.insert(0, str(TREE))

from lab.paths import cache
from tests.real_pulumi import Desk

LEFT_OUT = pytest.StashKey[int]()

# The same examples for everybody: a test that failed on one pull request fails again at the desk. What searches on is
# `--hypothesis-profile explore`, by hand.
settings.register_profile("same", derandomize=True)
settings.register_profile(
    "explore", max_examples=3000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("same")

# A runner in the background of a shell ignores Ctrl-C, and so would every program that a test interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long ones out, and keep them for the summary: what did not run is said."""
    if config.getoption("--long"):
        return
    left = [item for item in items if item.get_closest_marker("long")]
    if left:
        config.stash[LEFT_OUT] = len(left)
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(LEFT_OUT, 0)
    if left:
        terminalreporter.write_line(f"left out: {left} long tests; `./scripts/test lab --long` runs them, too")


@pytest.fixture(scope="session")
def pulumi_tools() -> Path:
    """Folder of the Pulumi CLI. A test that needs it fails without it: ./scripts/setup brings it."""
    tools = Path(os.environ.get("TWINSITE_TEST_PULUMI") or cache() / "tools" / "current" / "bin")
    assert (tools / "pulumi").exists(), f"there is no {tools / 'pulumi'}: run ./scripts/setup"
    return tools


@pytest.fixture
def desk(tmp_path: Path, pulumi_tools: Path) -> Desk:
    return Desk(tmp_path, pulumi_tools)
