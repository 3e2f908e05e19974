"""What a drill asks of one end of a flow."""

from typing import Any, Protocol


class End(Protocol):
    """A database server as the ledger uses it. Unreachable, RemoteFailed, or sql.Gone and sql.Refused when it fails."""

    name: str
    """The host's or endpoint's, as the flow says it."""
    here: bool
    """Whether what it stamps has this desk's clock, not its own."""

    def prepare(self, sessions: int) -> None:
        """Empty tables, a row a session, the controls."""

    def start(self, identity: str, seconds: float, rate: float, sessions: int) -> None:
        """Sessions that commit `rate` transactions a second, all together, until stop() or `seconds` are over."""

    def acked(self) -> int:
        """How many transactions were acknowledged so far."""

    def stop(self) -> None:
        """End the writing. What was acknowledged is whole then."""

    def acknowledgements(self) -> str:
        """One JSON object a line: session, seq, outcome, utc on the clock of where it was written."""

    def write(self, identity: str, message: str, after_seconds: float = 0.0) -> None:
        """A row of the document's table, now or later without being asked again."""

    def forget(self, identity: str) -> None:
        """Rows that are still to come do not."""

    def gaps(self) -> int:
        """Numbers below each session's highest that are not there: order, seen while it happens."""

    def verify(self, acknowledgements: str) -> dict[str, Any]:
        """What this server has, held against what another one acknowledged."""

    def executed(self) -> str:
        """Its transactions, as a GTID set."""

    def lacking(self, gtids: str) -> str:
        """Those of `gtids` that it has not."""

    def clean(self) -> list[str]:
        """Drop what the ledger has made; the schemas."""
