"""A private key in all its spellings."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, ResourceType
from lab.providers.tls.keys import ssh_fingerprints

CURVES = ("P224", "P256", "P384", "P521")


class PrivateKey(ResourceType):
    """ED25519, ECDSA or RSA. OpenSSH has no P224: those outputs are empty for it."""

    token = "tls:index/privateKey:PrivateKey"
    replaces = frozenset({"algorithm", "ecdsaCurve", "rsaBits"})
    defaults: ClassVar[Mapping[str, Any]] = {"ecdsaCurve": "P224", "rsaBits": 2048}
    secret_outputs = frozenset({"privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        algorithm, curve = inputs.get("algorithm"), inputs.get("ecdsaCurve", "P224")
        if isinstance(algorithm, str) and algorithm not in ("RSA", "ECDSA", "ED25519"):
            yield Problem("algorithm", f'value must be one of: ["RSA" "ECDSA" "ED25519"], got: "{algorithm}"')
        if isinstance(curve, str) and curve not in CURVES:
            yield Problem("ecdsaCurve", f"value must be one of {', '.join(CURVES)}, got: {curve!r}")

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        algorithm, curve = inputs["algorithm"], inputs.get("ecdsaCurve", "P224")
        key: Any
        if algorithm == "ED25519":
            key = ed25519.Ed25519PrivateKey.generate()
        elif algorithm == "RSA":
            key = rsa.generate_private_key(65537, inputs.get("rsaBits", 2048))
        else:
            curves: dict[str, Any] = {
                "P224": ec.SECP224R1,
                "P256": ec.SECP256R1,
                "P384": ec.SECP384R1,
                "P521": ec.SECP521R1,
            }
            key = ec.generate_private_key(curves[curve]())
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()

        def private(form: serialization.PrivateFormat) -> str:
            return str(key.private_bytes(pem, form, plain).decode())

        pkcs8 = private(serialization.PrivateFormat.PKCS8)
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        outputs = {
            # Go writes RSA and EC keys in their traditional form; ED25519 has none.
            "privateKeyPem": pkcs8
            if algorithm == "ED25519"
            else private(serialization.PrivateFormat.TraditionalOpenSSL),
            "privateKeyPemPkcs8": pkcs8,
            "publicKeyPem": public,
            "privateKeyOpenssh": "",
            "publicKeyOpenssh": "",
            "publicKeyFingerprintMd5": "",
            "publicKeyFingerprintSha256": "",
        }
        if algorithm != "ECDSA" or curve != "P224":
            ssh = key.public_key().public_bytes(
                serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
            ).decode() + "\n"  # fmt: skip
            outputs["privateKeyOpenssh"] = private(serialization.PrivateFormat.OpenSSH)
            outputs |= {"publicKeyOpenssh": ssh, **ssh_fingerprints(ssh)}
        raw = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )  # fmt: skip
        return hashlib.sha1(raw, usedforsecurity=False).hexdigest(), outputs
