"""EC2's instance metadata service, version 2: one server inside each VPC's router, 169.254.169.254:80.

The source address says which machine asks, as on EC2. The answer to a token request leaves with an IP TTL of the
machine's hop limit, so that something one hop behind the machine never sees it [EC2 guide, 'Use IMDSv2'].
"""

import datetime
import json
import re
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.services.credentials import ACCOUNT, Credentials
from lab.services.exchange import Exchange, Listener

ADDRESS = ("169.254.169.254", 80)
_LONGEST_TOKEN_SECONDS = 21600  # [EC2 guide]


@dataclass(frozen=True)
class Guest:
    """What the metadata service knows about the machine that asks."""

    id: str
    region: str
    address: str
    public_address: str
    user_data: str
    role: str
    hop_limit: int
    tokens_required: bool
    enabled: bool
    public_key: str
    """Of the instance's key pair; empty when it has none, as most should."""
    record: dict[str, Any]
    """The instance's cloud record: type, image, zone, where the stand-in stored them."""


Find = Callable[[str], Guest | None]
Issue = Callable[[str, str], Credentials | None]


class Metadata(Listener):
    """Serves one VPC. `find` maps a private address to its machine; `issue` gives (role, machine) credentials."""

    def __init__(self, listening: socket.socket, find: Find, issue: Issue, log: Any = sys.stderr) -> None:
        super().__init__(listening, Handler, log)
        self.find = find
        self.issue = issue
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, float]] = {}

    def new_token(self, machine: str, seconds: int) -> str:
        token = secrets.token_urlsafe(42)
        with self._lock:
            now = time.monotonic()
            self._tokens = {key: value for key, value in self._tokens.items() if value[1] > now}
            self._tokens[token] = (machine, now + seconds)
        return token

    def token_valid(self, token: str, machine: str) -> bool:
        with self._lock:
            owner, until = self._tokens.get(token, ("", 0.0))
        return owner == machine and until > time.monotonic()


class Handler(Exchange):
    """One connection from one machine."""

    server: Metadata
    timeout = 60

    def do_PUT(self) -> None:
        guest = self.server.find(self.client_address[0])
        if guest is None or not guest.enabled or self.path != "/latest/api/token":
            self._answer(404 if guest is None else 403 if not guest.enabled else 405)
            return
        # The token's answer alone is limited; the handshake is the kernel's.
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, guest.hop_limit)
        if self.headers.get("X-Forwarded-For"):
            self._answer(403)  # an open proxy on the machine, the attack that version 2 is for
            return
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if not ttl.isdecimal() or not 1 <= int(ttl) <= _LONGEST_TOKEN_SECONDS:
            self._answer(400)
            return
        token = self.server.new_token(guest.id, int(ttl))
        self._answer(200, token, {"X-aws-ec2-metadata-token-ttl-seconds": ttl})

    def do_GET(self) -> None:
        guest = self.server.find(self.client_address[0])
        if guest is None or not guest.enabled:
            self._answer(404 if guest is None else 403)
            return
        token = self.headers.get("X-aws-ec2-metadata-token")
        if (token is None and guest.tokens_required) or (
            token is not None and not self.server.token_valid(token, guest.id)
        ):
            self._answer(401)
            return
        path = self.path.partition("?")[0].strip("/").split("/", 1)
        if not re.fullmatch(r"latest|\d{4}-\d\d-\d\d", path[0]) or len(path) < 2:
            self._answer(404)
            return
        found = answer(guest, path[1].rstrip("/"), self.server.issue)
        self._answer(404) if found is None else self._answer(200, found)

    do_HEAD = do_GET

    def _answer(self, status: int, text: str = "", headers: dict[str, str] | None = None) -> None:
        said = {"Server": "EC2ws", "Content-Type": "text/plain", **(headers or {})}
        self.answer(status, list(said.items()), text.encode())


def answer(guest: Guest, path: str, issue: Issue) -> str | None:
    """The value at a path below /latest; None when EC2 has none there either (or the lab does not know it)."""
    if path == "user-data":
        return guest.user_data or None
    if path == "dynamic/instance-identity/document":
        return json.dumps(_identity(guest), indent=2)
    category, _, item = path.partition("/")
    if category != "meta-data":
        return None
    items = _items(guest)
    if item == "":
        return "\n".join(sorted({key if "/" not in key else key.partition("/")[0] + "/" for key in items}))
    if item.startswith("iam/security-credentials") and guest.role:
        role = item.removeprefix("iam/security-credentials").strip("/")
        if not role:
            return guest.role
        given = issue(role, guest.id) if role == guest.role else None
        return _credentials(given) if given is not None else None
    if item in items:
        return items[item]
    below = sorted(key.removeprefix(item + "/") for key in items if key.startswith(item + "/"))
    return "\n".join(below) or None


def _items(guest: Guest) -> dict[str, str]:
    zone = str(guest.record.get("availabilityZone") or guest.region + "a")
    items = {
        "instance-id": guest.id,
        "local-ipv4": guest.address,
        "local-hostname": f"ip-{guest.address.replace('.', '-')}.{guest.region}.compute.internal",
        "placement/region": guest.region,
        "placement/availability-zone": zone,
    }
    items["hostname"] = items["local-hostname"]
    if guest.public_address:
        items["public-ipv4"] = guest.public_address
    if guest.public_key:
        items["public-keys"] = f"0={guest.record.get('keyName')}"
        items["public-keys/0/openssh-key"] = guest.public_key
    if guest.record.get("ami"):
        items["ami-id"] = str(guest.record["ami"])
    if guest.record.get("instanceType"):
        items["instance-type"] = str(guest.record["instanceType"])
    if guest.role:
        profile = {"Code": "Success", "InstanceProfileArn": f"arn:aws:iam::{ACCOUNT}:instance-profile/{guest.role}"}
        items["iam/info"] = json.dumps(profile)
        items["iam/security-credentials/"] = guest.role
    return items


def _identity(guest: Guest) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "instanceId": guest.id,
        "region": guest.region,
        "availabilityZone": _items(guest)["placement/availability-zone"],
        "privateIp": guest.address,
        "imageId": guest.record.get("ami"),
        "instanceType": guest.record.get("instanceType"),
        "architecture": "x86_64",
        "version": "2017-09-30",
    }


def _credentials(given: Credentials) -> str:
    def stamp(moment: datetime.datetime | None) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else ""

    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": stamp(given.issued),
            "Type": "AWS-HMAC",
            "AccessKeyId": given.access_key,
            "SecretAccessKey": given.secret_key,
            "Token": given.token,
            "Expiration": stamp(given.expires),
        },
        indent=2,
    )
