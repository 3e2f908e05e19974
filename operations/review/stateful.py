"""Types whose resources hold what cannot be made again: with them data go. Pure."""

import re

_TYPES = (
    "aws:backup/vault:Vault",
    "aws:docdb/cluster:Cluster",
    "aws:dynamodb/table:Table",
    "aws:ebs/volume:Volume",
    "aws:ecr/repository:Repository",
    "aws:efs/fileSystem:FileSystem",
    "aws:kms/key:Key",
    "aws:rds/",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "aws:secretsmanager/secret:Secret",
    "azure-native:compute:Disk",
    "azure-native:dbformysql:Server",
    "azure-native:dbforpostgresql:Server",
    "azure-native:keyvault:Key",
    "azure-native:keyvault:Vault",
    "azure-native:sql:Database",
    "azure-native:storage:BlobContainer",
    "azure-native:storage:FileShare",
    "azure-native:storage:StorageAccount",
    "gcp:kms/cryptoKey:CryptoKey",
    "gcp:sql/databaseInstance:DatabaseInstance",
    "gcp:storage/bucket:Bucket",
    "kubernetes:core/v1:PersistentVolume",
    "kubernetes:core/v1:PersistentVolumeClaim",
)
"""Tokens, or how they begin."""

_SETTINGS_OF_THEM = ("ParameterGroup", "SubnetGroup", "OptionGroup", "EventSubscription", "RoleAssociation")
"""Ends of tokens that begin so and hold nothing."""


def holds_data(token: str) -> bool:
    """Whether deleting or replacing one loses data."""
    token = re.sub(r"/v\d{8}\w*(?=:)", "", token)  # azure-native's types of one API version
    whole = [one for one in _TYPES if not one.endswith("/")]
    begins = tuple(one for one in _TYPES if one.endswith("/"))
    return token in whole or (token.startswith(begins) and not token.endswith(_SETTINGS_OF_THEM))
