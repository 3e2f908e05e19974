"""Keys and certificates: what all types of this package share."""

import datetime
import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lab.providers.framework.changes import Declared
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal, ResourceType

if TYPE_CHECKING:  # the library takes 0.1 s to import, which a run without changes does not need
    from cryptography import x509

USES = {
    "digital_signature": "digital_signature",
    "content_commitment": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}
"""`allowed_uses` that are key usages, as the library names them."""

EXTENDED = {
    "any_extended": "2.5.29.37.0",
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "ipsec_end_system": "1.3.6.1.5.5.7.3.5",
    "ipsec_tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec_user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
}

SUBJECT = {
    "commonName": "2.5.4.3",
    "serialNumber": "2.5.4.5",
    "country": "2.5.4.6",
    "locality": "2.5.4.7",
    "province": "2.5.4.8",
    "organization": "2.5.4.10",
    "organizationalUnit": "2.5.4.11",
    "postalCode": "2.5.4.17",
    "emailAddress": "1.2.840.113549.1.9.1",
}


def private_key(pem: str, what: str) -> Any:
    """Parse a PEM or OpenSSH private key."""
    from cryptography.hazmat.primitives import serialization

    load = serialization.load_ssh_private_key if "OPENSSH" in pem else serialization.load_pem_private_key
    try:
        return load(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise Refusal(f"{what} cannot be read as a private key: {error}") from None


def algorithm_of(key: Any) -> str:
    """RSA, ECDSA or ED25519."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def digest_for(key: Any) -> Any:
    """The hash that the provider signs with (Go's defaults); ED25519 has its own."""
    from cryptography.hazmat.primitives import hashes

    if algorithm_of(key) == "ED25519":
        return None
    bits = getattr(getattr(key, "curve", None), "key_size", 256)
    return hashes.SHA384() if bits == 384 else hashes.SHA512() if bits == 521 else hashes.SHA256()


def name_of(subject: Mapping[str, Any] | None) -> "x509.Name":
    """A distinguished name from the resource's `subject`."""
    from cryptography import x509
    from cryptography.x509.oid import ObjectIdentifier

    given = subject or {}
    parts = [x509.NameAttribute(ObjectIdentifier(oid), given[key]) for key, oid in SUBJECT.items() if given.get(key)]
    street = ObjectIdentifier("2.5.4.9")
    parts += [x509.NameAttribute(street, line) for line in given.get("streetAddresses") or []]
    return x509.Name(parts)


def alternative_names(inputs: Mapping[str, Any]) -> "x509.SubjectAlternativeName | None":
    """From dnsNames, ipAddresses, uris; None without any."""
    from cryptography import x509

    names: list[x509.GeneralName] = [x509.DNSName(name) for name in inputs.get("dnsNames") or []]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in inputs.get("ipAddresses") or []]
    names += [x509.UniformResourceIdentifier(one) for one in inputs.get("uris") or []]
    return x509.SubjectAlternativeName(names) if names else None


def ssh_fingerprints(openssh: str) -> dict[str, str]:
    """MD5 and SHA-256 of the public key's blob, in OpenSSH's forms."""
    import base64

    raw = base64.b64decode(openssh.split()[1])
    md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return {
        "publicKeyFingerprintMd5": ":".join(md5[at : at + 2] for at in range(0, 32, 2)),
        "publicKeyFingerprintSha256": "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("="),
    }


def address_problems(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """ipAddresses that are none."""
    for at, one in enumerate(inputs.get("ipAddresses") or []):
        if isinstance(one, str):
            try:
                ipaddress.ip_address(one)
            except ValueError:
                yield Problem(f"ipAddresses[{at}]", f"invalid IP address {one!r}")


class Certificate(ResourceType):
    """What self-signed and locally signed certificates share. Everything replaces but the renewal margin."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "earlyRenewalHours": 0,
        "isCaCertificate": False,
        "setSubjectKeyId": False,
        "readyForRenewal": False,
    }

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        return Declared(frozenset(schema["inputs"]) - {"earlyRenewalHours"}, frozenset({"earlyRenewalHours"}))

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        for at, use in enumerate(inputs.get("allowedUses") or []):
            if isinstance(use, str) and use not in USES and use not in EXTENDED:
                known = ", ".join(sorted({*USES, *EXTENDED}))
                yield Problem(f"allowedUses[{at}]", f"{use!r} is no use of a certificate; one of {known}")
        if isinstance(inputs.get("validityPeriodHours"), int) and inputs["validityPeriodHours"] < 0:
            yield Problem("validityPeriodHours", "validityPeriodHours must be at least 0")
        yield from address_problems(inputs)

    def sign(
        self, inputs: Mapping[str, Any], subject: "x509.Name", public: Any, issuer: "x509.Name", signer: Any,
        names: "x509.SubjectAlternativeName | None", authority: "x509.Certificate | None",
    ) -> dict[str, Any]:  # fmt: skip
        """certPem and the times."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        # cut to whole seconds: the certificate cannot say more, and the outputs must say the same
        begin = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        end = begin + datetime.timedelta(hours=inputs["validityPeriodHours"])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        for extension, critical in self._extensions(inputs, public, names, authority):
            builder = builder.add_extension(extension, critical)
        made = builder.sign(signer, digest_for(signer))
        return {
            "certPem": made.public_bytes(serialization.Encoding.PEM).decode(),
            "validityStartTime": _time(begin),
            "validityEndTime": _time(end),
            **self._renewal(inputs, end),
        }

    @staticmethod
    def _extensions(
        inputs: Mapping[str, Any], public: Any, names: "x509.SubjectAlternativeName | None",
        authority: "x509.Certificate | None",
    ) -> "list[tuple[x509.ExtensionType, bool]]":  # fmt: skip
        from cryptography import x509
        from cryptography.x509.oid import ObjectIdentifier

        uses = set(inputs.get("allowedUses") or [])
        found: list[tuple[x509.ExtensionType, bool]] = []
        if uses & set(USES):
            found.append((x509.KeyUsage(**{given: use in uses for use, given in USES.items()}), True))
        extended = [ObjectIdentifier(EXTENDED[use]) for use in inputs.get("allowedUses") or [] if use in EXTENDED]
        if extended:
            found.append((x509.ExtendedKeyUsage(extended), False))
        authoritative = bool(inputs.get("isCaCertificate"))
        length = inputs.get("maxPathLength") if authoritative else None
        found.append((x509.BasicConstraints(ca=authoritative, path_length=length), True))
        if inputs.get("setSubjectKeyId") or authoritative:
            found.append((x509.SubjectKeyIdentifier.from_public_key(public), False))
        if authority is not None:
            found.append((_authority_key(authority), False))
        elif inputs.get("setAuthorityKeyId"):
            found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False))
        if names is not None:
            found.append((names, False))
        return found

    @staticmethod
    def _renewal(inputs: Mapping[str, Any], end: datetime.datetime) -> dict[str, Any]:
        early = datetime.timedelta(hours=inputs.get("earlyRenewalHours") or 0)
        return {"readyForRenewal": datetime.datetime.now(datetime.UTC) >= end - early}

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        """The real provider forgets a certificate that is due for renewal, so that the next `up` makes a new one."""
        if not state:
            return super().read(call, identity, state)
        renewal = self._renewal(state, datetime.datetime.fromisoformat(state["validityEndTime"]))
        return None if renewal["readyForRenewal"] else state

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return self._renewal(new, datetime.datetime.fromisoformat(state["validityEndTime"]))


def _authority_key(authority: "x509.Certificate") -> "x509.AuthorityKeyIdentifier":
    from cryptography import x509

    try:
        held = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(held)


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
