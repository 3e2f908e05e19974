"""Who may write, where two sites could: three registers, of which two decide (ADR 44).

Here: the rule (rule.py, pure), the registers (S3, GCS, Azure), the agent beside a site's database and what a failover
does to the registers. Not here: how a database is opened and closed (a `Gate`, of the database's own kind).
"""
