"""Refusals about what is shown at CloudFront's edges: notice page, front door, certificates, their sites. Pure."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import twice_problems
from .backup import account_problems
from .intent import Intent
from .names import https_problems, name_problems

PRICE_CLASSES = ("PriceClass_100", "PriceClass_200", "PriceClass_All")


@dataclass(frozen=True, kw_only=True)
class StaticSiteIntent(Intent):
    """What a StaticSite is meant to be."""

    account_name: str = ""
    location: str = ""
    operator_principal_ids: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        """Why Azure would not take it."""
        return [
            *account_problems(self.account_name, "account_name"),
            *region_problems("location", self.location),
            *twice_problems("operator_principal_ids", self.operator_principal_ids),
        ]


@dataclass(frozen=True, kw_only=True)
class MaintenancePageIntent(Intent):
    """What a MaintenancePage is meant to be."""

    fqdn: str = ""
    account_name: str = ""
    """Of the site that holds it."""
    backup_account_name: str | None = None
    standby_url: str = ""
    title: str | None = None
    message: str | None = None
    retry_after_seconds: int = 300
    price_class: str = PRICE_CLASSES[1]

    def problems(self) -> list[str]:
        """Why it would help nobody, or harm."""
        problems = list(name_problems("fqdn", self.fqdn))
        if self.account_name == self.backup_account_name:
            problems.append(
                f"the public page and the backups are both in storage account {self.account_name}, so one wrong "
                "setting would publish the backups: give the page an account of its own"
            )
        retry = self.retry_after_seconds
        if not 1 <= retry <= 86400:
            problems.append(f"retry_after_seconds {retry} is no useful time to wait: set 1 to 86400, for instance 300")
        problems += https_problems("standby_url", self.standby_url)
        host = urlsplit(self.standby_url).hostname
        if host and host == self.fqdn:
            problems.append(
                f"standby_url leads to {host}, which shows the notice itself: set it to the name of the application"
            )
        problems += _price_class(self.price_class)
        return problems


@dataclass(frozen=True, kw_only=True)
class FrontDoorIntent(Intent):
    """What a FrontDoor is meant to be."""

    fqdn: str = ""
    origin_host: str | None = None
    origin_certificate_names: tuple[str, ...] = ()
    origin_port: int = 443
    secret_generation: int = 1
    price_class: str = PRICE_CLASSES[1]

    def problems(self) -> list[str]:
        """Why nobody would get through it."""
        problems = list(name_problems("fqdn", self.fqdn))
        origin = self.origin_host
        if origin is not None:
            if _is_address(origin):
                problems.append(
                    f"origin_host {origin} is an address, and CloudFront takes names only: set the DNS name of the "
                    "public address (its label), like shopdr.koreacentral.cloudapp.azure.com"
                )
            else:
                # What is no name is covered by no certificate: that would be said in vain.
                problems += [*name_problems("origin_host", origin)] or _covered(origin, self.origin_certificate_names)
            if origin == self.fqdn:
                problems.append(
                    f"origin_host {origin} is the users' own name, so CloudFront would ask itself: set the machine's "
                    "name"
                )
        port = self.origin_port
        # CloudFront custom origins: 80, 443, 1024-65535.
        if port != 443 and not 1024 <= port <= 65535:
            problems.append(f"origin_port {port} is not one that CloudFront connects to over HTTPS: set 443")
        if self.secret_generation < 1:
            problems.append(f"secret_generation {self.secret_generation} is below 1: count up from 1")
        problems += _price_class(self.price_class)
        return problems


@dataclass(frozen=True, kw_only=True)
class EdgeCertificateIntent(Intent):
    """What an EdgeCertificate is meant to certify."""

    fqdn: str = ""

    def problems(self) -> list[str]:
        """Why no authority would."""
        return list(name_problems("fqdn", self.fqdn))


def _covered(host: str, names: Sequence[str]) -> Iterator[str]:
    parent = host.partition(".")[2]
    if host not in names and f"*.{parent}" not in names:
        listed = ", ".join(names) or "none"
        yield (
            f"the origin's certificate names {listed}, not {host}, so CloudFront would answer 502: let the machine "
            f"serve a certificate for {host} and list it in origin_certificate_names"
        )


def _price_class(kind: str) -> Iterator[str]:
    if kind not in PRICE_CLASSES:
        yield f"price_class {kind!r} is none of CloudFront's: set one of {', '.join(PRICE_CLASSES)}"


def region_problems(what: str, region: str) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9]+", region):
        yield f"{what} {region!r} is no Azure region: write it like koreacentral"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
