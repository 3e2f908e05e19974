"""A public key for logging in."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Call, Refusal


class KeyPair(AwsType):
    """Machines that name it give its key to their default user."""

    token = "aws:ec2/keyPair:KeyPair"
    arn_path = "key-pair/"
    autoname = AutoName("keyName", 255)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        key = inputs.get("publicKey")
        if isinstance(key, str) and _blob(key) is None:
            yield Problem("publicKey", "InvalidKey.Format: Key is not in valid OpenSSH public key format")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "publicKey": str(inputs["publicKey"]).strip()}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["keyName"])

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        blob = _blob(inputs["publicKey"]) or b""
        ed25519 = inputs["publicKey"].startswith("ssh-ed25519")
        md5 = hashlib.md5(blob, usedforsecurity=False).hexdigest()
        sha = base64.b64encode(hashlib.sha256(blob).digest()).decode()
        return {
            "keyPairId": f"key-0{hashlib.sha256(identity.encode()).hexdigest()[:16]}",
            "keyType": "ed25519" if ed25519 else "rsa",
            "fingerprint": sha if ed25519 else ":".join(md5[at : at + 2] for at in range(0, 32, 2)),
            "keyNamePrefix": inputs.get("keyNamePrefix") or "",
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if box.record(self.token, identity) is not None:
            raise Refusal(f"InvalidKeyPair.Duplicate: The keypair already exists ({identity})")


def _blob(key: str) -> bytes | None:
    words = key.split()
    try:
        return (
            base64.b64decode(words[1], validate=True)
            if len(words) > 1 and words[0].startswith(("ssh-", "ecdsa-"))
            else None
        )
    except binascii.Error:
        return None
