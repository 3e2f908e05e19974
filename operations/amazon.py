"""AWS as doctor and status ask it: read-only calls by boto3, with the credentials that Pulumi's provider would take.

Threads: a session is no client, and clients are made one at a time (boto3's sessions are not made for more).
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .unanswered import CouldNotAsk, NoAnswer

LOG_IN = (
    "log in to AWS: `aws configure sso` once and `aws sso login`, then AWS_PROFILE or "
    "`pulumi config set aws:profile NAME`; or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation"}
_LOGIN = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
          "SignatureDoesNotMatch", "AuthFailure", "RequestExpired", "InvalidAccessKeyId"}  # fmt: skip


LATER = {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
         "RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "PriorRequestNotComplete", "RequestTimeout",
         "RequestTimeoutException", "ServiceUnavailable", "InternalFailure", "InternalError", "500", "502", "503",
         "504"}  # fmt: skip
"""Codes of AWS's that are about the moment and not about the question [botocore, retries/standard.py]."""


class Refused(CouldNotAsk):
    """AWS answered with an error, which may mean something to the question. `code` is AWS's own word."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        super().__init__(words)


class Amazon(Protocol):
    """What questions ask through."""

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        """One call, first page. CouldNotAsk without credentials, network or right; Refused for other errors."""


class Boto:
    """The real one."""

    def __init__(self, region: str, profile: str = "") -> None:
        self._region, self._profile = region, profile
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None
        self._problem: CouldNotAsk | None = None

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        try:
            import botocore.exceptions as errors  # type: ignore[import-untyped]
            from botocore import xform_name
        except ImportError:
            raise CouldNotAsk("boto3 is not installed here", "`pip install 'twinsite[accounts]'`") from None
        try:
            client = self._client(service, region or self._region)
            found: Mapping[str, Any] = getattr(client, xform_name(operation))(**given)
            return found
        except errors.ClientError as error:
            raise _refusal(f"{service}:{operation}", error.response.get("Error") or {}) from None
        except (errors.ProfileNotFound, errors.NoCredentialsError, errors.PartialCredentialsError) as error:
            raise CouldNotAsk(_sentence(error), LOG_IN) from None
        except errors.BotoCoreError as error:
            if "SSO" in type(error).__name__ or "Token" in type(error).__name__ or "Credential" in type(error).__name__:
                raise CouldNotAsk(_sentence(error), LOG_IN) from None
            heard = not isinstance(error, (errors.HTTPClientError, errors.ConnectionError))
            words = f"AWS does not answer: {_sentence(error)}"
            raise (CouldNotAsk if heard else NoAnswer)(words, "look at your own network") from None

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if self._problem is not None:
                raise self._problem
            if (service, region) not in self._clients:
                import boto3  # type: ignore[import-untyped]
                from botocore.config import Config  # type: ignore[import-untyped]

                if self._session is None:
                    self._session = boto3.Session(profile_name=self._profile or None)
                if self._session.get_credentials() is None:
                    self._problem = CouldNotAsk("there are no credentials for AWS here", LOG_IN)
                    raise self._problem
                config = Config(
                    connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 2}
                )
                self._clients[service, region] = self._session.client(service, region_name=region, config=config)
            return self._clients[service, region]


def _refusal(call: str, error: Mapping[str, Any]) -> Exception:
    code, words = str(error.get("Code") or ""), str(error.get("Message") or "")
    if code in _DENIED:
        return CouldNotAsk(
            f"you may not ask it: {call} is refused", "have policies/aws/doctor.json attached to whom you are"
        )
    if code in _LOGIN:
        return CouldNotAsk(f"AWS does not take the credentials here ({code}: {words})", LOG_IN)
    return Refused(code, f"{call}: {code}: {words}")


def _sentence(error: Exception) -> str:
    return str(error).strip().rstrip(".")


def pages(aws: Amazon, service: str, operation: str, key: str, most: int = 20, **given: Any) -> Sequence[Any]:
    """Items of every page; `key` is where they are. NextToken is what all calls have that are asked so."""
    found: list[Any] = []
    for _ in range(most):
        page = aws.ask(service, operation, **given)
        found += page.get(key) or []
        if not page.get("NextToken"):
            return found
        given = {**given, "NextToken": page["NextToken"]}
    raise CouldNotAsk(f"{service}:{operation} has more than {most} pages")
