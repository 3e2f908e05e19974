"""Who may call the AWS APIs: the operator, and machines with the temporary credentials of their role."""

import datetime
import secrets
import string
import threading
from dataclasses import dataclass

ACCOUNT = "123456789012"
"""moto's default account; every ARN in the lab has it."""

LIFETIME = datetime.timedelta(hours=6)
RENEW_BEFORE = datetime.timedelta(minutes=5)
# AWS: "new credentials available at least five minutes before the expiration of the old" [EC2 guide, instance metadata
# security credentials].

_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Credentials:
    """One key pair. `role` empty: the operator, who may do everything."""

    access_key: str
    secret_key: str
    token: str = ""
    role: str = ""
    session: str = ""
    """Of an instance's role its id; else what whoever assumed the role said."""
    issued: datetime.datetime | None = None
    expires: datetime.datetime | None = None

    @property
    def arn(self) -> str:
        """As STS says who is calling."""
        if self.role:
            return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.role}/{self.session}"
        return f"arn:aws:iam::{ACCOUNT}:user/operator"


def _key(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def operator_credentials() -> Credentials:
    """A fresh long-term key pair for the desk."""
    return Credentials(_key("AKIA"), secrets.token_urlsafe(30))


class Register:
    """All keys that are valid, and those that were (so that an expired one is told from a made-up one)."""

    def __init__(self, operator: Credentials) -> None:
        self.operator = operator
        self._lock = threading.Lock()
        self._known = {operator.access_key: operator}
        self._current: dict[tuple[str, str], Credentials] = {}

    def find(self, access_key: str) -> Credentials | None:
        with self._lock:
            return self._known.get(access_key)

    def for_machine(self, role: str, machine: str) -> Credentials:
        """The machine's current credentials of its role; new ones shortly before the old expire."""
        now = datetime.datetime.now(datetime.UTC)
        with self._lock:
            current = self._current.get((role, machine))
            if current is None or current.expires is None or current.expires - RENEW_BEFORE < now:
                current = self._current[role, machine] = self._new(role, machine, now, LIFETIME)
            return current

    def assumed(self, role: str, session: str, seconds: int) -> Credentials:
        """New ones of a role, for whoever proved that it may be it."""
        with self._lock:
            return self._new(role, session, datetime.datetime.now(datetime.UTC), datetime.timedelta(seconds=seconds))

    def _new(self, role: str, session: str, now: datetime.datetime, lasts: datetime.timedelta) -> Credentials:
        made = Credentials(
            _key("ASIA"),
            secrets.token_urlsafe(30),
            token=secrets.token_urlsafe(180),
            role=role,
            session=session,
            issued=now,
            expires=now + lasts,
        )
        self._known[made.access_key] = made
        return made
