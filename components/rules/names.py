"""DNS names as users are given them. Pure."""

import re

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
