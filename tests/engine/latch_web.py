"""What a program asks over HTTPS, behind a proxy of the test's own: the latch objects, and a store of backups.

Nothing else answers.
"""

import datetime
import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass
class LatchWeb:
    """`status` is what every latch object answers: 404 not set, 200 set, 0 refuses the connection."""

    folder: Path
    status: int = 404
    blobs: dict[str, bytes] | None = None
    """The backups, by name; None: their store refuses the connection."""
    forbidden: bool = False
    """Whether the store lets nobody read."""
    token: str = "of-whoever-runs-pulumi"
    """What the store wants to be shown; token_provider.py gives it."""
    asked: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    """For the program: finds the proxy and trusts its certificates."""

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "latch web of a test")])
        authority = self._certificate(self._name, x509.BasicConstraints(ca=True, path_length=None))
        (self.folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def answer(self, host: str, path: str, head: str) -> tuple[int, bytes]:
        """Status and body of a GET; `head` are its headers."""
        if host.endswith(".web.core.windows.net"):
            return self.status, b""
        assert self.blobs is not None
        if f"Authorization: Bearer {self.token}\r\n" not in head:
            return 401, b""
        if self.forbidden:
            return 403, b"<Error><Code>AuthorizationPermissionMismatch</Code><Message>not you</Message></Error>"
        if "comp=list" in path:
            listed = "".join(
                f"<Blob><Name>{name}</Name><Properties><Content-Length>{len(body)}</Content-Length></Properties></Blob>"
                for name, body in self.blobs.items()
            )
            return 200, f"<EnumerationResults><Blobs>{listed}</Blobs><NextMarker/></EnumerationResults>".encode()
        return 200, self.blobs[path.removeprefix("/mysql-backup/")]

    def answers(self, host: str) -> bool:
        """Whether anybody is there."""
        if host.endswith(".blob.core.windows.net"):
            return self.blobs is not None
        return host.endswith(".web.core.windows.net") and self.status != 0

    def _certificate(self, subject: x509.Name, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        builder = builder.public_key(self._key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
        return builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())

    def context(self, host: str) -> ssl.SSLContext:
        """For one host: a wildcard covers one label, and these names have two."""
        file = self.folder / f"{host}.pem"
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = self._certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site")]), names)
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@contextmanager
def serve(folder: Path) -> Iterator[LatchWeb]:
    web = LatchWeb(folder)

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            host = self.path.partition(":")[0]
            if not web.answers(host):
                self.send_error(502)
                return
            self.send_response(200)
            self.end_headers()
            with web.context(host).wrap_socket(self.connection, server_side=True) as secure:
                request = secure.recv(65536).decode()
                path = request.split(" ")[1]
                web.asked.append(f"https://{host}{path}")
                status, body = web.answer(host, path, request)
                secure.sendall(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
                )
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    web.environment = {
        "https_proxy": f"http://127.0.0.1:{server.server_address[1]}",
        "no_proxy": "127.0.0.1,localhost",
        "SSL_CERT_FILE": str(folder / "authority.pem"),
    }
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
