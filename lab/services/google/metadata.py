"""metadata.google.internal: who a machine, or a pod of GKE, is [Compute Engine, About VM metadata; GKE, About workload
identity federation, "GKE metadata server"].

A pod whose service account names an account of Google's gets that one's token, if it may be it; else its own
principal's. Whose pod asks, the caller of this class knows, by its address.
"""

import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.services.exchange import Exchange, Headers, Listener
from lab.services.google import PROJECT_NUMBER
from lab.services.google.errors import Refusal
from lab.services.google.federation import Lender
from lab.services.google.tokens import CLOUD, LIFETIME_SECONDS, Tokens

NAME, ADDRESS = "metadata.google.internal", "169.254.169.254"
ROOT = "/computeMetadata/v1/"


@dataclass(frozen=True)
class Guest:
    """Who asks. A machine that is no pod's has an `account` and no `workload`."""

    project: str
    account: str = ""
    """E-mail: of the annotation iam.gke.io/gcp-service-account, or the machine's own; "" for none."""
    workload: str = ""
    """NAMESPACE/SERVICE-ACCOUNT of a pod."""


class Keeper:
    """What a guest is told of itself."""

    def __init__(self, tokens: Tokens, lender: Lender) -> None:
        self._tokens, self._lender = tokens, lender

    def said(self, guest: Guest, path: str) -> str | dict[str, Any]:
        """KeyError: there is nothing of that name. Refusal: it may not be who it is to be."""
        own = "instance/service-accounts/default/"
        if path == f"{own}token":
            token, seconds = self._token(guest)
            return {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}
        pool = f"{guest.project}.svc.id.goog"
        known = {
            f"{own}email": guest.account or pool,
            f"{own}scopes": CLOUD,
            "project/project-id": guest.project,
            "project/numeric-project-id": PROJECT_NUMBER,
        }
        return known[path]

    def _token(self, guest: Guest) -> tuple[str, int]:
        scopes, pool = frozenset({CLOUD}), f"{guest.project}.svc.id.goog"
        if not guest.workload:
            if not guest.account:
                raise KeyError("no account")
            return self._tokens.issue(f"serviceAccount:{guest.account}", scopes)
        if guest.account:
            member = f"serviceAccount:{pool}[{guest.workload}]"
            return self._lender.lend(member, guest.account, scopes, LIFETIME_SECONDS)
        namespace, _, name = guest.workload.partition("/")
        place = f"projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/{pool}"
        member = f"principal://iam.googleapis.com/{place}/subject/ns/{namespace}/sa/{name}"
        return self._tokens.issue(member, scopes)


class Metadata(Listener):
    """One network's, or one node's. `whose` gives who asks, by the address; None for nobody that is known."""

    def __init__(
        self, listening: socket.socket, whose: Callable[[str], Guest | None], keeper: Keeper, log: Any = sys.stderr
    ) -> None:
        super().__init__(listening, Handler, log)
        self.whose, self.keeper = whose, keeper


class Handler(Exchange):
    """One connection."""

    server: Metadata
    timeout = 120

    def do_GET(self) -> None:
        guest = self.server.whose(self.client_address[0])
        if self.headers.get("Metadata-Flavor") != "Google":
            # A page that a browser or an open proxy was made to fetch has no such header.
            self._say(403, "Missing Metadata-Flavor:Google header.")
            return
        path = self.path.partition("?")[0].removeprefix(ROOT)
        try:
            if guest is None or not self.path.startswith(ROOT):
                raise KeyError(path)
            self._say(200, self.server.keeper.said(guest, path))
        except KeyError:
            self._say(404, f"The requested URL {self.path} was not found on this server.")
        except Refusal as refusal:
            words = f"Unable to generate access token; IAM returned {refusal.status} Forbidden: {refusal.message}"
            self._say(refusal.status, words)

    def _say(self, status: int, found: str | dict[str, Any]) -> None:
        kind, body = ("text", found) if isinstance(found, str) else ("json", json.dumps(found))
        headers: Headers = [("Metadata-Flavor", "Google"), ("Server", "GKE Metadata Server")]
        kind = "application/json" if kind == "json" else "application/text"
        self.answer(status, [("Content-Type", kind), *headers], body.encode())
