"""Google Cloud as the operator reaches it: tokens of the operator's own identity, and calls. No SDK.

The identity is the one that Pulumi's provider would take: GOOGLE_OAUTH_ACCESS_TOKEN, else GOOGLE_CREDENTIALS, else
Application Default Credentials (GOOGLE_APPLICATION_CREDENTIALS, or what `gcloud auth application-default login` wrote);
where there are none, whoever is logged in to gcloud. Credentials of kinds that are not read here (a federated or
impersonated identity) are gcloud's to turn into a token.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import https
from .unanswered import CouldNotAsk

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_SERVICE = "oauth2"
GCLOUD_SECONDS = 20.0
MARGIN_SECONDS = 300.0
"""A token is renewed this long before it ends."""
PROBLEM_SECONDS = 20.0
"""So long a desk without a token is not asked again."""
MOST_PAGES = 50
LOG_IN = (
    "`gcloud auth application-default login`; or set GOOGLE_APPLICATION_CREDENTIALS to the file of a service "
    "account's key"
)
NETWORK = "look at your own network first, then at status.cloud.google.com"
NO_IDENTITY = "NoIdentity"
"""Our word for a desk that has none to call with."""
NO_ANSWER = "NoAnswer"
"""Our word for a call that nobody answered."""

DISABLED = ("SERVICE_DISABLED", "accessNotConfigured")
NOT_RIGHTS = ("USER_PROJECT_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "RATE_LIMIT_EXCEEDED")


class GoogleError(CouldNotAsk):
    """A call failed. `status` is its HTTP status, 0 when there was no answer; `code` is Google's own word for it."""

    def __init__(self, words: str, fix: str = "", status: int = 0, code: str = "") -> None:
        self.status, self.code = status, code
        super().__init__(words, fix)

    @property
    def is_about_rights(self) -> bool:
        """Whether a right is lacking, and not an API, a scope or somebody who pays."""
        return self.status == 403 and self.code not in (*DISABLED, *NOT_RIGHTS)

    @property
    def sentence(self) -> str:
        """What happened, and what to do."""
        return f"{self.words}: {self.fix}" if self.fix else self.words


@dataclass(frozen=True)
class Endpoints:
    """Where Google answers."""

    host: str = "https://{service}.googleapis.com"

    def url(self, service: str, path: str, query: Mapping[str, Any] | None = None) -> str:
        """`path` is quoted already where it needs to be."""
        given = f"?{urllib.parse.urlencode(query, doseq=True)}" if query else ""
        return f"{self.host.format(service=service)}/{path}{given}"


