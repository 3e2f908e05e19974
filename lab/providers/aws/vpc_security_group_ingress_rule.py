"""One rule of a security group, for packets that come in."""

from lab.providers.aws.rules import GroupRule


class SecurityGroupIngressRule(GroupRule):
    """See GroupRule."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
