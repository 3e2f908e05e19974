"""What looks like a secret in a text that many may read. Says what it is, never the value."""

import base64
import gzip
import re
import zlib

from ..judging import HIDDEN

NAME = re.compile(r"password|passwd|secret|token|credential|private_?key|access_?key|api_?key", re.IGNORECASE)
_FILE = re.compile(r"(_FILE|_PATH|_ARN|_NAME|_ID|_URL|_URI)$", re.IGNORECASE)
"""A variable that says where a secret lies holds none."""

_NO_VALUE = r"(?![\s\"']*(?:$|\$|<|\{|%|/|\*|arn:|https?:|null\b|none\b|true\b|false\b))"
"""After = or : comes no value but a variable, a placeholder, a path or a name of something."""

_MARKS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    # IAM user guide, unique identifiers: AKIA is an access key, ASIA a temporary one.
    "an access key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "an account key of Azure": re.compile(r"\bAccountKey=[A-Za-z0-9+/=]{40}"),
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+]*://[^\s:/@$<{]+:[^\s/@$<{]+@"),
    "a password": re.compile(
        rf"(?:\b|_)(?:password|passwd|PGPASSWORD|MYSQL_PWD|secret|secret_?key|token|api_?key)[\"']?\s*[=:]{_NO_VALUE}"
        r"\s*[\"']?[^\s\"']{4}",
        re.IGNORECASE | re.MULTILINE,
    ),
}


def secret_in(text: str) -> str | None:
    """What a text holds that it must not, or None. Sees through base64 and gzip, as cloud-init does."""
    if text == HIDDEN:
        return "what the program itself marks as a secret"
    text = _read(text)
    return next((what for what, mark in _MARKS.items() if mark.search(text)), None)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return bool(NAME.search(name)) and not _FILE.search(name)


def _read(text: str) -> str:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        return data.decode()
    except (ValueError, OSError, EOFError, zlib.error):
        return text  # no base64 of a text, so it is the text itself
