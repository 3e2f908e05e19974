"""An authority of its own and a server certificate for one address, so that clients can verify a database."""

import pulumi
import pulumi_tls as tls

# The authority outlives several server certificates; both are renewed by the `up` that runs in their last year.
_AUTHORITY_HOURS = 20 * 365 * 24
_CERTIFICATE_HOURS = 5 * 365 * 24
_RENEW_HOURS = 365 * 24


def server_certificate(
    name: str, host: str, part: str, address: str, parent: pulumi.Resource
) -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[str]]:
    """(authority, certificate, key), PEM. The certificate names the address that clients connect to."""
    child = pulumi.ResourceOptions(parent=parent)
    authority_key = tls.PrivateKey(f"{name}-authority", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
    authority = tls.SelfSignedCert(
        f"{name}-authority",
        private_key_pem=authority_key.private_key_pem,
        subject={"common_name": f"twinsite {name}", "organization": "twinsite"},
        is_ca_certificate=True,
        allowed_uses=["cert_signing", "crl_signing"],
        validity_period_hours=_AUTHORITY_HOURS,
        early_renewal_hours=_RENEW_HOURS,
        opts=child,
    )
    key = tls.PrivateKey(f"{name}-{part}", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
    request = tls.CertRequest(
        f"{name}-{part}",
        private_key_pem=key.private_key_pem,
        subject={"common_name": host, "organization": "twinsite"},
        ip_addresses=[address],
        opts=child,
    )
    certificate = tls.LocallySignedCert(
        f"{name}-{part}",
        cert_request_pem=request.cert_request_pem,
        ca_private_key_pem=authority_key.private_key_pem,
        ca_cert_pem=authority.cert_pem,
        allowed_uses=["server_auth", "digital_signature"],
        validity_period_hours=_CERTIFICATE_HOURS,
        early_renewal_hours=_RENEW_HOURS,
        opts=child,
    )
    return authority.cert_pem, certificate.cert_pem, pulumi.Output.secret(key.private_key_pem)
