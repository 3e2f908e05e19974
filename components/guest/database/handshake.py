"""The way to a MySQL server as its clients go it: TCP, the greeting, TLS. No login, so it needs no password."""

import calendar
import socket
import ssl
import struct
import time

SECONDS = 3.0
"""For each of the two: to connect, and to be greeted and encrypted."""

# Capabilities of a client that speaks protocol 4.1 and asks for TLS: PROTOCOL_41, SSL, SECURE_CONNECTION
# [MySQL source, include/mysql_com.h].
_SSL = 0x0800
_CAPABILITIES = 0x0200 | _SSL | 0x8000
_UTF8MB4 = 45


class NoTls(OSError):
    """The server answers on its port and does not get as far as TLS; the words say why."""


def der(pem: str) -> bytes:
    """The first certificate of a PEM text."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(pem.partition(end)[0] + end)


def shown(address: str, port: int, ca_pem: str) -> bytes:
    """The certificate that a server shows, DER, verified for this address. OSError when there is no way, NoTls when
    there is no TLS, ssl.SSLCertVerificationError when it is not to be trusted."""
    # Not the default context: from Python 3.13 on that one refuses certificates that MySQL takes (VERIFY_X509_STRICT).
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca_pem)
    with socket.create_connection((address, port), timeout=SECONDS) as plain:
        return _shown(plain, context, address)


def shown_here(path: str) -> bytes:
    """The same of the local server, verified by nobody; over its Unix socket, because MySQL greets over TCP only where
    it has an account for. OSError and NoTls as above."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plain:
        plain.settimeout(SECONDS)
        plain.connect(path)
        return _shown(plain, context, None)


def _shown(plain: socket.socket, context: ssl.SSLContext, name: "str | None") -> bytes:
    _ask_for_tls(plain)
    with context.wrap_socket(plain, server_hostname=name) as encrypted:
        return encrypted.getpeercert(binary_form=True) or b""


def _ask_for_tls(plain: socket.socket) -> None:
    """Read the greeting, ask for TLS [MySQL internals, connection phase]."""
    greeting = _packet(plain)
    if greeting[:1] == b"\xff":
        number = struct.unpack("<H", greeting[1:3])[0]
        raise NoTls(f"error {number}: {greeting[3:].decode(errors='replace')}")
    # Version, thread id, 8 bytes of a challenge and a filler stand before the lower half of its capabilities.
    rest = greeting[1:].partition(b"\0")[2][13:]
    if len(rest) < 2 or not struct.unpack("<H", rest[:2])[0] & _SSL:
        raise NoTls("it offers no TLS")
    request = struct.pack("<IIB23x", _CAPABILITIES, 1 << 24, _UTF8MB4)
    plain.sendall(struct.pack("<I", len(request) | 1 << 24) + request)


def _packet(plain: socket.socket) -> bytes:
    size = struct.unpack("<I", _read(plain, 4))[0] & 0xFFFFFF
    return _read(plain, size)


def _read(plain: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = plain.recv(size - len(found))
        if not more:
            raise NoTls("it closes the connection")
        found += more
    return found


def days_left(certificate_der: bytes) -> float:
    """Until a certificate expires, by this host's clock; negative when it has.

    The ssl module decodes only what a peer has shown and was verified, so the end of the validity is read here: a
    UTCTime (years below 50 are of this century) or a GeneralizedTime [RFC 5280, 4.1.2.5].
    """
    rest = _element(_element(certificate_der)[1])[1]  # Certificate → TBSCertificate
    parts = []
    while rest:
        tag, content, rest = _element(rest)
        parts.append((tag, content))
    # [version,] serial number, signature, issuer, validity
    validity = parts[4 if parts[0][0] == 0xA0 else 3][1]
    tag, content, _ = _element(_element(validity)[2])
    text = content.decode("ascii")
    if tag == 0x17:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return (calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")) - time.time()) / 86400


def _element(encoded: bytes) -> tuple[int, bytes, bytes]:
    """(tag, content, what follows) of a DER element."""
    tag, size, start = encoded[0], encoded[1], 2
    if size & 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(encoded[2:start], "big")
    return tag, encoded[start : start + size], encoded[start + size :]
