"""`ReplicationTaskSettings`: what the task was told, over what DMS takes when nobody says [user guide]."""

import json
from collections.abc import Mapping
from typing import Any

from .shapes import Fatal

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "TargetMetadata": {
        "SupportLobs": True, "FullLobMode": False, "LimitedSizeLobMode": True, "LobMaxSize": 32, "LobChunkSize": 64,
    },
    "FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE", "CommitRate": 10000},
    "Logging": {"EnableLogging": False},
    "ControlTablesSettings": {
        "ControlSchema": "", "StatusTableEnabled": False, "SuspendedTablesTableEnabled": False,
    },
    "ValidationSettings": {"EnableValidation": False},
    "ErrorBehavior": {
        "DataErrorPolicy": "LOG_ERROR", "TableErrorPolicy": "SUSPEND_TABLE",
        "ApplyErrorInsertPolicy": "LOG_ERROR", "ApplyErrorUpdatePolicy": "LOG_ERROR",
        "ApplyErrorDeletePolicy": "IGNORE_RECORD",
        "RecoverableErrorCount": -1, "RecoverableErrorInterval": 5, "RecoverableErrorThrottling": True,
        "RecoverableErrorThrottlingMax": 1800, "RecoverableErrorStopRetryAfterThrottlingMax": True,
    },
    "ChangeProcessingDdlHandlingPolicy": {
        "HandleSourceTableDropped": True, "HandleSourceTableTruncated": True, "HandleSourceTableAltered": True,
    },
}  # fmt: skip


_TRIES = 6
"""What the user guide says of RecoverableErrorCount -1; later editions have nine for some errors."""


class Settings:
    """Of one task."""

    def __init__(self, text: str) -> None:
        said = json.loads(text or "{}")
        self._all = {section: {**known, **(said.get(section) or {})} for section, known in DEFAULTS.items()}

    @property
    def document(self) -> dict[str, Any]:
        """Whole, as DMS gives it back."""
        return self._all

    def __call__(self, path: str) -> Any:
        """By `Section.Key`."""
        section, _, key = path.partition(".")
        return self._all[section][key]

    @property
    def lob_bytes(self) -> int:
        """What is longer is cut off; -1 where nothing is."""
        limited = self("TargetMetadata.LimitedSizeLobMode") and not self("TargetMetadata.FullLobMode")
        return self("TargetMetadata.LobMaxSize") * 1024 if limited else -1

    def wait(self, tries: int) -> float:
        """Seconds before the next try after `tries` in vain. Fatal when there is none."""
        most = self("ErrorBehavior.RecoverableErrorCount")
        if tries > (most if most >= 0 else _TRIES):
            raise Fatal(f"gave up after {tries - 1} tries")
        seconds = float(self("ErrorBehavior.RecoverableErrorInterval"))
        if not self("ErrorBehavior.RecoverableErrorThrottling"):
            return seconds
        longest = self("ErrorBehavior.RecoverableErrorThrottlingMax")
        # 2 ** 30 s is beyond any maximum.
        seconds *= 2 ** min(tries - 1, 30)
        if seconds > longest and self("ErrorBehavior.RecoverableErrorStopRetryAfterThrottlingMax"):
            raise Fatal(f"gave up, since the next try would be after more than {longest} s")
        return float(min(seconds, longest))
