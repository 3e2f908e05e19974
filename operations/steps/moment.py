"""Moments as operations write them."""

import datetime


def iso(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return (
        datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
