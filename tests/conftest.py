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

# The same examples for everybody: a test that failed on one pull request fails again at the desk; and no deadlines,
# because these tests get what the machines beside them leave. What searches on is `--hypothesis-profile explore`.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "explore", max_examples=3000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("same")

# A runner in the background of a shell ignores Ctrl-C, and so would every program that a test interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--budgets", action="store_true", help="a block of tests/lab that takes longer than it may fails")
    parser.addoption("--long", action="store_true", help="also what is marked `long`, as ./scripts/test long does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = {
        outcome: sum("mutant" in getattr(report, "keywords", ()) for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed", "error")
    }
    if total := sum(told.values()):
        killed = told["passed"]
        terminalreporter.line(f"mutants killed / total = {killed} / {total} = {100 * killed / total:.0f} %")


@pytest.fixture(scope="session", autouse=True)
def key_of_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What signs evidence here is never the key of whoever runs the tests."""
    os.environ["TWINSITE_EVIDENCE_KEY"] = str(tmp_path_factory.mktemp("key") / "evidence-key.pem")


@pytest.fixture(scope="session")
def pulumi_tools() -> Path:
    """Folder of the Pulumi CLI. A test that needs it fails without it: ./scripts/setup brings it."""
    tools = Path(os.environ.get("TWINSITE_TEST_PULUMI") or cache() / "tools" / "current" / "bin")
    assert (tools / "pulumi").exists(), f"there is no {tools / 'pulumi'}: run ./scripts/setup"
    return tools


@pytest.fixture
def desk(tmp_path: Path, pulumi_tools: Path) -> Desk:
    return Desk(tmp_path, pulumi_tools)
