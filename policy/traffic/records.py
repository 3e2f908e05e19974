"""Records that contradict each other, or answer what they must not."""

from pulumi_policy import Severity

from twinsite.rules.records import record_problems

from ..judging import together
from .graph import RECORD, RECORD_READS, props_of

POLICY = together(
    "records-contradict",
    Severity.HIGH,
    "Records of a failover pair fit each other: roles, identifiers, types, checks, targets (K27–K30, K32, K33, K35, "
    "K36; Route 53 developer guide, failover routing).",
    {RECORD: RECORD_READS},
    lambda found: record_problems(props_of(found, RECORD)),
)
