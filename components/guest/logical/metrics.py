"""What a look found, as metrics of Google's Cloud Monitoring, where GcpAlarms watches them. Standard library only."""

import datetime
import json
from typing import Any

from . import google

SERIES = "https://monitoring.googleapis.com/v3/projects/{project}/timeSeries"
KIND = "custom.googleapis.com/twinsite/{flow}/{name}"
"""With the flow's name: a project may have more of them."""


def values(found: "dict[str, Any]") -> "dict[str, float]":
    """Metric -> value, of what is known; what is not known is left out, and its silence pages. Pure.

    Of a heartbeat that did not come the age of the newest that did counts."""
    lag, slot = found.get("lag") or {}, found.get("slot") or {}
    seconds = lag.get("newest_seconds") if lag.get("seconds") is None else lag["seconds"]
    named = {"replication_lag_seconds": seconds, "slot_retained_bytes": slot.get("held_bytes")}
    return {name: float(value) for name, value in named.items() if value is not None}


def write(project: str, flow: str, found: "dict[str, Any]") -> "list[str]":
    """Problems; none when Google has taken what is known."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    series = [
        {
            "metric": {"type": KIND.format(flow=flow, name=name)},
            "resource": {"type": "global", "labels": {"project_id": project}},
            "points": [{"interval": {"endTime": now}, "value": {"doubleValue": value}}],
        }
        for name, value in values(found).items()
    ]
    if not series:
        return []
    try:
        google.post(SERIES.format(project=project), json.dumps({"timeSeries": series}).encode())
    except google.ERRORS as error:
        return [
            f"Cloud Monitoring of project {project} was not told of this look ({google.words(error)}): its alarms take "
            "that for silence; the job's account needs roles/monitoring.metricWriter there"
        ]
    return []
