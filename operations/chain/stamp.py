"""A time stamp by somebody else over a record [RFC 3161], made and verified by OpenSSL's own `ts`.

It covers every record before it, too: each names the hash of the one before. An auditor verifies it with `openssl ts
-verify` alone, and without us.
"""

import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

PREFIX = "stamps/"
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
LONGEST_BYTES = 1 << 20
"""Of an answer; with its certificates one has some 6 KiB."""
OPENSSL_SECONDS = 10.0


class NoStamp(Exception):
    """There is none; the sentence says why."""


@dataclass(frozen=True)
class Authority:
    """Who is asked."""

    url: str
    certificates: str
    """PEM of the authorities that its own certificate must lead to."""


def name(number: int) -> str:
    """Of the object beside record `number`."""
    return f"{PREFIX}{number:08d}.tsr"


def made(record: bytes, by: Authority, seconds: float) -> bytes:
    """The authority's answer for these bytes, once it is verified: it is of them, of this request's own nonce, and
    signed for time stamps by whom `by` trusts. NoStamp with the reason, after `seconds` at the latest but for OpenSSL's
    own time."""
    if shutil.which("openssl") is None:
        raise NoStamp("`openssl` is not on PATH")
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for file, content in (("record", record), ("ca.pem", by.certificates.encode())):
            (folder / file).write_bytes(content)
        # A nonce comes by itself; with -cert the answer holds what verifies it.
        _openssl(folder, "-query", "-data", "record", "-sha256", "-cert", "-out", "query")
        (folder / "reply").write_bytes(_asked(by.url, (folder / "query").read_bytes(), seconds))
        _openssl(folder, "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "ca.pem")
        return (folder / "reply").read_bytes()


def _asked(url: str, query: bytes, seconds: float) -> bytes:
    """Over HTTP [RFC 3161, 3.4]."""
    if not url.startswith(("http://", "https://")):
        raise NoStamp(f"{url} is no http:// or https:// address")
    request = urllib.request.Request(url, query, {"Content-Type": QUERY, "Accept": REPLY})
    deadline, found = time.monotonic() + seconds, b""
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            kind = answer.headers.get_content_type()
            while (part := answer.read1(1 << 16)) and len(found) <= LONGEST_BYTES:
                found += part
                if time.monotonic() > deadline:  # of one that sends a byte a second, the timeout is never over
                    raise NoStamp(f"{url} did not end its answer within {seconds:g} s")
    except (OSError, ValueError) as problem:
        raise NoStamp(f"{url} does not answer: {problem}") from None
    if kind != REPLY or len(found) > LONGEST_BYTES:
        raise NoStamp(f"{url} answered {kind} of {len(found)} bytes, which is no time stamp")
    return found


def _openssl(folder: pathlib.Path, *arguments: str) -> None:
    command = ["openssl", "ts", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=OPENSSL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoStamp(f"`{' '.join(command)}` did not end within {OPENSSL_SECONDS:g} s") from None
    if done.returncode:
        lines = (done.stderr + done.stdout).decode("utf-8", "replace").split("\n")
        words = "; ".join(line.rpartition(":error:")[2].strip() for line in lines if ":error:" in line)
        raise NoStamp(f"`openssl ts {arguments[0]}` says no: {words or ' '.join(filter(None, lines))[-300:]}")
