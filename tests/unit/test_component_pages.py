"""Pages of the components that topology aws-gcp is made of: each names what its component gives, and what it costs."""

import ast
import re
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
PAGES = {
    "aws-gcp-vpn": ["tunnel/aws_gcp_vpn"],
    "cache-stance": ["workload/cache_stance"],
    "cloud-sql-standby": ["database/cloud_sql_standby"],
    "cloudflare-failover": ["traffic/cloudflare_failover"],
    "gke-standby": ["workload/gke_standby"],
    "link-alarms": ["monitoring/aws_link_alarms", "monitoring/gcp_alarms"],
    "logical-replica": ["database/logical_replica"],
    "postgres-backup-job": [
        "storage/gcs_backup_store", "workload/postgres_backup_job", "workload/postgres_restore_job",
    ],
    "workload": ["workload/workload"],
    "writer-agent": ["storage/writer_registers", "workload/writer_agent"],
}  # fmt: skip


def outputs(module: str) -> set[str]:
    """What a component's class declares."""
    tree = ast.parse((TREE / "components" / f"{module}.py").read_text())
    components = [
        one
        for one in tree.body
        if isinstance(one, ast.ClassDef)
        and "Component" in [base.id for base in one.bases if isinstance(base, ast.Name)]
    ]
    return {
        one.target.id
        for component in components
        for one in component.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_every_output_and_says_what_is_refused_and_what_it_costs(page: str) -> None:
    text = (TREE / "docs" / "components" / f"{page}.md").read_text()
    declared = {name for module in PAGES[page] for name in outputs(module)}
    assert declared, "there is a component"
    assert {name for name in declared if f"`{name}`" not in text} == set()
    assert re.search("[Rr]efused", text) and re.search("cost|US\\$", text)
