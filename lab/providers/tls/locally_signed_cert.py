"""A certificate signed by an authority whose key is at hand."""

from typing import Any

from lab.providers.framework.types import Call, Refusal
from lab.providers.tls.keys import Certificate, algorithm_of, private_key


class LocallySignedCert(Certificate):
    """Subject and alternative names come from the request."""

    token = "tls:index/locallySignedCert:LocallySignedCert"
    secret_outputs = frozenset({"caPrivateKeyPem"})

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        from cryptography import x509

        pem = inputs.get("caPrivateKeyPem") or inputs.get("caPrivateKeyPemWo")
        if not pem:
            raise Refusal("one of caPrivateKeyPem and caPrivateKeyPemWo must be given")
        key = private_key(pem, "caPrivateKeyPem")
        try:
            authority = x509.load_pem_x509_certificate(inputs["caCertPem"].encode())
            request = x509.load_pem_x509_csr(inputs["certRequestPem"].encode())
        except ValueError as error:
            raise Refusal(f"caCertPem or certRequestPem cannot be read: {error}") from None
        try:
            names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = None
        made = self.sign(inputs, request.subject, request.public_key(), authority.subject, key, names, authority)
        serial = x509.load_pem_x509_certificate(made["certPem"].encode()).serial_number
        return str(serial), {"caKeyAlgorithm": algorithm_of(key), **made}
