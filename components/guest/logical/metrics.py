"""What a look found, as metrics of Google's Cloud Monitoring, where GcpAlarms watches them. Standard library only.

The pod acts as an account of Google's (workload identity): the metadata service gives it a token [GKE, Authenticate to
Google Cloud APIs from GKE workloads].
"""

import datetime
import json
import urllib.error
import urllib.request
from typing import Any

TOKEN = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
SERIES = "https://monitoring.googleapis.com/v3/projects/{project}/timeSeries"
KIND = "custom.googleapis.com/twinsite/{name}"
CALL_SECONDS = 10.0


def values(found: "dict[str, Any]") -> "dict[str, float]":
    """Metric -> value, of what is known; what is not known is left out, and its silence pages. Pure.

    Of a heartbeat that did not come the age of the newest that did counts."""
    lag, slot = found.get("lag") or {}, found.get("slot") or {}
    seconds = lag.get("newest_seconds") if lag.get("seconds") is None else lag["seconds"]
    named = {"replication_lag_seconds": seconds, "slot_retained_bytes": slot.get("held_bytes")}
    return {name: float(value) for name, value in named.items() if value is not None}


def write(project: str, found: "dict[str, Any]") -> "list[str]":
    """Problems; none when Google has taken what is known."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    series = [
        {
            "metric": {"type": KIND.format(name=name)},
            "resource": {"type": "global", "labels": {"project_id": project}},
            "points": [{"interval": {"endTime": now}, "value": {"doubleValue": value}}],
        }
        for name, value in values(found).items()
    ]
    if not series:
        return []
    try:
        token = json.loads(_call(urllib.request.Request(TOKEN, headers={"Metadata-Flavor": "Google"}), proxies=False))
        headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/json"}
        body = json.dumps({"timeSeries": series}).encode()
        _call(urllib.request.Request(SERIES.format(project=project), data=body, headers=headers, method="POST"))
    except (OSError, ValueError, KeyError) as error:
        return [
            f"Cloud Monitoring of project {project} was not told of this look ({_words(error)}): its alarms take that "
            "for silence; the job's account needs roles/monitoring.metricWriter there"
        ]
    return []


def _call(request: urllib.request.Request, proxies: bool = True) -> bytes:
    # The metadata service is never asked through a proxy.
    opener = urllib.request.build_opener(*([] if proxies else [urllib.request.ProxyHandler({})]))
    with opener.open(request, timeout=CALL_SECONDS) as answer:
        content: bytes = answer.read()
    return content


def _words(error: Exception) -> str:
    if not isinstance(error, urllib.error.HTTPError):
        return f"{type(error).__name__}: {error}"
    with error:
        said = error.read(2000).decode("utf-8", "replace").strip()
    return f"HTTP {error.code} {' '.join(said.split())[:300]}"
