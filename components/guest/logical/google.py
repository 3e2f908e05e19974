"""Google as the job's pod asks it: one call with the pod's own account. Standard library only.

The pod acts as an account of Google's (workload identity): the metadata service gives it a token [GKE, Authenticate to
Google Cloud APIs from GKE workloads].
"""

import json
import urllib.error
import urllib.request

TOKEN = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
CALL_SECONDS = 10.0
ERRORS = (OSError, ValueError, KeyError)
"""What a call ends with when it was no good; `words` has them for a person."""


def post(url: str, body: bytes) -> bytes:
    """JSON, as whoever this pod is. One of ERRORS when it is not taken."""
    token = json.loads(_call(urllib.request.Request(TOKEN, headers={"Metadata-Flavor": "Google"}), proxies=False))
    headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/json"}
    return _call(urllib.request.Request(url, data=body, headers=headers, method="POST"))


def words(error: Exception) -> str:
    """What went wrong, Google's own words where it has said some."""
    if not isinstance(error, urllib.error.HTTPError):
        return f"{type(error).__name__}: {error}"
    with error:
        said = error.read(2000).decode("utf-8", "replace").strip()
    return f"HTTP {error.code} {' '.join(said.split())[:300]}"


def _call(request: urllib.request.Request, proxies: bool = True) -> bytes:
    # The metadata service is never asked through a proxy.
    opener = urllib.request.build_opener(*([] if proxies else [urllib.request.ProxyHandler({})]))
    with opener.open(request, timeout=CALL_SECONDS) as answer:
        content: bytes = answer.read()
    return content
