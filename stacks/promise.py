"""What a stack has promised, and where the records go that hold it to that: for its inventory."""

import pulumi

from twinsite.inventory import Promise

from . import budget
from .declared import EVIDENCE
from .settings import Reader

PLACES = ("s3://", "azblob://", "file:///")


def evidence(reader: Reader) -> str:
    """Where records go; "" where nothing is set."""
    found = reader.text(EVIDENCE, required=False)
    if found and not found.startswith(PLACES):
        reader.problems.append(
            f"{EVIDENCE} is {found!r}: `pulumi config set {EVIDENCE} PLACE` with s3://BUCKET/PREFIX, "
            f"azblob://ACCOUNT/CONTAINER or file:///FOLDER, or `pulumi config rm {EVIDENCE}`"
        )
        return ""
    return found


def promised() -> Promise:
    """By the settings of the stack that is being built, which the program has read and found right."""
    reader = Reader(pulumi.Config().get)
    allowed = budget.read(reader)
    return Promise(allowed.rto_seconds, allowed.rpo_seconds, evidence(reader))
