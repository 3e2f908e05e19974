"""What Google's APIs of records share: a path is matched, the caller judged, an answer told, a refusal said."""

import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.services.api import Answer, told
from lab.services.google import host
from lab.services.google.errors import Refusal, denied, older, rpc, unsupported
from lab.services.google.fields import chosen
from lab.services.google.rights import Rights
from lab.services.google.tokens import Caller, Tokens
from lab.services.signature import Request


@dataclass(frozen=True)
class Call:
    """A request that is understood."""

    caller: Caller
    words: Mapping[str, str]
    """Of the path."""
    query: Mapping[str, str]
    body: Mapping[str, Any]
    lists: Mapping[str, list[str]]
    """Of the query, what is there more than once as well."""


Played = Callable[[Call], Any]
"""Gives the answer's JSON. Refusal."""


@dataclass(frozen=True)
class Door:
    """Who is at the door, and whether the right is there."""

    tokens: Tokens
    rights: Rights

    def must(self, caller: Caller, permission: str, project: str, resource: str = "") -> None:
        """Refusal 403 in IAM's words."""
        if not self.rights.may(caller.member, permission, project, resource):
            raise denied(permission, resource or f"projects/{project}")


class Service:
    """One API. `routes`: (method, pattern of the path with named groups) → the right in its project, and what answers.

    A right "" is judged by whoever answers. `old`: how it says an error.
    """

    name = ""
    old = False
    scopes: tuple[str, ...] = ()

    def __init__(self, door: Door) -> None:
        self.door = door

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        raise NotImplementedError

    def owns(self, name: str) -> bool:
        return name == host(self.name)

    def answer(self, request: Request) -> Answer:
        try:
            return told(200, self._told(request))
        except Refusal as refusal:
            return older(refusal) if self.old else rpc(refusal, request.host)

    def _told(self, request: Request) -> Any:
        caller = self.door.tokens.caller(request, *self.scopes)
        path = urllib.parse.unquote(request.path)
        for (method, pattern), (permission, played) in self.routes().items():
            found = re.fullmatch(pattern, path) if method == request.method else None
            if found is None:
                continue
            words = found.groupdict()
            if permission:
                self.door.must(caller, permission, words["project"])
            lists = urllib.parse.parse_qs(request.query)
            query = {name: values[-1] for name, values in lists.items()}
            return chosen(played(Call(caller, words, query, _body(request), lists)), query.get("fields", ""))
        raise unsupported(request.host, request.method, path)


def _body(request: Request) -> Mapping[str, Any]:
    if not request.body:
        return {}
    try:
        found = json.loads(request.body)
    except ValueError:
        raise Refusal(400, "Invalid JSON payload received.") from None
    return found if isinstance(found, dict) else {}