class Identity:
    """The operator's token, kept until shortly before it ends. Any number of threads; asked for once at a time."""

    def __init__(self, endpoints: Endpoints | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.endpoints = endpoints or Endpoints()
        self._environment = os.environ if environment is None else environment
        self._lock = threading.Lock()
        self._kept: tuple[str, float] = ("", 0.0)
        self._problem: tuple[GoogleError, float] | None = None
        """Why there was none, and until when nobody is asked again."""

    def headers(self) -> dict[str, str]:
        """Of a call. GoogleError says how to log in."""
        quota = self._environment.get("GOOGLE_CLOUD_QUOTA_PROJECT") or self._file().get("quota_project_id")
        paid = {"X-Goog-User-Project": str(quota)} if quota else {}
        return {"Authorization": f"Bearer {self.token()}", **paid}

    def token(self) -> str:
        """A bearer token. A desk that has none is asked for it once, and not by each of a dozen calls; later again, as
        a failover outlives a network's blink. A token that holds is used while none is to be had."""
        with self._lock:
            token, until = self._kept
            if until - MARGIN_SECONDS >= time.time():
                return token
            problem, quiet = self._problem or (None, 0.0)
            if problem is None or time.monotonic() >= quiet:
                try:
                    self._kept, self._problem = self._new(), None
                    return self._kept[0]
                except GoogleError as said:
                    problem = said
                    self._problem = problem, time.monotonic() + PROBLEM_SECONDS
            if until > time.time():
                return token
            raise problem

    def _new(self) -> tuple[str, float]:
        """(token, when it ends)."""
        given = self._environment.get("GOOGLE_OAUTH_ACCESS_TOKEN", "")
        if given:
            return given.strip(), float("inf")
        known = self._file()
        kind = known.get("type", "")
        if kind == "authorized_user":
            return self._granted(
                {
                    "grant_type": "refresh_token",
                    "client_id": str(known["client_id"]),
                    "client_secret": str(known["client_secret"]),
                    "refresh_token": str(known["refresh_token"]),
                },
            )
        if kind == "service_account":
            audience = str(known.get("token_uri") or self.endpoints.url(TOKEN_SERVICE, "token"))
            grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
            return self._granted({"grant_type": grant, "assertion": _assertion(known, audience)}, audience)
        return _from_gcloud(["application-default"] if known else [], self._environment)

    def _file(self) -> dict[str, Any]:
        """Application Default Credentials; empty when there are none."""
        inline = self._environment.get("GOOGLE_CREDENTIALS", "")
        if inline.lstrip().startswith("{"):
            return _parsed(inline, "GOOGLE_CREDENTIALS")
        told = inline or self._environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        home = self._environment.get("CLOUDSDK_CONFIG") or str(
            pathlib.Path(self._environment.get("HOME", "/")) / ".config" / "gcloud"
        )
        path = pathlib.Path(told or pathlib.Path(home) / "application_default_credentials.json")
        if not told and not path.exists():
            return {}
        try:
            return _parsed(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise GoogleError(f"{path} cannot be read: {error.strerror}", LOG_IN, code=NO_IDENTITY) from None

    def _granted(self, form: Mapping[str, str], url: str = "") -> tuple[str, float]:
        url = url or self.endpoints.url(TOKEN_SERVICE, "token")
        try:
            answer = https.call(
                "POST",
                url,
                {"Content-Type": "application/x-www-form-urlencoded"},
                urllib.parse.urlencode(form).encode(),
            )
        except https.NoAnswer as problem:
            raise GoogleError(str(problem), problem.fix or NETWORK, code=NO_ANSWER) from None
        found = _object(answer.body)
        if answer.status >= 300:
            why = str(
                found.get("error_description") or found.get("error") or answer.body[:200].decode("utf-8", "replace")
            )
            raise GoogleError(
                f"Google gives no token: {why}", LOG_IN, answer.status, str(found.get("error") or NO_IDENTITY)
            )
        return str(found["access_token"]), time.time() + float(found["expires_in"])


def _parsed(text: str, where: str) -> dict[str, Any]:
    found = _object(text.encode())
    if not found:
        raise GoogleError(f"{where} holds no credentials", LOG_IN, code=NO_IDENTITY)
    return found


def _object(body: bytes) -> dict[str, Any]:
    """Empty when it is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _assertion(known: Mapping[str, Any], audience: str) -> str:
    """A service account's own word, signed [RFC 7523; Google, Using OAuth 2.0 for Server to Server Applications]."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = serialization.load_pem_private_key(str(known["private_key"]).encode(), None)
    except (KeyError, ValueError) as error:
        raise GoogleError(f"the service account's file has no key that can be read: {error}", LOG_IN) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise GoogleError("the service account's key is no RSA key", LOG_IN)
    now = int(time.time())
    head = {"alg": "RS256", "typ": "JWT", "kid": known.get("private_key_id", "")}
    claims = {"iss": known["client_email"], "scope": SCOPE, "aud": audience, "iat": now, "exp": now + 3600}
    text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
    return f"{text}.{_encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _from_gcloud(kind: Sequence[str], environment: Mapping[str, str]) -> tuple[str, float]:
    """Whoever is logged in to gcloud. It does not say when the token ends: it is at least as fresh as its own."""
    if shutil.which("gcloud", path=environment.get("PATH", "")) is None:
        raise GoogleError("there is no identity for Google here", LOG_IN, code=NO_IDENTITY)
    command = ["gcloud", "auth", *kind, "print-access-token", "--quiet"]
    shown = " ".join(command[:-1])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=GCLOUD_SECONDS, check=False, env=dict(environment)
        )
    except subprocess.TimeoutExpired:
        raise GoogleError(f"`{shown}` did not answer within {GCLOUD_SECONDS:g} s", LOG_IN, code=NO_IDENTITY) from None
    if done.returncode or not done.stdout.strip():
        raise GoogleError(f"`{shown}`: {_first_sentence(done.stderr)}", LOG_IN, code=NO_IDENTITY)
    # gcloud renews a token that has less than five minutes left; for as long it is kept here.
    return done.stdout.strip(), time.time() + 2 * MARGIN_SECONDS


def _first_sentence(said: str) -> str:
    """Of what gcloud says went wrong: what follows it is advice of its own, over several lines."""
    lines = [line for line in said.splitlines() if line.strip()]
    wrong = next((line for line in lines if line.startswith("ERROR:")), (lines or ["no reason given"])[-1])
    return re.sub(r"^ERROR: (\([\w.-]+\) )?", "", wrong).partition(". ")[0].rstrip(".")[:200]


class Google(Protocol):
    """What questions ask through. `service` is the name before .googleapis.com."""

    def get(self, service: str, path: str, **query: Any) -> Mapping[str, Any]:
        """GET. GoogleError of whatever went wrong; its status is 404 when there is no such thing."""

    def post(self, service: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST of a question that changes nothing."""

    def patch(self, service: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """PATCH: what `body` names is changed, and nothing else."""


class Api:
    """The real one. Any number of threads. `seconds` is for all tries of one call."""

    def __init__(self, identity: Identity, seconds: float = https.CALL_SECONDS) -> None:
        self.identity, self._seconds = identity, seconds

    def get(self, service: str, path: str, **query: Any) -> Mapping[str, Any]:
        url = self.identity.endpoints.url(service, path, query)
        return answered(url, self.call("GET", url))

    def post(self, service: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._told("POST", service, path, body)

    def patch(self, service: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._told("PATCH", service, path, body)

    def _told(self, method: str, service: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        url = self.identity.endpoints.url(service, path)
        return answered(url, self.call(method, url, json.dumps(body).encode(), "application/json"))

    def call(
        self, method: str, url: str, body: bytes | None = None, kind: str = "", fine: Sequence[int] = ()
    ) -> https.Answer:
        """The answer when it is well, or of a status that is `fine`. GoogleError otherwise."""
        headers = self.identity.headers() | ({"Content-Type": kind} if kind else {})
        try:
            answer = https.call(method, url, headers, body, self._seconds)
        except https.NoAnswer as problem:
            raise GoogleError(str(problem), problem.fix or NETWORK, code=NO_ANSWER) from None
        if answer.status < 300 or answer.status in fine:
            return answer
        raise failed(urllib.parse.urlsplit(url).netloc, answer)


def answered(url: str, answer: https.Answer) -> Mapping[str, Any]:
    """What Google says. GoogleError when it is no JSON: a page of a proxy's would pass for an empty list. Pure."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        host, said = urllib.parse.urlsplit(url).netloc, answer.body[:200].decode("utf-8", "replace")
        raise GoogleError(f"{host} answers {answer.status} with what is not Google's: {said!r}", NETWORK)
    return found


def failed(host: str, answer: https.Answer) -> GoogleError:
    """The error of an answer, with what mends it. Pure. Shapes: google.rpc.Status with an ErrorInfo among its details,
    and the older one with a list `errors` [Google Cloud APIs, Errors]."""
    error = _object(answer.body).get("error")
    error = error if isinstance(error, dict) else {}
    text = answer.body[:300].decode("utf-8", "replace")
    message = " ".join(str(error.get("message") or text or "no reason given").split())
    info = next((one for one in error.get("details") or [] if isinstance(one, dict) and one.get("reason")), {})
    older = next((one for one in error.get("errors") or [] if isinstance(one, dict)), {})
    code = str(info.get("reason") or older.get("reason") or error.get("status") or "")
    about = info.get("metadata") if isinstance(info.get("metadata"), dict) else {}
    words = f"{host} says {answer.status}{f' {code}' if code else ''}: {message[:300]}"
    return GoogleError(words, _fix(answer.status, code, message, about or {}, host), answer.status, code)


def _fix(status: int, code: str, message: str, about: Mapping[str, Any], host: str) -> str:
    if status == 401:
        return f"{LOG_IN}; GOOGLE_OAUTH_ACCESS_TOKEN goes before both and ends after an hour: unset it"
    if code in DISABLED:
        service, consumer = str(about.get("service") or host), str(about.get("consumer") or "projects/PROJECT")
        return (
            f"`gcloud services enable {service} --project {consumer.rpartition('/')[2]}`, and ask again after some "
            "minutes"
        )
    if code == "USER_PROJECT_DENIED" or "quota project" in message:
        return (
            "`gcloud auth application-default set-quota-project PROJECT`, a project in which you have "
            "serviceusage.services.use"
        )
    if code == "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
        return f"the token is not for {SCOPE}: {LOG_IN}"
    if code == "RATE_LIMIT_EXCEEDED" or status == 429:
        return "it is asked too often, by whomever: wait a minute and ask again"
    if "quota to satisfy request" in message:  # GKE's, as 403 PERMISSION_DENIED
        return (
            "it is no right that is lacking: end what uses that quota, or ask for more of it at "
            "console.cloud.google.com/iam-admin/quotas; `twinsite doctor` says what the stack needs"
        )
    if status == 403:
        right = f"{about['permission']} " if about.get("permission") else ""
        return (
            f"have a role with {right or 'what the message names '}in that project: `twinsite doctor --policies "
            "FOLDER` writes them; `gcloud iam roles create NAME --project PROJECT --file FILE`, `gcloud projects "
            "add-iam-policy-binding PROJECT --member user:YOU --role projects/PROJECT/roles/NAME`"
        )
    if status >= 500:
        return "it answers, so your network is well: ask again, or see status.cloud.google.com"
    return ""


def items(asked: Google, service: str, path: str, key: str, **query: Any) -> list[Any]:
    """Items of all pages; `key` is where they are."""
    found: list[Any] = []
    for _ in range(MOST_PAGES):
        page = asked.get(service, path, **query)
        found += page.get(key) or []
        if not page.get("nextPageToken"):
            return found
        query = {**query, "pageToken": page["nextPageToken"]}
    raise GoogleError(f"{path} has more than {MOST_PAGES} pages")
