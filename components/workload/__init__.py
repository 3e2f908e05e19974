"""What runs in clusters: the application's pods at both sites (Workload), the standby's cluster (GkeStandby), and what
a primary does for the standby's sake (BackupJob: CronJob or systemd timer, its image). Not here: what that job does
(guest/backup/), where its backups rest (storage/).
"""
