"""This desk's clock against a cloud's: signatures and tokens carry a time."""

import email.utils
import http.client
import time

from ..unanswered import CouldNotAsk
from .answers import Finding, not_ok, ok

SECONDS = 8.0
MOST_SECONDS = 60.0
"""AWS refuses a signature that is 5 minutes off; a minute shows that nothing keeps the clock."""


def against(host: str) -> Finding:
    """By the Date of an HTTPS answer, whatever it says besides."""
    connection = http.client.HTTPSConnection(host, timeout=SECONDS)
    before = time.time()
    try:
        connection.request("HEAD", "/", headers={"User-Agent": "twinsite"})
        date = connection.getresponse().headers.get("Date") or ""
    except (OSError, http.client.HTTPException) as error:
        words = f"{host} does not answer: {getattr(error, 'strerror', '') or error or type(error).__name__}"
        raise CouldNotAsk(words, "look at your own network") from None
    finally:
        connection.close()
    return skew(host, date, (before + time.time()) / 2)


def skew(host: str, date: str, now: float) -> Finding:
    """Pure. `now` in seconds of the epoch, when `date` was said."""
    try:
        there = email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        raise CouldNotAsk(f"{host} does not say what time it is") from None
    off = now - there
    if abs(off) > MOST_SECONDS:
        return not_ok(
            f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {host}",
            "`sudo timedatectl set-ntp true`, and see `timedatectl`",
        )
    return ok(f"as {host}, within {max(1.0, abs(off)):.0f} s")
