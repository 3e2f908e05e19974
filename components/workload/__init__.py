"""What runs in clusters: the application's pods at both sites (Workload), the standby's cluster (GkeStandby), and what
a primary does for the standby's sake (BackupJob, PostgresBackupJob: CronJob or systemd timer, their images), and what
restores it there (PostgresRestoreJob). Not here: what these jobs do (guest/backup/, guest/archive/), where backups rest
(storage/).
"""
