"""The lab's certificate authority: made at `up`, trusted by the machines and the desk, gone with `down`."""

import datetime
import ipaddress
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)
VALID = 30 * _DAY
"""Longer than a box lives."""


class Authority:
    """Issues a server certificate for each name it is asked for, once."""

    def __init__(self, folder: Path, name: str = "twinsite lab authority") -> None:
        """Reads the authority in `folder`; makes it, with this common name, when there is none."""
        self._folder = folder
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.certificate_path.exists():
            self._make(name)
        self._key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        self._server_key = ec.generate_private_key(ec.SECP256R1())

    @property
    def certificate_path(self) -> Path:
        """The bundle for SSL_CERT_FILE and its like: this authority alone, nothing of the real internet."""
        return self._folder / "ca.pem"

    @property
    def certificate(self) -> str:
        """The authority's certificate, PEM."""
        return self.certificate_path.read_text()

    def context(self, name: str) -> ssl.SSLContext:
        """A server context whose certificate is valid for `name` (DNS name or IPv4 address)."""
        with self._lock:
            if name not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                context.set_alpn_protocols(["http/1.1"])
                issued = self._folder / "issued.pem"
                issued.touch(mode=0o600)
                issued.write_bytes(self._issue(name))
                context.load_cert_chain(issued)
                issued.unlink()
                self._contexts[name] = context
            return self._contexts[name]

    def pem(self, name: str, *more: str) -> str:
        """Key and certificate for `name` (and more names), for a server that ends TLS itself.

        One with a colon is no host's and stays a common name alone: PROJECT:INSTANCE, as Cloud SQL has it.
        """
        with self._lock:
            return self._issue(name, *more).decode()

    def _make(self, common: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        secret = self._folder / "ca.key"
        secret.touch(mode=0o600)
        secret.write_bytes(_pem(key))
        self.certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _issue(self, *names: str) -> bytes:
        alternatives = [_general(name) for name in names if ":" not in name]
        if not isinstance(self._key, ec.EllipticCurvePrivateKey):
            raise TypeError("the lab's authority has a key of another kind than it makes")
        public = self._server_key.public_key()
        # Key identifiers and usages: Python 3.13 and later verify with VERIFY_X509_STRICT and want them all. A common
        # name holds 64 characters, a bucket's host name may have more: the alternative name is what counts.
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        builder = _builder(subject, self._certificate.subject, public)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _pem(self._server_key) + certificate.public_bytes(serialization.Encoding.PEM)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.IPv4Address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)  # a machine's clock may be behind
        .not_valid_after(now + VALID)
    )


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
