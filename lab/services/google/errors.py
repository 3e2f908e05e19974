"""How Google's APIs refuse: google.rpc.Status [Google Cloud APIs, Errors; AIP-193], and the older shape that Compute
Engine and the JSON API of Cloud Storage have [Cloud Storage, HTTP status and error codes for JSON]."""

from collections.abc import Mapping
from typing import Any

from lab.services.api import Answer, told

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    501: "UNIMPLEMENTED",
}


class Refusal(Exception):
    """An error answer. `reason` is Google's word for it, `about` what an ErrorInfo says besides."""

    def __init__(self, status: int, message: str, reason: str = "", about: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.reason, self.about = status, message, reason, dict(about or {})


def rpc(refusal: Refusal, domain: str = "googleapis.com") -> Answer:
    """As APIs of today say it."""
    error: dict[str, Any] = {"code": refusal.status, "message": refusal.message}
    if refusal.status in STATUS:
        error["status"] = STATUS[refusal.status]
    if refusal.reason:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refusal.reason}
        domain = "iam.googleapis.com" if refusal.reason == "IAM_PERMISSION_DENIED" else domain
        error["details"] = [{**info, "domain": domain, "metadata": refusal.about}]
    return told(refusal.status, {"error": error})


def older(refusal: Refusal) -> Answer:
    """As Compute Engine, Cloud SQL and Cloud Storage say it."""
    one = {"message": refusal.message, "domain": "global", "reason": refusal.reason}
    return told(refusal.status, {"error": {"code": refusal.status, "message": refusal.message, "errors": [one]}})


def denied(permission: str, resource: str) -> Refusal:
    """What IAM says of a right that is not there [IAM, permission error messages]."""
    return Refusal(
        403,
        f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
        "IAM_PERMISSION_DENIED",
        {"permission": permission, "resource": resource},
    )


def unsupported(host: str, method: str, path: str) -> Refusal:
    """What the lab does not play; Google's own would be another answer."""
    return Refusal(501, f"the twinsite lab does not answer {method} {path} of {host}", "LAB_NOT_PLAYED")
