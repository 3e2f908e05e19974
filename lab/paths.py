"""Where the lab keeps things. One box per machine, so one runtime folder; tests of single parts pass their own."""

import os
from dataclasses import dataclass
from pathlib import Path

RUN = Path("/run/twinsite-lab")
TREE = Path(__file__).resolve().parent.parent
"""The repository: the desk's project is made of links into it."""


def cache() -> Path:
    """The one folder for what is built or downloaded (CONTRACTS: TWINSITE_CACHE, else ~/.cache/twinsite)."""
    return Path(os.environ.get("TWINSITE_CACHE") or Path.home() / ".cache" / "twinsite")


@dataclass(frozen=True)
class Paths:
    """Files of one box."""

    run: Path = RUN

    @property
    def socket(self) -> Path:
        return self.run / "box.sock"

    @property
    def pid(self) -> Path:
        """Process id and start time of the daemon, one line."""
        return self.run / "pid"

    @property
    def log(self) -> Path:
        return self.run / "daemon.log"

    @property
    def state(self) -> Path:
        return self.run / "state.json"

    @property
    def authority(self) -> Path:
        """The lab's certificate authority."""
        return self.run / "ca"

    @property
    def desk(self) -> Path:
        """The operator's home."""
        return self.run / "operator"

    @property
    def moto(self) -> Path:
        """Unix socket of the moto server."""
        return self.run / "moto.sock"
