"""Whoever an agent is at each cloud: keys and tokens for its registers, kept until shortly before their end.

Each is asked for with the pod's own service account (workload identity), or with the words of a secret. One try a call:
a register that gets no identity in time has not answered, and the next turn asks again.
"""

import json
import os
import pathlib
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from ..agent import aws
from ..errors import Failed
from .registers import CALL_SECONDS

SPARE_SECONDS = 300
STS = "https://sts.{region}.{suffix}/"
LOGIN = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
STORAGE_SCOPE = "https://storage.azure.com/.default"


class Kept:
    """Something that is asked for again before it ends. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None
        self._until = 0.0

    def _ask(self) -> "tuple[Any, float]":
        """It, and how many seconds it lasts."""
        raise NotImplementedError

    def get(self) -> Any:
        with self._lock:
            now = time.monotonic()
            if now > self._until - SPARE_SECONDS:
                try:
                    self._found, seconds = self._ask()
                except Failed:
                    if now > self._until:
                        raise
                else:
                    self._until = now + seconds
            return self._found


@dataclass
class AwsRole(Kept):
    """Keys of a role that trusts this pod's token (sts:AssumeRoleWithWebIdentity, which is not signed).

    At EKS role and token are named by the pod's environment; elsewhere the document names them.
    """

    region: str
    """Whose STS is asked: the register's own, so that one region that is gone takes one register with it."""
    role: str = ""
    token_file: str = ""
    suffix: str = aws.SUFFIX
    session: str = "twinsite-writer"

    def __post_init__(self) -> None:
        super().__init__()

    def _ask(self) -> "tuple[dict[str, str], float]":
        role = self.role or os.environ.get("AWS_ROLE_ARN", "")
        file = self.token_file or os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")
        if not role or not file:
            raise Failed(
                "nobody said which role of AWS this is: annotate the service account with eks.amazonaws.com/role-arn, "
                "or name role and token_file in the document"
            )
        query = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": self.session,
            "WebIdentityToken": read_token(file),
        }
        place = STS.format(region=self.region, suffix=self.suffix)
        said = _post(place, query, f"{role} is not given to this pod")
        found = said["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"]
        keys = {
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
        }
        return keys, 3600.0


@dataclass
class AzureClient(Kept):
    """A token of an application of Azure's, by its secret."""

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        super().__init__()

    def _ask(self) -> "tuple[str, float]":
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": STORAGE_SCOPE,
        }
        said = _post(LOGIN.format(tenant=self.tenant), form, f"Azure knows no application {self.client_id}")
        return str(said["access_token"]), float(said["expires_in"])


def read_token(file: str) -> str:
    """Of the pod's service account; the kubelet renews it."""
    try:
        return pathlib.Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Failed(f"the service account's token cannot be read: {error}") from error


def _post(url: str, form: "dict[str, str]", why: str) -> "dict[str, Any]":
    body = urllib.parse.urlencode(form).encode()
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    place = url.split("?")[0]
    try:
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(error.read(1000).decode("utf-8", "replace").split())[:300]
        raise Failed(f"{why}: {place}: HTTP {error.code} {said}") from None
    except (OSError, ValueError) as error:
        raise Failed(f"{place} does not answer: {error}") from error
