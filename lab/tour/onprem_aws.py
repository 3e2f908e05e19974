"""The story of onprem-aws: the tunnel is cut and heals by itself, and nothing is lost."""

import json
from typing import Any

from lab.tour.steps import Tour, desk, lab


def run(tour: Tour, how: str, seconds: int) -> dict[str, Any]:
    """The drill's own result."""
    tour.step("lab up", lab("up"))
    tour.step("pulumi up", desk("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev"))
    tour.step("status", desk("twinsite", "status"))
    cut = ["--how", how, "--seconds", str(seconds), "--settle", "20", "--json"]
    drill = tour.step(f"drill {how}", desk("twinsite", "drill", "tunnel-cut", *cut), allowed=(0, 1), shows=True)
    result: dict[str, Any] = json.loads(drill.stdout)
    return result
