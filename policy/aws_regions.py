"""In which region a resource of AWS is."""

from .judging import Resource

# What AWS has once for all regions, so that its provider's region says nothing of it (pulumi-aws 7 gives all others a
# property `region`). Modules as a whole, then types of modules that have regional ones as well.
_AWS_GLOBAL = frozenset(
    """
    account bcmdata billing budgets cloudfront costexplorer costoptimizationhub cur globalaccelerator iam networkmanager
    notifications organizations pricingplanmanager rolesanywhere route53domains route53recoverycontrol
    route53recoveryreadiness shield uxc waf

    backup/globalSettings bedrock/useCaseForModelAccess chime/sdkvoiceGlobalSettings
    cloudtrail/organizationDelegatedAdminAccount directconnect/gateway ec2/vpcIpamOrganizationAdminAccount
    fms/adminAccount ram/sharingWithOrganization s3/accountPublicAccessBlock servicecatalog/organizationsAccess

    route53/cidrCollection route53/cidrLocation route53/delegationSet route53/healthCheck route53/hostedZoneDnsSec
    route53/keySigningKey route53/queryLog route53/record route53/recordsExclusive route53/trafficPolicy
    route53/trafficPolicyInstance route53/vpcAssociationAuthorization route53/zone route53/zoneAssociation
    """.split()  # noqa: SIM905  # read as a list of words
)


def aws_has_once(kind: str) -> bool:
    """Whether a type of AWS is in no region."""
    _, token, _ = kind.split(":")
    return token in _AWS_GLOBAL or token.partition("/")[0] in _AWS_GLOBAL


def region_of(one: Resource) -> str:
    """As it says itself, else its provider's; empty for what AWS has once, and where nothing says it."""
    if one.given("region") or aws_has_once(one.type):
        return str(one.get("region", ""))
    return str(Resource(one.type, one.name, one.provider).get("region", ""))
