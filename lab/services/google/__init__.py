"""Google Cloud under its own host names: what clients of ours call, from the records of `pulumi up`, and no more.

Here: tokens and rights; Cloud Storage, Secret Manager, GKE, Cloud SQL, Compute Engine, Monitoring as they answer. Not
here: what is behind them (lab/box, lab/scenes), what a resource is asked to be (lab/providers/gcp).
"""

import dataclasses
import json
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT_NUMBER = "123456789012"
"""Of every project in the lab, as the provider's stand-in has it in the names of identities."""
TOKEN_URI = "https://oauth2.googleapis.com/token"


def host(service: str) -> str:
    """Host name of an API."""
    return f"{service}.googleapis.com"


@dataclass(frozen=True)
class Operator:
    """The service account at the desk, with its key. It owns every project."""

    email: str
    key_id: str
    private_key: str
    """PEM."""

    @classmethod
    def new(cls) -> "Operator":
        key = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls("operator@twinsite-lab.iam.gserviceaccount.com", secrets.token_hex(20), key.decode())

    @classmethod
    def read(cls, text: str) -> "Operator":
        """From the file of its key."""
        found = json.loads(text)
        return cls(found["client_email"], found["private_key_id"], found["private_key"])

    def file(self) -> str:
        """The key's file, as `gcloud iam service-accounts keys create` writes it."""
        known = dataclasses.asdict(self)
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "twinsite-lab",
                "private_key_id": known["key_id"],
                "private_key": known["private_key"],
                "client_email": known["email"],
                "client_id": "100000000000000000001",
                "token_uri": TOKEN_URI,
                "universe_domain": "googleapis.com",
            },
            indent=2,
        )

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """Of `private_key`."""
        key = serialization.load_pem_private_key(self.private_key.encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("an operator's key is an RSA key")
        return key.public_key()
