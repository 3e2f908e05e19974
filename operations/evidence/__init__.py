"""What was proved, on what, and when it stops counting: one JSON file a run, looked up per kind of drill.

Not here: the report that shows it (report/), and the journal from which an operation goes on (journal/).
"""

from .record import VALID_DAYS, by_kind, latest, of_drills, standing, write

__all__ = ["VALID_DAYS", "by_kind", "latest", "of_drills", "standing", "write"]
