"""Keys that sign JSON web tokens: of clouds, of clusters."""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Signer:
    """A key that signs tokens, and knows its own."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.name = secrets.token_hex(10)

    def sign(self, claims: Mapping[str, Any]) -> str:
        parts = [_pack({"typ": "JWT", "alg": "RS256", "kid": self.name}), _pack(claims)]
        signature = self._key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, _text(signature)])

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims; None when this key did not sign it."""
        return verified(token, self._key.public_key())

    def public(self) -> dict[str, Any]:
        """The public key as JSON web key."""
        numbers = self._key.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.name,
            "n": _text(numbers.n.to_bytes(size, "big")),
            "e": _text(numbers.e.to_bytes(3, "big")),
        }


def verified(token: str, key: rsa.RSAPublicKey) -> dict[str, Any] | None:
    """The claims; None when this key did not sign it."""
    try:
        head, body, signature = token.split(".")
        key.verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        claims: dict[str, Any] = json.loads(_bytes(body))
    except (ValueError, InvalidSignature):
        return None
    return claims


def _pack(claims: Mapping[str, Any]) -> str:
    return _text(json.dumps(claims, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
