"""Refusals about alarms and the observer (K53): who is told, and what is looked at. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import twice_problems
from .intent import Intent
from .names import https_problems
from .pages import region_problems
from .traffic import AWS_NAMES, MovedName, names_problems

LOG_ALERT_HOURS = 48
"""A log query of Azure Monitor looks back two days at most (scheduled query rules, override time range)."""

PLACES = ("apac-sg-sin-azr", "apac-jp-kaw-edge", "apac-hk-hkn-azr", "emea-nl-ams-azr", "us-ca-sjc-azr")
"""Singapore, Tokyo, Hong Kong, Amsterdam, San Jose (Application Insights, availability test locations)."""

TEST_SECONDS = 300
"""The shortest that a standard test runs at."""


@dataclass(frozen=True, kw_only=True)
class AlarmsIntent(Intent):
    """What Alarms are meant to watch, and who is told."""

    names: tuple[MovedName, ...] = ()
    certificate_arns: tuple[str, ...] = ()
    """The names whose certificates are watched."""
    emails: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """Names of the endpoints; where these are is secret."""

    def problems(self) -> list[str]:
        """Why nobody would hear of an alarm, or the names do not move together."""
        return [*told_problems(self.emails, self.urls), *names_problems(self.names)]


@dataclass(frozen=True, kw_only=True)
class ObserverIntent(Intent):
    """What an Observer is meant to watch, and who is told."""

    location: str = ""
    primary_url: str = ""
    primary_text: str = ""
    failover_names: tuple[str, ...] = ()
    backup_container: str = "mysql-backup"
    backup_max_age_hours: int = 26
    backup_drop_percent: int = 30
    emails: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """Names of the endpoints; where these are is secret."""

    def problems(self) -> list[str]:
        """Why it would see nothing, or tell nobody (K53)."""
        problems = [*told_problems(self.emails, self.urls), *https_problems("primary_url", self.primary_url)]
        problems += region_problems("location", self.location)
        host = urlsplit(self.primary_url).hostname
        if host and host in self.failover_names:
            problems.append(
                f"primary_url asks {host}, a name that moves to the standby, so it would be green again while the "
                "primary is down: give the primary a name of its own and set primary_url to it"
            )
        problems += _own_name("primary_url", host)
        age = self.backup_max_age_hours
        if not 1 <= age <= LOG_ALERT_HOURS:
            problems.append(
                f"backup_max_age_hours {age} cannot be watched by a log query, which looks back 48 hours at most: "
                "set 1 to 48 and back up at least every other day"
            )
        drop = self.backup_drop_percent
        if not 1 <= drop <= 99:
            problems.append(f"backup_drop_percent {drop} is no share to fall by: set 1 to 99, for instance 30")
        return problems


def told_problems(emails: Sequence[str], urls: Sequence[str]) -> list[str]:
    """Why nobody would hear of an alarm."""
    if not emails and not urls:
        return ["nobody is told of an alarm: give emails or urls (a pager's HTTPS endpoint)"]
    return [
        f"{address!r} is no address to send an alarm to: write it like someone@example.com"
        for address in emails
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address)
    ] + twice_problems("emails", emails)


def _own_name(what: str, host: str | None) -> Iterator[str]:
    if host is not None and host.endswith(AWS_NAMES):
        yield (
            f"{what} asks {host}, a name of AWS's own: only AWS has certificates for it, so whoever verifies them "
            "would call a healthy primary dead: give the load balancer a name in your zone that its certificate "
            "covers, and ask that"
        )
