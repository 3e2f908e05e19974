"""Breakages of a machine that stands by with the application."""

from .table import Breakage, Mended

_APPLY = "twinsite-guest standby apply"

STANDBY = (
    Breakage("nginx-not-at-boot", "standby", ("nginx.service would not start", _APPLY), Mended.PERSON),
    Breakage("application-stopped", "standby", (".service does not run", _APPLY), Mended.PERSON),
    Breakage("certificate-timer-off", "standby", ("standby-certificate.timer does not run", _APPLY), Mended.PERSON),
    Breakage("origin-open", "standby", ("nginx/conf.d/twinsite.conf is not as", _APPLY), Mended.PERSON),
    Breakage("application-changed", "standby", ("is not the application that was pinned", _APPLY), Mended.PERSON),
    Breakage("password-changed", "standby", ("application.password is not as", _APPLY), Mended.PERSON),
    Breakage("standby-log-disk-full", "standby", ("file system of /var/log is", "make room"), Mended.PERSON),
    Breakage("backup-timer-off", "standby", ("twinsite-backup.timer does not run", _APPLY), Mended.PERSON),
)

SAMPLE = ("application-stopped", "origin-open", "standby-log-disk-full", "backup-timer-off")
"""What CI makes. An agent that does not run is a row of gateway.py: it is the same on every machine."""
