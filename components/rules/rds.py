"""Refusals about databases on Amazon RDS, known by their host names: whose certificates they have. Pure.

RDS signs with an authority of Amazon's own, which no system trusts: without its bundle every run ends before it begins,
in "certificate verify failed" [Amazon RDS user guide, Using SSL/TLS to encrypt a connection to a DB instance].
"""

import re
from collections.abc import Iterator

_HOST = re.compile(
    # China puts the service before its region, and so do some hosts of GovCloud; the others after it.
    r".+\.(?:(?P<before>[a-z]{2}(?:-[a-z]+)+-\d)\.rds|rds\.(?P<after>[a-z]{2}(?:-[a-z]+)+-\d))\.amazonaws\.com(?:\.cn)?"
)
_PROXY = re.compile(r"\.proxy-[a-z0-9]+\.")
"""Of an RDS Proxy, whose certificates are ACM's: systems trust those [same guide, Using TLS/SSL with RDS Proxy]."""


def authority_problems(field: str, address: object, pem: object, then: str = "") -> Iterator[str]:
    """Why the certificate of this database could not be verified. `field` holds `pem`; `then` is the end of a shell
    line that sets it."""
    host = address.rstrip(".").lower() if isinstance(address, str) else ""
    region = region_of(host)
    text = pem if isinstance(pem, str) else ""
    fetch = f"`curl -fsS {bundle_url(region or 'REGION')}{then}`"
    if text.strip() and "-----BEGIN CERTIFICATE-----" not in text:
        yield f"{field} is {text[:40]!r}, not the PEM text of an authority: give the text itself, for RDS {fetch}"
    elif region and not _PROXY.search(host) and not text.strip():
        yield (
            f"{field} is empty and {host} is a host of Amazon RDS whose certificates come from Amazon's own authority: "
            'no system trusts it, so every backup would end in "certificate verify failed": give the region\'s '
            f"bundle, {fetch}"
        )


def region_of(host: str) -> str:
    """The AWS region in the name of an RDS host; "" for other hosts."""
    found = _HOST.fullmatch(host)
    return (found["before"] or found["after"]) if found else ""


def bundle_url(region: str) -> str:
    """Where AWS has the authorities of a region [same guide, and that of AWS China]."""
    place = "truststore.pki.rds.amazonaws.com"
    if region.startswith("us-gov-"):
        place = "truststore.pki.us-gov-west-1.rds.amazonaws.com"
    elif region.startswith("cn-"):
        place = "rds-truststore.s3.cn-north-1.amazonaws.com.cn"
    return f"https://{place}/{region}/{region}-bundle.pem"
