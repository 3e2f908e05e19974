"""DNS names as users are given them. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# The last label of an internationalised domain has digits and hyphens (RFC 5890): example.xn--3e0b707e.
_TOP = "([a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])"
HOST = re.compile(rf"(?=.{{4,253}}$)({_LABEL}\.)+{_TOP}")
"""A machine's name: what a certificate can be for."""
NAME = re.compile(rf"(?=.{{4,253}}$)((_[a-z0-9-]{{0,61}}[a-z0-9]|{_LABEL})\.)+{_TOP}")
"""Any name in a zone: labels may begin with an underscore."""


def as_dns_has_it(name: str) -> str:
    """What to write for a name in another script, as words for a refusal; empty when nothing is known to help."""
    if name.isascii():
        return ""
    try:
        return f"; DNS has it as {name.encode('idna').decode()}"
    except UnicodeError:
        return ""


def name_problems(what: str, name: str) -> Iterator[str]:
    """Why this is no DNS name that users can be given."""
    if not NAME.fullmatch(name):
        yield f"{what} {name!r} is not a full DNS name in lower case: write it like dr.example.com{as_dns_has_it(name)}"


def https_problems(what: str, url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        yield f"{what} {url!r} is no HTTPS address: write it like https://dr.example.com/petclinic/"
