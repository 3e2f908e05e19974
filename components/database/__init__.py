"""Databases that exist at both sites.

Here: MySqlReplicaPair, an asynchronous MySQL source and its replica; StandbyDatabase; CloudSqlStandby; DmsCdcTask,
which carries one's changes to another; LogicalReplica, a PostgreSQL that follows another. Not here: what runs on their
hosts or in their jobs (guest/database/, guest/logical/), how a host gets it (machine/), refusals (rules/).
"""
