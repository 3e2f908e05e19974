"""Work that runs at the primary site for the standby's sake. Here: BackupJob (Kubernetes CronJob, or a systemd timer),
its image. Not here: what the job does (guest/backup/), where its backups rest (storage/)."""

from .backup_job import BackupDatabase, BackupJob, BackupJobArgs
from .backup_timer import BackupTimer, BackupTimerArgs, backup_timer

__all__ = ["BackupDatabase", "BackupJob", "BackupJobArgs", "BackupTimer", "BackupTimerArgs", "backup_timer"]
