"""What AWS reaches late, and what its provider does about it (see framework/lateness.py).

Names of errors and retries are the provider's own [terraform-provider-aws, internal/service; FACTS 20]; how long each
lasts is not said anywhere: seconds are assumptions of the right size. Not late here: what EC2's read-after-write would
miss, because the provider's own creation waits until it finds the thing; objects in a new bucket, likewise.
"""

from lab.providers.framework.lateness import Early, Late

_ADDRESS = (
    "IncorrectInstanceState: The pending-instance-creation instance to which '{name}' is attached is not in a valid "
    "state for this operation"
)
_BUCKET_SETTINGS = (
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "bucketOwnershipControls:BucketOwnershipControls",
    "bucketPolicy:BucketPolicy",
    "bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "bucketVersioning:BucketVersioning",
)

LATE = (
    Late(
        "aws:ec2/instance:Instance",
        ("primaryNetworkInterface.networkInterfaceId", "networkInterfaces.networkInterfaceId"),
        (15, 60),
        "instance.go waits for running; AssociateAddress is not tried again in eip.go and eip_association.go, only the "
        "look at its result (hashicorp/terraform-provider-aws#6189, #19699)",
        (
            Early("aws:ec2/eipAssociation:EipAssociation", "networkInterfaceId", _ADDRESS, provoked_seconds=1800),
            Early("aws:ec2/eip:Eip", "networkInterface", _ADDRESS, provoked_seconds=1800),
        ),
        waited=True,
    ),
    Late("aws:ec2/eip:Eip", ("allocationId",), (1, 15), "eip.go: tried again until found", waited=True),
    Late("aws:ebs/volume:Volume", ("id",), (5, 20), "ebs_volume.go waits for available", waited=True),
    Late("aws:route53/record:Record", ("name",), (5, 40), "record.go waits for INSYNC", waited=True),
    Late(
        "aws:iam/role:Role",
        ("name",),
        (2, 20),
        "instance_profile.go: two minutes",
        (
            Early(
                "aws:iam/instanceProfile:InstanceProfile",
                "role",
                "NoSuchEntity: The role with name {name} cannot be found.",
                retried_seconds=120,
            ),
        ),
    ),
    Late(
        "aws:iam/instanceProfile:InstanceProfile",
        ("name",),
        (5, 30),
        "ec2_instance.go: two minutes",
        (
            Early(
                "aws:ec2/instance:Instance",
                "iamInstanceProfile",
                "InvalidParameterValue: Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM "
                "Instance Profile name",
                retried_seconds=120,
            ),
        ),
    ),
    Late(
        "aws:route53/zone:Zone",
        ("zoneId",),
        (1, 30),
        "record.go: one minute",
        (
            Early(
                "aws:route53/record:Record",
                "zoneId",
                "NoSuchHostedZone: No hosted zone found with ID: {name}",
                retried_seconds=60,
            ),
        ),
    ),
    Late(
        "aws:s3/bucket:Bucket",
        ("bucket",),
        (1, 20),
        "bucket_policy.go, bucket_versioning.go and the other settings: two minutes",
        tuple(
            Early(f"aws:s3/{one}", "bucket", "NoSuchBucket: The specified bucket does not exist", retried_seconds=120)
            for one in _BUCKET_SETTINGS
        ),
    ),
    Late(
        "aws:acm/certificate:Certificate",
        ("arn",),
        (120, 300),
        "certificate.go returns while validation is pending, certificate_validation.go waits 75 minutes, "
        "distribution.go tries again for one",
        (
            Early(
                "aws:acm/certificateValidation:CertificateValidation",
                "certificateArn",
                "timeout while waiting for state to become 'ISSUED' (last state: 'PENDING_VALIDATION')",
                retried_seconds=4500,
            ),
            Early(
                "aws:cloudfront/distribution:Distribution",
                "viewerCertificate.acmCertificateArn",
                "InvalidViewerCertificate: The specified SSL certificate doesn't exist, isn't in us-east-1 region, "
                "isn't valid, or doesn't include a valid certificate chain.",
                retried_seconds=60,
            ),
        ),
    ),
)
