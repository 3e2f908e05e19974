"""CloudFront's edge: one reverse proxy for all distributions, by alias.

Here: which distribution a name belongs to, certificates, behaviours, functions, what of a request goes to the origin,
caching, what a user sees when the origin fails. Not here: signed URLs, compression, geographic rules, edges in many
places (a new distribution is everywhere at once, on AWS it takes minutes).
"""

import fnmatch
import secrets
import socket
import ssl
import string
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lab.services.authority import Authority
from lab.services.edge_function import (
    EdgeFunction,
    FunctionError,
    changed_request,
    request_event,
    response_event,
    response_of,
)
from lab.services.edge_policies import CachePolicy, RequestPolicy, cache_policy, request_policy
from lab.services.http_proxy import Answer, OriginError, Question, ask, without
from lab.services.zones import DISTRIBUTION_TOKEN, Records

FUNCTION_TOKEN = "aws:cloudfront/function:Function"
CERTIFICATE_TOKEN = "aws:acm/certificate:Certificate"
DEFAULT_NAME = "default.cloudfront.net"

Resolve = Callable[[str], str | None]
Connect = Callable[[str, int, float], socket.socket]


@dataclass(frozen=True)
class _Kept:
    answer: Answer
    until: float
    since: float


class CloudFront:
    """`records` gives what the provider keeps. `resolve` and `connect` lead to origins."""

    def __init__(self, records: Records, authority: Authority, resolve: Resolve, connect: Connect) -> None:
        self._records = records
        self._authority = authority
        self._resolve = resolve
        self._connect = connect
        self._trust = ssl.create_default_context(cafile=str(authority.certificate_path))
        self._lock = threading.Lock()
        self._cache: dict[tuple[Any, ...], _Kept] = {}
        self._functions: dict[str, EdgeFunction] = {}

    def stop(self) -> None:
        with self._lock:
            for function in self._functions.values():
                function.stop()
            self._functions.clear()

    def certificate(self, name: str) -> ssl.SSLContext:
        """For a client hello: an alias needs an issued certificate of its distribution that covers it."""
        found = self._distribution(name)
        if found is None:
            return self._authority.context(DEFAULT_NAME)
        record = found[1]
        if name == record["domainName"]:
            return self._authority.context(name)
        given = record.get("viewerCertificate") or {}
        held = self._records(CERTIFICATE_TOKEN).get(str(given.get("acmCertificateArn")))
        if held is not None and covers(held, name):
            return self._authority.context(name)
        return self._authority.context(DEFAULT_NAME)

    def handle(self, question: Question) -> Answer:
        """One request of a user."""
        request_id = "".join(secrets.choice(string.ascii_letters + string.digits + "-_") for _ in range(54)) + "=="
        found = self._distribution(question.host)
        if found is None or not found[1].get("enabled"):
            why = "The request could not be satisfied: no distribution has the name " + (
                question.host or "of the request"
            )
            return _marked(_error(403, why), "Error from cloudfront", request_id)
        identity, record = found
        behaviour = behaviour_of(record, question.path)
        turned = _turned_away(question, behaviour)
        if turned is not None:
            return _marked(
                turned, "Error from cloudfront" if turned.status >= 400 else "Redirect from cloudfront", request_id
            )
        try:
            return self._served(identity, record, behaviour, question, request_id)
        except FunctionError as error:
            return _marked(
                _error(503, f"The CloudFront function failed: {error}"),
                "FunctionExecutionError from cloudfront",
                request_id,
            )

    def _served(
        self,
        identity: str,
        record: Mapping[str, Any],
        behaviour: Mapping[str, Any],
        question: Question,
        request_id: str,
    ) -> Answer:
        event = request_event(question, identity, str(record["domainName"]), request_id)
        before = self._function(behaviour, "viewer-request")
        if before is not None:
            result = before.run(event)
            if "statusCode" in result:  # an answer, and not a request
                return _marked(response_of(result), "FunctionGeneratedResponse from cloudfront", request_id)
            question = changed_request(question, result)
        if question.path == "/" and record.get("defaultRootObject"):
            question = replace(question, path="/" + str(record["defaultRootObject"]).lstrip("/"))
        answer, mark = self._cached(identity, record, behaviour, question, request_id)
        after = self._function(behaviour, "viewer-response")
        if after is not None and answer.status < 400:  # errors skip it [CloudFront guide]
            answer = response_of(after.run(response_event(event, answer)), answer)
            if question.method == "HEAD":
                answer = replace(answer, body=b"")
        return _marked(answer, mark, request_id)

    def _cached(
        self,
        identity: str,
        record: Mapping[str, Any],
        behaviour: Mapping[str, Any],
        question: Question,
        request_id: str,
    ) -> tuple[Answer, str]:
        policy = cache_policy(self._records, behaviour)
        cacheable = question.method in ("GET", "HEAD") and policy.longest > 0
        key = (identity, question.method, question.path, *policy.key(question))
        if cacheable:
            with self._lock:
                kept = self._cache.get(key)
            if kept is not None and time.monotonic() < kept.until:
                age = [("Age", str(int(time.monotonic() - kept.since)))]
                return replace(kept.answer, headers=[*without(kept.answer.headers, "age"), *age]), "Hit from cloudfront"
        answer = self._from_origin(record, behaviour, policy, question, request_id)
        seconds = policy.seconds(answer)
        if cacheable and answer.status in (200, 203, 204, 301, 302, 304, 308) and seconds > 0:
            now = time.monotonic()
            with self._lock:
                self._cache[key] = _Kept(answer, now + seconds, now)
        return answer, "Error from cloudfront" if answer.status >= 400 else "Miss from cloudfront"

    def _from_origin(
        self, record: Mapping[str, Any], behaviour: Mapping[str, Any], policy: CachePolicy, question: Question,
        request_id: str,
    ) -> Answer:  # fmt: skip
        origin = next((one for one in record["origins"] if one["originId"] == behaviour["targetOriginId"]), None)
        if origin is None:
            return _error(502, "the behaviour's origin is an origin group, which the lab does not have")
        passed = request_policy(self._records, behaviour)
        answer = self._fetch(origin, passed, policy, question, request_id)
        for rule in record.get("customErrorResponses") or []:
            if rule["errorCode"] != answer.status or not rule.get("responseCode"):
                continue
            page = replace(question, method="GET", path=str(rule["responsePagePath"]), query="", body=b"")
            shown = self._fetch(origin, passed, policy, page, request_id)
            return replace(shown, status=int(rule["responseCode"])) if shown.status < 400 else answer
        return answer

    def _fetch(
        self, origin: Mapping[str, Any], passed: RequestPolicy, policy: CachePolicy, question: Question, request_id: str
    ) -> Answer:
        headers = passed.headers(question, policy)
        if not any(name.lower() == "host" for name, _ in headers):
            headers.append(("Host", str(origin["domainName"])))
        own = {str(one["name"]).lower(): one for one in origin.get("customHeaders") or []}
        headers = without(headers, *own)  # the distribution's win over the user's
        headers += [(str(one["name"]), str(one["value"])) for one in own.values()]
        headers += [("Via", "1.1 lab.cloudfront.net (CloudFront)"), ("X-Amz-Cf-Id", request_id)]
        before = question.header("x-forwarded-for")
        headers.append(("X-Forwarded-For", f"{before}, {question.client}" if before else question.client))
        query = passed.query(question, policy)
        path = str(origin.get("originPath") or "") + question.path + (f"?{query}" if query else "")
        host = next(value for name, value in headers if name.lower() == "host")
        try:
            connection = self._reach(origin, host)
            return ask(connection, question.method, path, headers, question.body)
        except OriginError as error:
            return _error(504 if error.slow else 502, f"CloudFront could not get an answer from the origin: {error}")

    def _reach(self, origin: Mapping[str, Any], host: str) -> socket.socket:
        """A connection to the origin, by its protocol policy. OriginError."""
        name = str(origin["domainName"])
        config = origin.get("customOriginConfig") or {}
        secure = config.get("originProtocolPolicy", "https-only") != "http-only"
        port = int(config.get("httpsPort") or 443) if secure else int(config.get("httpPort") or 80)
        address = self._resolve(name)
        if not address:
            raise OriginError(f"{name} does not resolve", slow=False)
        seconds = float(origin.get("connectionTimeout") or 10)
        connection = self._attempt(address, port, seconds, int(origin.get("connectionAttempts") or 3))
        connection.settimeout(float(config.get("originReadTimeout") or 30))
        if not secure:
            return connection
        try:
            # "CloudFront verifies that … one of the domain names in the certificate matches" the origin or Host header
            return self._trust.wrap_socket(connection, server_hostname=name if host == name else host)
        except (OSError, ssl.SSLError) as error:
            connection.close()
            raise OriginError(f"no TLS session with {name}: {error}", slow=False) from error

    def _attempt(self, address: str, port: int, seconds: float, attempts: int) -> socket.socket:
        for left in range(attempts - 1, -1, -1):
            try:
                return self._connect(address, port, seconds)
            except TimeoutError as error:
                if not left:
                    raise OriginError(f"no connection to {address}:{port} within {seconds:g} s", slow=True) from error
            except OSError as error:
                if not left:
                    raise OriginError(f"no connection to {address}:{port}: {error}", slow=False) from error
        raise OriginError("no attempt was made", slow=False)

    def _distribution(self, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """By its own name or an alias; an exact alias before a wildcard."""
        wild = "*." + name.partition(".")[2]
        for wanted in (name, wild):
            for identity, record in self._records(DISTRIBUTION_TOKEN).items():
                if wanted == record.get("domainName") or wanted in (record.get("aliases") or ()):
                    return identity, record
        return None

    def _function(self, behaviour: Mapping[str, Any], event: str) -> EdgeFunction | None:
        for one in behaviour.get("functionAssociations") or []:
            if one["eventType"] != event:
                continue
            name = str(one["functionArn"]).rpartition("/")[2]
            record = self._records(FUNCTION_TOKEN).get(name)
            if record is None:
                raise FunctionError(f"there is no function {name}")
            with self._lock:
                running = self._functions.get(name)
                if running is None or running.code != record["code"]:
                    if running is not None:
                        running.stop()
                    self._functions[name] = running = EdgeFunction(str(record["code"]))
                return running
        return None


def covers(certificate: Mapping[str, Any], name: str) -> bool:
    """Whether an issued certificate names it, exactly or by a wildcard of one label."""
    if certificate.get("status") != "ISSUED":
        return False
    names = {str(certificate.get("domainName")), *(certificate.get("subjectAlternativeNames") or ())}
    return name in names or "*." + name.partition(".")[2] in names


def behaviour_of(record: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The first behaviour whose pattern fits, else the default one."""
    for behaviour in record.get("orderedCacheBehaviors") or []:
        pattern = str(behaviour["pathPattern"])
        if fnmatch.fnmatchcase(path, pattern if pattern.startswith(("/", "*")) else f"/{pattern}"):
            found: Mapping[str, Any] = behaviour
            return found
    default: Mapping[str, Any] = record["defaultCacheBehavior"]
    return default


def _turned_away(question: Question, behaviour: Mapping[str, Any]) -> Answer | None:
    if not question.secure and behaviour["viewerProtocolPolicy"] == "redirect-to-https":
        where = f"https://{question.host}{question.path}" + (f"?{question.query}" if question.query else "")
        return Answer(301, [("Location", where)])
    if not question.secure and behaviour["viewerProtocolPolicy"] == "https-only":
        return _error(403, "This distribution takes HTTPS only.")
    if question.method not in behaviour["allowedMethods"]:
        return _error(
            403,
            f"This distribution is not configured to allow the HTTP request method that was used: {question.method}.",
        )
    return None


def _error(status: int, text: str) -> Answer:
    title = "<TITLE>ERROR: The request could not be satisfied</TITLE>"
    body = f"<HTML><HEAD>{title}</HEAD><BODY>{status} ERROR<P>{text}</BODY></HTML>"
    return Answer(status, [("Content-Type", "text/html"), ("Server", "CloudFront")], body.encode())


def _marked(answer: Answer, mark: str, request_id: str) -> Answer:
    own = [
        ("X-Cache", mark),
        ("Via", "1.1 lab.cloudfront.net (CloudFront)"),
        ("X-Amz-Cf-Id", request_id),
        ("X-Amz-Cf-Pop", "LAB50-C1"),
    ]
    return replace(answer, headers=[*without(answer.headers, "x-cache", "via", "x-amz-cf-id", "x-amz-cf-pop"), *own])
