"""Distributions that CloudFront would not take, or that lose writes."""

from pulumi_policy import Severity

from twinsite.rules.records import distribution_problems

from ..judging import together
from .graph import DISTRIBUTION, DISTRIBUTION_READS, props_of

POLICY = together(
    "distribution-loses-writes",
    Severity.HIGH,
    "A distribution owns its names alone, sends writes to one origin and asks it by TLS (K36; CloudFront developer "
    "guide, origin failover).",
    {DISTRIBUTION: DISTRIBUTION_READS},
    lambda found: distribution_problems(props_of(found, DISTRIBUTION)),
)
