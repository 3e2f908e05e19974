"""The backup role: one schema of a MySQL server to a folder or an Azure container and back, through SQL only.

`apply.py VERB --config … --secrets …` is the entry on a host, `python3 -m backup VERB …` in a container. Needs the
`mysql` client and `zstd`; no SUPER, no files on the server.

Here: the consistent parallel dump, its manifest, the restore that resumes and the proof. Pure parts: rows.py (values as
text), ddl.py (statements), manifest.py (which backup), privileges.py. Not here: when backups are taken (the CronJob or
timer), replicas (database/).
"""
