"""The lab's Google behind the lab's front, at its real host names over TLS, for clients in this process."""

import contextlib
import functools
import io
import os
import socket
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.services.api import Api
from lab.services.authority import Authority
from lab.services.credentials import Register, operator_credentials
from lab.services.front import Front, serve
from lab.services.google import Operator
from lab.services.google.cloud import GoogleCloud
from lab.services.google.federation import ACCOUNT
from lab.services.google.objects import BUCKET
from lab.services.google.rights import OF_ACCOUNT, OF_BUCKET, OF_PROJECT
from lab.services.signer import Signer
from operations import google, https

PROJECT = "example-dr"
LONG_AGO = time.time() - 3600
_new_operator, _new_issuer = functools.cache(Operator.new), functools.cache(Signer)
"""Making a key takes a tenth of a second or more."""


class World:
    """Records of a daemon's, Google on them, and an operator with a key."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.records: dict[str, dict[str, Any]] = {"lab:google:project": {PROJECT: {}}}
        self.operator, self.issuer = _new_operator(), _new_issuer()
        self.cloud = GoogleCloud(
            self.operator, lambda token: dict(self.records.get(token, {})), self.put, self.issuer, **more
        )
        self.key = folder / "key.json"
        self.key.write_text(self.operator.file())

    def put(self, token: str, identity: str, record: Any) -> None:
        self.records.setdefault(token, {})[identity] = record

    def bucket(self, name: str, **said: Any) -> None:
        self.put(BUCKET, name, {"name": name, "project": PROJECT, "timeCreated": "2026-11-30T00:00:00Z", **said})

    def account(self, name: str) -> str:
        """E-mail of a new service account."""
        email = f"{name}@{PROJECT}.iam.gserviceaccount.com"
        self.put(ACCOUNT, f"projects/{PROJECT}/serviceAccounts/{email}", {"email": email, "project": PROJECT})
        return email

    def grant(self, role: str, member: str, made: float = LONG_AGO, expression: str = "", **place: str) -> None:
        """Of a `bucket`, an `account` or, with neither, the project."""
        condition = {"title": "t", "expression": expression} if expression else None
        record: dict[str, Any] = {"role": role, "member": member, "__made": made, "condition": condition}
        if "bucket" in place:
            self.put(OF_BUCKET, f"{place['bucket']}/{role}/{member}", {**record, "bucket": place["bucket"]})
        elif "account" in place:
            name = f"projects/{PROJECT}/serviceAccounts/{place['account']}"
            self.put(OF_ACCOUNT, f"{name}/{role}/{member}", {**record, "serviceAccountId": name})
        else:
            self.put(OF_PROJECT, f"{PROJECT}/{role}/{member}", {**record, "project": PROJECT})

    def identity(self) -> google.Identity:
        """The operator's."""
        return google.Identity(environment={"GOOGLE_APPLICATION_CREDENTIALS": str(self.key)})

    def api(self) -> google.Api:
        return google.Api(self.identity(), 5.0)

    def token(self, member: str, *scopes: str) -> str:
        """One that somebody has."""
        wanted = frozenset(scopes or ("https://www.googleapis.com/auth/cloud-platform",))
        return self.cloud.tokens.issue(member, wanted)[0]


@contextlib.contextmanager
def at_real_names(apis: Sequence[Api], folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Front]:
    """Whatever this process connects to by a name is the lab's front, whose authority it trusts alone."""
    authority = Authority(folder / "ca")
    listening = socket.create_server(("127.0.0.1", 0))
    register = Register(operator_credentials())
    front = Front(listening, authority, register, {}.get, folder / "none", apis, log=io.StringIO())
    serve(front)
    real, port = socket.getaddrinfo, listening.getsockname()[1]

    def resolved(host: Any, *given: Any, **more: Any) -> Any:
        if host in ("127.0.0.1", "localhost"):
            return real(host, *given, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    patch.setattr(socket, "getaddrinfo", resolved)
    patch.setitem(os.environ, "SSL_CERT_FILE", str(authority.certificate_path))
    patch.setattr(https, "_OPENER", urllib.request.build_opener(https._Stay))
    try:
        yield front
    finally:
        front.shutdown()
        front.server_close()
