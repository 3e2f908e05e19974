"""CloudFront's cache and origin request policies: what is part of a cache key, how long, and what an origin gets."""

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.services.exchange import HOP_BY_HOP, Headers
from lab.services.http_proxy import Answer, Question
from lab.services.zones import Records

CACHE_TOKEN = "aws:cloudfront/cachePolicy:CachePolicy"
REQUEST_TOKEN = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"


_ALWAYS = ("content-type", "range", "if-none-match", "if-modified-since", "origin")


@dataclass(frozen=True)
class Choice:
    """Which headers, cookies or query strings. `all_but` takes everything except `names`."""

    all_but: bool = False
    names: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        return (name.lower() in self.names) != self.all_but


NONE, ALL = Choice(), Choice(all_but=True)


@dataclass(frozen=True)
class CachePolicy:
    """Seconds, and what requests must share to share an answer."""

    shortest: int = 0
    usual: int = 86400
    longest: int = 31536000
    headers: Choice = NONE
    cookies: Choice = NONE
    queries: Choice = NONE

    def key(self, question: Question) -> tuple[Any, ...]:
        return (
            tuple(sorted((name.lower(), value) for name, value in question.headers if self.headers.takes(name))),
            tuple(sorted(pair for pair in _cookies(question) if self.cookies.takes(pair[0]))),
            tuple(pair for pair in _queries(question) if self.queries.takes(pair[0])),
        )

    def seconds(self, answer: Answer) -> int:
        """How long an answer may be kept: what the origin says, within the policy's bounds."""
        said = answer.header("cache-control").lower()
        if re.search(r"no-store|no-cache|private", said):
            return self.shortest
        found = re.search(r"s-maxage=(\d+)", said) or re.search(r"max-age=(\d+)", said)
        wanted = int(found[1]) if found else self.usual
        return max(self.shortest, min(wanted, self.longest))


@dataclass(frozen=True)
class RequestPolicy:
    """What goes to the origin beyond the cache key."""

    header_choice: Choice = NONE
    cookies: Choice = NONE
    queries: Choice = NONE
    added: tuple[str, ...] = field(default=())

    def headers(self, question: Question, policy: CachePolicy) -> Headers:
        """A request's headers for the origin. CloudFront's own User-Agent unless the user's is asked for."""
        kept: Headers = []
        for name, value in question.headers:
            low = name.lower()
            if low in HOP_BY_HOP or low in ("cookie", "content-length", "x-forwarded-for"):
                continue
            if low in _ALWAYS or self.header_choice.takes(low) or policy.headers.takes(low):
                kept.append((name, value))
        if not any(name.lower() == "user-agent" for name, _ in kept):
            kept.append(("User-Agent", "Amazon CloudFront"))
        cookies = [
            f"{name}={value}"
            for name, value in _cookies(question)
            if self.cookies.takes(name) or policy.cookies.takes(name)
        ]
        return [*kept, ("Cookie", "; ".join(cookies))] if cookies else kept

    def query(self, question: Question, policy: CachePolicy) -> str:
        if self.queries == ALL or policy.queries == ALL:
            return question.query
        pairs = [one for one in _queries(question) if self.queries.takes(one[0]) or policy.queries.takes(one[0])]
        return urllib.parse.urlencode(pairs)


MANAGED_CACHE = {
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": CachePolicy(0, 0, 0),  # CachingDisabled
    "658327ea-f89d-4fab-a63d-7e88639e58f6": CachePolicy(1, 86400, 31536000),  # CachingOptimized
}
MANAGED_REQUEST = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": RequestPolicy(ALL, ALL, ALL),  # AllViewer
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": RequestPolicy(Choice(True, frozenset({"host"})), ALL, ALL),
    # ^ AllViewerExceptHostHeader
}
"""[CloudFront guide, 'Use managed cache policies', 'Use managed origin request policies']"""


def cache_policy(records: Records, behaviour: Mapping[str, Any]) -> CachePolicy:
    """The behaviour's policy; old-style `forwardedValues` and TTLs when it names none."""
    identity = str(behaviour.get("cachePolicyId") or "")
    if identity in MANAGED_CACHE:
        return MANAGED_CACHE[identity]
    record = records(CACHE_TOKEN).get(identity)
    if record is None:
        return _old_style(behaviour)
    parts = record["parametersInCacheKeyAndForwardedToOrigin"]
    return CachePolicy(
        shortest=int(record.get("minTtl") or 0),
        usual=int(record.get("defaultTtl", 86400)),
        longest=int(record.get("maxTtl", 31536000)),
        headers=_choice(parts["headersConfig"], "headerBehavior", "headers"),
        cookies=_choice(parts["cookiesConfig"], "cookieBehavior", "cookies"),
        queries=_choice(parts["queryStringsConfig"], "queryStringBehavior", "queryStrings"),
    )


def request_policy(records: Records, behaviour: Mapping[str, Any]) -> RequestPolicy:
    """The behaviour's policy; nothing beyond the cache key when it has none."""
    identity = str(behaviour.get("originRequestPolicyId") or "")
    if identity in MANAGED_REQUEST:
        return MANAGED_REQUEST[identity]
    record = records(REQUEST_TOKEN).get(identity)
    if record is None:
        return RequestPolicy()
    return RequestPolicy(
        _choice(record["headersConfig"], "headerBehavior", "headers"),
        _choice(record["cookiesConfig"], "cookieBehavior", "cookies"),
        _choice(record["queryStringsConfig"], "queryStringBehavior", "queryStrings"),
    )


def known_policy(records: Records, behaviour: Mapping[str, Any]) -> list[str]:
    """Policies that a behaviour names and that do not exist."""
    missing = []
    for key, managed, token in (
        ("cachePolicyId", MANAGED_CACHE, CACHE_TOKEN),
        ("originRequestPolicyId", MANAGED_REQUEST, REQUEST_TOKEN),
    ):
        identity = str(behaviour.get(key) or "")
        if identity and identity not in managed and identity not in records(token):
            missing.append(f"{key} {identity}")
    return missing


def _old_style(behaviour: Mapping[str, Any]) -> CachePolicy:
    values = behaviour.get("forwardedValues") or {}
    forward = (values.get("cookies") or {}).get("forward", "none")
    named = frozenset(str(one).lower() for one in (values.get("cookies") or {}).get("whitelistedNames") or ())
    headers = frozenset(str(one).lower() for one in values.get("headers") or ())
    return CachePolicy(
        shortest=int(behaviour.get("minTtl") or 0),
        usual=int(behaviour.get("defaultTtl", 86400)),
        longest=int(behaviour.get("maxTtl", 31536000)),
        headers=ALL if "*" in headers else Choice(names=headers),
        cookies={"all": ALL, "none": NONE}.get(forward, Choice(names=named)),
        queries=ALL if values.get("queryString") else NONE,
    )


def _choice(config: Mapping[str, Any], behaviour: str, names: str) -> Choice:
    kind = str(config.get(behaviour) or "none")
    listed = frozenset(str(one).lower() for one in (config.get(names) or {}).get("items") or ())
    if kind == "whitelist":
        return Choice(names=listed)
    if kind == "allExcept":
        return Choice(all_but=True, names=listed)
    return NONE if kind == "none" else ALL  # all, allViewer, allViewerAndWhitelistCloudFront


def _cookies(question: Question) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in question.header("cookie").split(";") if part.strip())
    return [(name, value) for name, _, value in parts]


def _queries(question: Question) -> list[tuple[str, str]]:
    return urllib.parse.parse_qsl(question.query, keep_blank_values=True)
