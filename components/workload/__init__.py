"""Work that runs at the primary site for the standby's sake. Here: BackupJob (Kubernetes CronJob, or a systemd timer),
its image. Not here: what the job does (guest/backup/), where its backups rest (storage/).
"""
