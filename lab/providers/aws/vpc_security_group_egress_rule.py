"""One rule of a security group, for packets that go out."""

from lab.providers.aws.rules import GroupRule


class SecurityGroupEgressRule(GroupRule):
    """See GroupRule."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
