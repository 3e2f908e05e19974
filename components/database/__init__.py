"""Databases that exist at both sites.

Here: MySqlReplicaPair, an asynchronous MySQL source and its replica; StandbyDatabase; CloudSqlStandby; DmsCdcTask,
which carries one's changes to another. Not here: what runs on their hosts (guest/database/), how a host gets it
(machine/), refusals (rules/).
"""
