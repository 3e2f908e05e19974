"""Pages that say of a disaster that all is well."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each
from .graph import DISTRIBUTION

_LONGEST_SECONDS = 60


def problems(one: Resource) -> Iterator[str]:
    for answer in one.parts("customErrorResponses"):
        error, said = answer.number("errorCode", 0), answer.number("responseCode", 503)
        if error < 500:
            continue
        if said < 500:
            yield (
                f"error {error:g} is answered with {said:g}, so search engines index the notice and monitors are "
                "content: set responseCode to 503"
            )
        kept = answer.number("errorCachingMinTtl", 0)
        if kept > _LONGEST_SECONDS:
            yield f"error {error:g} is kept for {kept:g} s after the end is back: set errorCachingMinTtl to 60 or less"


POLICY = each(
    "error-page-looks-healthy",
    Severity.MEDIUM,
    "A notice is a 503 that nobody keeps (K37; RFC 9110 15.6.4; CloudFront developer guide, custom error responses).",
    {DISTRIBUTION: problems},
)
