"""A signed record of every attempt, each naming the one before, kept where nobody can take it back (ADR 45).

Here: statements, signatures, the chain, its write-once anchor. Not here: what was proved and until when it counts
(evidence/), and the journal from which an operation goes on (journal/). `verify-evidence` reads all of it without us.
"""

from .anchor import Anchor, opened, place
from .attempt import Attempt, Subject, begun, recorded
from .keys import Key, mine
from .plan import Approval, NotApproved, Planned, approval, plan_digest, unasked
from .stamp import Authority

__all__ = [
    "Anchor",
    "Approval",
    "Attempt",
    "Authority",
    "Key",
    "NotApproved",
    "Planned",
    "Subject",
    "approval",
    "begun",
    "mine",
    "opened",
    "place",
    "plan_digest",
    "recorded",
    "unasked",
]
