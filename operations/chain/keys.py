"""The Ed25519 key of whoever works at this desk: a person's, not a stack's."""

import base64
import hashlib
import os
import pathlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "TWINSITE_EVIDENCE_KEY"
FIX = f"give an unencrypted Ed25519 key in PEM: `openssl genpkey -algorithm ed25519 -out FILE`, {VARIABLE}=FILE"


@dataclass(frozen=True)
class Key:
    """A person's."""

    private: Ed25519PrivateKey
    path: pathlib.Path
    new: bool = False
    """It was made just now: its public half is in nobody's list yet."""

    @property
    def public(self) -> str:
        """Its public half, in base64: what stands in an auditor's list."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    @property
    def id(self) -> str:
        """Of the public half: its SHA-256."""
        return hashlib.sha256(self.private.public_key().public_bytes_raw()).hexdigest()

    def sign(self, content: bytes) -> bytes:
        """64 bytes."""
        return self.private.sign(content)


def path(environment: Mapping[str, str]) -> pathlib.Path:
    """Where this desk's key is."""
    home = environment.get("XDG_CONFIG_HOME") or str(
        pathlib.Path(environment.get("HOME") or "~").expanduser() / ".config"
    )
    return pathlib.Path(environment.get(VARIABLE) or f"{home}/twinsite/evidence-key.pem")


def mine(environment: Mapping[str, str] | None = None) -> Key:
    """This desk's key, made at its first use. ValueError or OSError when there is none and none can be made."""
    place = path(os.environ if environment is None else environment)
    new = not place.exists() and _made(place)
    try:
        found = serialization.load_pem_private_key(place.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError(f"{place} cannot sign evidence ({problem}): {FIX}") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise ValueError(f"{place} is another kind of key: {FIX}")
    return Key(found, place, new)


def _made(place: pathlib.Path) -> bool:
    """Whether it was us: of two commands that begin at once, one makes it and both use it."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, place)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
