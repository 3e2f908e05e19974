"""SSH keys: the operator's own, and host keys that the operator knows before the on-prem machines boot."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 key in OpenSSH's formats."""

    private: str
    """Ends with a newline: OpenSSH refuses a key file without it."""
    public: str
    """One line `ssh-ed25519 AAAA… comment`, without a newline."""


def generate(comment: str) -> KeyPair:
    """A fresh key pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), f"{public.decode()} {comment}")


def write(pair: KeyPair, path: Path) -> None:
    """PATH and PATH.pub, as ssh-keygen leaves them."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(pair.private)
    path.with_name(path.name + ".pub").write_text(pair.public + "\n")


def read(path: Path) -> KeyPair:
    """The pair that `write` left."""
    return KeyPair(path.read_text(), path.with_name(path.name + ".pub").read_text().strip())
