"""Which sites the box has before anything is provisioned, and which stack is theirs."""

ONPREM_AWS = "onprem-aws"
AWS_AZURE = "aws-azure"
STACKS = {ONPREM_AWS: "dev", AWS_AZURE: "dr"}
"""Topology to the stack that the desk makes ready for it."""
DEFAULT = ONPREM_AWS
