"""The source documents' figures beside ours: each row of docs/estimate.md is computed here, and must stand there so."""

from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest

from stacks.aws_azure.estimate import estimate as of_aws_azure
from twinsite.estimate import rates
from twinsite.estimate.answer import Mode, duration
from twinsite.estimate.figures import Item, Kind, total
from twinsite.estimate.path import critical
from twinsite.estimate.prices import HOURS_PER_MONTH, table
from twinsite.rules.database import resume_seconds
from twinsite.rules.tunnel import detect_seconds

from . import aws_azure_topology

PAGE = Path(__file__).resolve().parents[2] / "docs" / "estimate.md"
WEEK_HOURS = 168
TB_IN_GIB = 1e12 / 2**30
MBIT_IN_MIB = 1e6 / 8 / 2**20
VIRGINIA, IOWA = "us-east-1", "us-central1"
MONTH = HOURS_PER_MONTH


def known(items: list[Item]) -> float:
    value = total(items)
    assert value is not None
    return value


def usd(value: float) -> str:
    return f"${value:,.2f} (remembered)"


def price(sku: str, region: str, quantity: float) -> float:
    return known([table().cost(sku, sku, region, quantity)])


def days(tb: float, mbit_second: float) -> float:
    return rates.transfer_seconds(tb * TB_IN_GIB, mbit_second * MBIT_IN_MIB) / 86400


@pytest.fixture(scope="module")
def modes() -> Mapping[str, Mode]:
    found = of_aws_azure(aws_azure_topology.read()).modes
    pulumi.runtime.set_all_config({})
    return found


@pytest.fixture(scope="module")
def rows(modes: Mapping[str, Mode]) -> list[str]:
    cold, warm = modes["cold"], modes["warm"]
    hour = (known(list(warm.costs)) - known(list(cold.costs))) / MONTH
    ways = {name: list(critical(mode.path)) for name, mode in modes.items()}
    data = (Kind.TRANSFER, Kind.RESTORE, Kind.START)
    ready = known([one for one in ways["warm"] if one.kind not in data])
    switch = known([one for one in ways["warm"] if one.kind is Kind.DNS])
    healed = detect_seconds() + resume_seconds()
    dms = table().cost("task", "dms/c5.xlarge-multi-az", VIRGINIA, MONTH)
    assert dms.value is None
    vpn = price("vpc/vpn-connection", VIRGINIA, 2 * MONTH) + price("gcp/vpn-tunnel", IOWA, 4 * MONTH)
    nodes = price("gce/e2-standard-4", IOWA, MONTH)
    found = [
        ("000", "tunnel and replication come back", "by hand at both ends",
         f"{healed:g} s after the link, at most", "timers, not people; measured in the lab by `drill tunnel-cut`"),
        ("001", "region pair, RTO and RPO", "4 h, 5 min", "unknown", "no topology of ours has it yet"),
        ("002", "cold, a month", "$0", usd(known(list(cold.costs))),
         "checks of what is outside AWS, their answers, and a test from five places cost the same in every mode"),
        ("002", "cold, RTO", "10 min", duration(known(ways["cold"])),
         "the managed server is made first, and its IOPS hold up the restore of 10 GiB; notice and decision count"),
        ("002", "warm, a month", "$30", usd(known(list(warm.costs))), "that was the machine alone"),
        ("002", "warm, RTO", "1 min", duration(known(ways["warm"])),
         f"the newest backup is restored first; where it is in place already, {duration(ready)}"),
        ("002", "the switch", "5 s", duration(switch), "a check's interval, its answer, and the TTL"),
        ("002", "RPO", "24 h", duration(known(list(cold.lost))), "a backup is of the moment at which it began"),
        ("002", "an hour's drill", "$1", usd(hour), "what warm adds, for an hour"),
        ("002", "a week of warm", "$30", usd(hour * WEEK_HOURS), "the same, for a week"),
        ("003", "200 TB at 100 Mbit/s", "half a year", f"{days(200, 100):.0f} days", "size ÷ rate"),
        ("003", "200 TB at 1 Gbit/s", "18.5 days", f"{days(200, 1000):.1f} days", "size ÷ rate"),
        ("004", "EKS and GKE, a cluster each", "$73", usd(price("eks/cluster", VIRGINIA, MONTH)), "the same"),
        ("004", "three t3.xlarge", "$200", usd(price("ec2/t3.xlarge", VIRGINIA, 3 * MONTH)), "too low by almost half"),
        ("004", "one or two e2-standard-4", "$100", f"${nodes:,.2f} to {usd(2 * nodes)}", "right for one"),
        ("004", "VPN, four tunnels", "$50", usd(vpn), "HA VPN is paid by the tunnel, and two connections beside them"),
        ("004", "DMS, Multi-AZ c5.xlarge", "$200", "unknown", dms.source.split(":")[0]),
    ]  # fmt: skip
    return ["| " + " | ".join(row) + " |" for row in found]


def test_each_figure_of_the_documents_stands_on_the_page_beside_ours(rows: list[str]) -> None:
    shown = [line for line in PAGE.read_text().splitlines() if line.startswith("| 00")]
    assert shown == rows


def test_what_the_documents_claim_and_cannot_be_is_longer_or_dearer_with_us(modes: Mapping[str, Mode]) -> None:
    # A repair that brings a figure down to the document's claim has left something out.
    assert known(list(modes["cold"].costs)) > 0 and known(list(modes["warm"].costs)) > 30
    assert known(list(critical(modes["cold"].path))) > 600
    assert known(list(critical(modes["warm"].path))) > 156


def test_the_pages_sample_shows_what_the_figures_are_now(modes: Mapping[str, Mode]) -> None:
    sample = PAGE.read_text().split("```")[1]
    for mode in modes.values():
        shown = mode.shown()
        assert [words for key, words in shown["words"].items() if key != "critical_path" and words not in sample] == []
        for step in shown["critical_path"]:
            assert f"{step['value']:.0f} s  {step['name']}" in sample
