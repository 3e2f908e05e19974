"""What a restore needs to know, in frozen values, and how the job's answer becomes them."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Inventory

from ...journal.document import Unfinished


@dataclass(frozen=True)
class Fit:
    """Verb `fit`: one backup beside the target."""

    backup: str
    began: float
    """Moment of its snapshot, seconds since 1970: what was written later is not in it."""
    branch: str
    """Whose history it is of, in words."""
    rows: int
    tables: int
    size_bytes: int
    unfinished: str
    """Backup whose restore ended amid it; "" none."""
    problems: tuple[str, ...]
    """Why it may not go in there, each with its fix."""
    target: str
    """Database and address."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Fit":
        """ValueError, KeyError or TypeError for an answer that is none."""
        return cls(
            backup=str(said["backup_id"]),
            began=datetime.datetime.fromisoformat(str(said["began"])).timestamp(),
            branch=str(said["branch"]),
            rows=int(said["rows"]),
            tables=int(said["tables"]),
            size_bytes=int(said["bytes_total"]),
            unfinished=str(said["unfinished"] or ""),
            problems=tuple(map(str, said["problems"])),
            target=f"{said['target']['database']} at {said['target']['address']}",
        )


@dataclass(frozen=True)
class Facts:
    """Everything, read once."""

    inventory: Inventory
    now: float
    fit: Fit | None
    problem: str = ""
    """Why nothing is known of backup and target."""
    unfinished: Unfinished | None = None
    held: str = ""
    """Who holds the operation lock, in words."""
