"""A certificate signing request."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.changes import Declared
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal, ResourceType
from lab.providers.tls.keys import (
    address_problems,
    algorithm_of,
    alternative_names,
    digest_for,
    name_of,
    private_key,
)


class CertRequest(ResourceType):
    """Every input replaces."""

    token = "tls:index/certRequest:CertRequest"
    secret_outputs = frozenset({"privateKeyPem"})

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        return Declared(frozenset(schema["inputs"]), frozenset())

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return address_problems(inputs)

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        pem = inputs.get("privateKeyPem") or inputs.get("privateKeyPemWo")
        if not pem:
            raise Refusal("one of privateKeyPem and privateKeyPemWo must be given")
        key = private_key(pem, "privateKeyPem")
        builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(inputs.get("subject")))
        names = alternative_names(inputs)
        if names is not None:
            builder = builder.add_extension(names, False)
        made = builder.sign(key, digest_for(key))
        text = made.public_bytes(serialization.Encoding.PEM).decode()
        identity = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        return identity, {"certRequestPem": text, "keyAlgorithm": algorithm_of(key)}
