"""`./scripts/prices`: against small files shaped as the clouds' lists (tests/cases/prices). Nothing is fetched."""

import sys
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "scripts" / "tools"))

from prices import __main__ as command
from prices import renew

from twinsite.estimate.prices import Prices

CASES = TREE / "tests" / "cases" / "prices"
HEAD = "# A table.\n"
LISTS = {
    "AmazonEC2/current/ap-northeast-2/index.csv": "aws-ec2.csv",
    "armSkuName eq 'Standard_B2s' and armRegionName eq 'koreacentral'": "azure-vm-1.json",
    "prices?page=2": "azure-vm-2.json",
    "serviceName eq 'Bandwidth'": "azure-egress.json",
    "6F81-5844-456A/skus?key=SESAME&pageToken=more": "gcp-compute-2.json",
    "6F81-5844-456A/skus?key=SESAME&pageToken=": "gcp-compute-1.json",
}


def row(sku: str, region: str, usd: float, unit: str = "hour") -> str:
    return f"- {{sku: {sku}, region: {region}, unit: {unit}, usd: {usd:g}, date: 2026-01-01, source: remembered}}\n"


class Net:
    """The lists that there are; any other cannot be reached."""

    def __init__(self, lists: Mapping[str, str] = LISTS) -> None:
        self.lists = lists
        self.asked: list[str] = []

    def __call__(self, address: str) -> object:
        self.asked.append(address)
        plain = urllib.parse.unquote_plus(address)
        for part, name in self.lists.items():
            if part in plain:
                return (CASES / name).open("rb")
        raise OSError(f"{plain[:60]} cannot be reached")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "prices.yaml"


def run(table: Path, *words: str, net: Net | None = None, key: str = "") -> int:
    return command.main(words, net or Net(), table, key, "2026-12-01")  # type: ignore[arg-type]


def price(table: Path, sku: str, region: str) -> tuple[float, str, bool]:
    found = Prices.of(table.read_text()).find(sku, region)
    assert found is not None
    return found.usd, found.date, found.remembered


def test_prices_of_aws_are_those_on_demand_of_the_region_and_of_linux(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(
        HEAD + row("ec2/t3.micro", "ap-northeast-2", 0.013) + row("ebs/gp3", "ap-northeast-2", 1, "gib-month")
    )
    net = Net()
    assert run(table, net=net) == 0
    assert price(table, "ec2/t3.micro", "ap-northeast-2") == (0.014, "2026-12-01", False)
    assert price(table, "ebs/gp3", "ap-northeast-2") == (0.0912, "2026-12-01", False)
    assert len(net.asked) == 1, "EC2's file is hundreds of megabytes: once for all of them"
    assert "ec2/t3.micro in ap-northeast-2: 0.013 → 0.014" in capsys.readouterr().out
    assert table.read_text().startswith(HEAD)


def test_of_two_prices_that_fit_none_is_chosen(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table.write_text(row("ec2/t3.small", "ap-northeast-2", 0.5) + row("ec2/t3.micro", "ap-northeast-2", 0.013))
    assert run(table) == 1
    assert price(table, "ec2/t3.small", "ap-northeast-2") == (0.5, "2026-01-01", True)
    assert price(table, "ec2/t3.micro", "ap-northeast-2")[0] == 0.014, "the others are renewed"
    assert "ec2/t3.small in ap-northeast-2 stays as it is: 0.026 and 0.027 of https" in capsys.readouterr().out


def test_prices_of_azure_are_read_page_by_page_without_windows_and_spot_and_from_the_first_paid_tier(
    table: Path,
) -> None:
    table.write_text(row("vm/Standard_B2s", "koreacentral", 0.052) + row("azure/egress", "koreacentral", 0.2, "gib"))
    assert run(table) == 0
    assert price(table, "vm/Standard_B2s", "koreacentral") == (0.0576, "2026-12-01", False)
    assert price(table, "azure/egress", "koreacentral")[0] == 0.12


def test_a_size_of_gcp_is_its_cores_and_its_memory_and_the_key_is_told_to_nobody(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(row("gce/e2-standard-4", "us-central1", 0.1))
    assert run(table, key="SESAME") == 0
    assert price(table, "gce/e2-standard-4", "us-central1")[0] == round(4 * 0.02181159 + 16 * 0.00292353, 6)
    said = capsys.readouterr()
    assert "SESAME" not in said.out + said.err + table.read_text()


def test_without_a_key_or_a_network_the_table_stays_and_it_is_said(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = row("gce/e2-standard-4", "us-central1", 0.1) + row("ec2/t3.micro", "eu-west-1", 0.1)
    table.write_text(text)
    assert run(table) == 1
    assert table.read_text() == text
    said = capsys.readouterr().out
    assert "gcp's prices stay as they are: OSError: Google's list wants a key: set GOOGLE_API_KEY" in said
    assert "aws's prices stay as they are: OSError: https://pricing.us-east-1.amazonaws.com" in said


def test_a_price_by_another_unit_is_not_taken(table: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lookups = yaml.safe_load(command.LOOKUPS.read_text())
    lookups["ebs/gp3"]["aws"]["unit"] = "TB-Mo"
    monkeypatch.setattr(command, "LOOKUPS", tmp_path / "lookups.yaml")
    (tmp_path / "lookups.yaml").write_text(yaml.safe_dump(lookups))
    table.write_text(row("ebs/gp3", "ap-northeast-2", 1, "gib-month"))
    assert run(table) == 1
    assert price(table, "ebs/gp3", "ap-northeast-2") == (1, "2026-01-01", True)


def test_a_dry_run_writes_nothing_and_one_cloud_is_asked_alone(table: Path) -> None:
    text = row("ec2/t3.micro", "ap-northeast-2", 0.013) + row("vm/Standard_B2s", "koreacentral", 0.052)
    table.write_text(text)
    net = Net()
    assert run(table, "--dry-run", "--only", "aws", net=net) == 0
    assert table.read_text() == text
    assert [address.split("/")[2] for address in net.asked] == ["pricing.us-east-1.amazonaws.com"]


def test_a_price_that_holds_everywhere_is_one_regions(table: Path) -> None:
    table.write_text(row("vpc/public-ipv4", "everywhere", 0.1))
    net = Net()
    run(table, net=net)
    assert net.asked == [
        "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonVPC/current/us-east-1/index.csv"
    ]


def test_every_thing_of_the_committed_table_has_its_place_in_a_list_and_renewing_changes_its_row_alone() -> None:
    text = command.TABLE.read_text()
    lookups = yaml.safe_load(command.LOOKUPS.read_text())
    table = renew.rows(text)
    assert list(renew.lacking(table, lookups)) == []
    skus = {str(one["sku"]) for one in table}
    services = {f"{sku.partition('/')[0]}/*" for sku in skus}
    assert set(lookups) - skus - services == set(), "nothing is looked up that the table has not"
    assert renew.renewed(text, {}, "2026-12-01") == (text, [])
