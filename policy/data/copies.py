"""What is made of something else, and takes its encryption over from there."""

from collections.abc import Mapping

VOLUME = "aws:ebs/volume:Volume"
INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"

FLAG: Mapping[str, str] = {
    VOLUME: "encrypted",
    INSTANCE: "storageEncrypted",
    CLUSTER: "storageEncrypted",
    "aws:ebs/snapshot:Snapshot": "encrypted",
    "aws:ebs/snapshotCopy:SnapshotCopy": "encrypted",
    "aws:rds/snapshot:Snapshot": "encrypted",
    "aws:rds/snapshotCopy:SnapshotCopy": "encrypted",
    "aws:rds/clusterSnapshot:ClusterSnapshot": "storageEncrypted",
    "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy": "storageEncrypted",
}
"""The property that says whether it is encrypted; of a snapshot, the provider says it."""

SOURCES: Mapping[str, tuple[str, ...]] = {
    VOLUME: ("snapshotId",),
    INSTANCE: (
        "replicateSourceDb", "restoreToPointInTime.sourceDbInstanceIdentifier",
        "restoreToPointInTime.sourceDbiResourceId", "restoreToPointInTime.sourceDbInstanceAutomatedBackupsArn",
        "snapshotIdentifier",
    ),
    CLUSTER: (
        "replicationSourceIdentifier", "restoreToPointInTime.sourceClusterIdentifier",
        "restoreToPointInTime.sourceClusterResourceId", "snapshotIdentifier",
    ),
    "aws:ebs/snapshot:Snapshot": ("volumeId",),
    "aws:ebs/snapshotCopy:SnapshotCopy": ("sourceSnapshotId",),
    "aws:rds/snapshot:Snapshot": ("dbInstanceIdentifier",),
    "aws:rds/snapshotCopy:SnapshotCopy": ("sourceDbSnapshotIdentifier",),
    "aws:rds/clusterSnapshot:ClusterSnapshot": ("dbClusterIdentifier",),
    "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy": ("sourceDbClusterSnapshotIdentifier",),
}  # fmt: skip
"""Properties that name what it is made of. Those that the provider may fill itself come last."""

CALLED = (
    "id", "arn", "identifier", "clusterIdentifier", "resourceId", "clusterResourceId", "dbSnapshotArn",
    "dbSnapshotIdentifier", "targetDbSnapshotIdentifier", "dbClusterSnapshotArn", "dbClusterSnapshotIdentifier",
    "targetDbClusterSnapshotIdentifier",
)  # fmt: skip
"""Properties by which others name one of these."""
