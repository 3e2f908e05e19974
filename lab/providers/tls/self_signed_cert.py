"""A certificate that signs itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.types import Call, Refusal
from lab.providers.tls.keys import Certificate, algorithm_of, alternative_names, name_of, private_key


class SelfSignedCert(Certificate):
    """Usually a certificate authority of one's own."""

    token = "tls:index/selfSignedCert:SelfSignedCert"
    defaults: ClassVar[Mapping[str, Any]] = {**Certificate.defaults, "setAuthorityKeyId": False}
    secret_outputs = frozenset({"privateKeyPem"})

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        from cryptography import x509

        pem = inputs.get("privateKeyPem") or inputs.get("privateKeyPemWo")
        if not pem:
            raise Refusal("one of privateKeyPem and privateKeyPemWo must be given")
        key = private_key(pem, "privateKeyPem")
        subject = name_of(inputs.get("subject"))
        made = self.sign(inputs, subject, key.public_key(), subject, key, alternative_names(inputs), None)
        serial = x509.load_pem_x509_certificate(made["certPem"].encode()).serial_number
        return str(serial), {"keyAlgorithm": algorithm_of(key), **made}
