"""Certificates: what the primary's load balancer shows for each name, and the one that the standby will show."""

import datetime
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence

from twinsite.needs import Page

from ..unanswered import CouldNotAsk
from . import setting
from .answers import Finding, all_of, not_ok, ok

LEAST_DAYS = 21
"""An incident and a weekend fit into it; ACM renews 60 days before the end, Let's Encrypt's users 30."""
SECONDS = 8.0
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def shown(page: Page) -> Finding:
    """By a handshake with the address, for the name."""
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((page.address, 443), SECONDS) as channel,
            context.wrap_socket(channel, server_hostname=page.name) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return not_ok(
            f"{page.address} has no good certificate for {page.name}: {error.verify_message}",
            f"add one for {page.name} to its HTTPS listener (ACM), or set a name that its certificate covers",
        )
    except OSError as error:
        raise CouldNotAsk(
            f"{page.address} does not answer: {error.strerror or error}", "look at your own network, then at it"
        ) from None
    return lasting(page.name, ssl.cert_time_to_seconds(str(certificate["notAfter"])), time.time(), "renew it at ACM")


def lasting(name: str, end: float, now: float, fix: str) -> Finding:
    """Pure. `end` and `now` in seconds of the epoch."""
    days = (end - now) / 86400
    date = datetime.datetime.fromtimestamp(end, datetime.UTC).date()
    if days < 0:
        return not_ok(f"{name}: over since {date}", fix)
    if days < LEAST_DAYS:
        return not_ok(f"{name}: ends in {days:.0f} days, {date}", fix)
    return ok(f"{name}: until {date}")


def configured(key: str, names: Sequence[str], stack: str) -> Finding:
    """The chain in a setting. Only its first certificate leaves this function; the key behind it goes nowhere."""
    found = _CERTIFICATE.search(setting.text(key, stack))
    if found is None:
        return not_ok(f"{key} holds no certificate", f"`cat CHAIN.pem KEY.pem | pulumi config set --secret {key}`")
    return all_of([_checked(key, found[0], name) for name in names])


def _checked(key: str, pem: str, name: str) -> Finding:
    command = ["openssl", "x509", "-noout", "-enddate", "-checkhost", name]
    try:
        done = subprocess.run(command, input=pem, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise CouldNotAsk("`openssl` is not installed here", "apt-get install openssl") from None
    return read(key, name, done.stdout, time.time())


def read(key: str, name: str, text: str, now: float) -> Finding:
    """Pure. `text` as openssl prints it."""
    renew = f"renew it, then `cat CHAIN.pem KEY.pem | pulumi config set --secret {key}` and `pulumi up`"
    end = re.search(r"notAfter=(.+)", text)
    if end is None:
        return not_ok(f"the first block of {key} is no certificate that openssl reads", renew)
    if "does match certificate" not in text:
        return not_ok(f"{key} is not for {name}", renew)
    return lasting(name, ssl.cert_time_to_seconds(end[1].strip()), now, renew)
