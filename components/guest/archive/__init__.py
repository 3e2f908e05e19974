"""The archive role: one PostgreSQL database to a store and back, by `pg_dump -Fd -j` and `pg_restore -j` (ADR 53).

The dump's files are kept as parts under the manifest that MySQL's backups have (../backup/manifest.py; here version 5,
engine postgresql). Who may write, branches, choosing and retention are that role's, sessions are ../logical's.

Here: the dump of one moment with its proof, what it does not carry, the restore that may be killed. Not here: when it
runs (PostgresBackupJob), the bucket (GcsBackupStore).
"""
