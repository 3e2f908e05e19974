"""PostgreSQL's own logical replication from one server to another, by a job that reaches both (ADR 48).

Here: what is refused, set up, looked at, carried over and taken away, by the client alone (`psql`, `pg_dump`,
`pg_restore`). Not here: who may write (grants; ../writer), and anything of Kubernetes.
"""
