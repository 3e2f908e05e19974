"""A distribution."""

import secrets
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from lab.providers.aws.acm_certificate import settle
from lab.providers.aws.edge import EdgeType, etag
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal

HOSTED_ZONE = "Z2FDTNDATAQYW2"
"""The zone that every alias record to a distribution names; the same for all of AWS."""


class Distribution(EdgeType):
    """Everything but `staging` changes in place."""

    token = "aws:cloudfront/distribution:Distribution"
    arn_path = "distribution/"
    unstable = frozenset({"etag", "lastModifiedTime", "status"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        comment = inputs.get("comment")
        if isinstance(comment, str) and len(comment) > 128:
            yield Problem("comment", f"expected length of comment to be in the range (0 - 128), got {len(comment)}")
        yield from _origin_problems(inputs)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        name = "d" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(13))
        return {
            "callerReference": f"terraform-{secrets.token_hex(13)}",
            "domainName": f"{name}.cloudfront.net",
            "hostedZoneId": HOSTED_ZONE,
            "inProgressValidationBatches": 0,
            "loggingV1Enabled": bool(inputs.get("loggingConfig")),
            "trustedKeyGroups": [{"enabled": False, "items": []}],
            "trustedSigners": [{"enabled": False, "items": []}],
            **_changed(),
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        _require_possible(box, identity, record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        _require_possible(box, identity, record)

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return super().update(call, identity, state, {**new, **_changed()})


def _require_possible(box: Box, identity: str, record: dict[str, Any]) -> None:
    """What CloudFront's API refuses when it sees other distributions, certificates, policies. Refusal."""
    from lab.services.edge_policies import known_policy

    aliases = set(record.get("aliases") or ())
    for other, one in box.records(Distribution.token).items():
        taken = sorted(aliases & set(one.get("aliases") or ()))
        if other != identity and taken:
            raise Refusal(
                "CNAMEAlreadyExists: One or more of the CNAMEs you provided are already associated with a different "
                f"resource: {', '.join(taken)} ({other}). An alternate name belongs to one distribution worldwide"
            )
    if aliases:
        _require_certificate(box, record, aliases)
    if record.get("originGroups"):
        raise Refusal("the lab's edges have no origin groups (on AWS they retry GET, HEAD and OPTIONS only)")
    for behaviour in (record["defaultCacheBehavior"], *(record.get("orderedCacheBehaviors") or ())):
        missing = known_policy(box.records, behaviour)
        if missing:
            raise Refusal(f"NoSuchPolicy: {', '.join(missing)} does not exist")
        for one in behaviour.get("functionAssociations") or ():
            name = str(one["functionArn"]).rpartition("/")[2]
            if box.record("aws:cloudfront/function:Function", name) is None:
                raise Refusal(f"InvalidFunctionAssociation: there is no function {one['functionArn']}")
        if behaviour.get("lambdaFunctionAssociations"):
            raise Refusal("the lab's edges run CloudFront functions, no Lambda@Edge")


def _require_certificate(box: Box, record: dict[str, Any], aliases: set[str]) -> None:
    from lab.services.cloudfront import covers

    arn = str((record.get("viewerCertificate") or {}).get("acmCertificateArn") or "")
    if not arn:
        raise Refusal(
            "InvalidViewerCertificate: To add an alternate domain name (CNAME) to a CloudFront distribution, you must "
            "attach a trusted certificate that validates your authorization to use the domain name"
        )
    held = settle(box, arn)
    if held is None or held.get("status") != "ISSUED" or ":us-east-1:" not in arn:
        raise Refusal(
            "InvalidViewerCertificate: The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't "
            f"valid, or doesn't include a valid certificate chain: {arn}"
        )
    uncovered = sorted(name for name in aliases if not covers(held, name))
    if uncovered:
        raise Refusal(
            "InvalidViewerCertificate: The certificate that is attached to your distribution doesn't cover the "
            f"alternate domain name (CNAME) that you're trying to add: {', '.join(uncovered)}"
        )


def _changed() -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")
    return {"etag": etag(), "lastModifiedTime": now, "status": "Deployed"}


def _origin_problems(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """Behaviours that name an origin which is not there. Says nothing while a name is not known yet."""
    origins = inputs["origins"]
    if not isinstance(origins, list) or not all(isinstance(one, dict) for one in origins):
        return
    names = {one.get("originId") for one in origins}
    names |= {one.get("originId") for one in inputs.get("originGroups") or [] if isinstance(one, dict)}
    behaviours = {"defaultCacheBehavior": inputs["defaultCacheBehavior"]}
    ordered = inputs.get("orderedCacheBehaviors") or []
    if isinstance(ordered, list):
        behaviours |= {f"orderedCacheBehaviors[{at}]": one for at, one in enumerate(ordered)}
    if not all(isinstance(name, str) for name in names):
        return
    for path, behaviour in behaviours.items():
        target = behaviour.get("targetOriginId") if isinstance(behaviour, dict) else None
        if isinstance(target, str) and target not in names:
            known = ", ".join(sorted(names))
            yield Problem(f"{path}.targetOriginId", f"NoSuchOrigin: no origin is called {target!r}; there are: {known}")
