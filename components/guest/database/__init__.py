"""The database role: MySQL as an asynchronous GTID pair. Runs on a host as root.

`apply.py VERB --config … --secrets …` is the entry.

Here: what makes one host a source or a replica, says how it is, waits until it works, or takes it away again. Decisions
(seeding.py, gtid.py, settings.py) are pure. Not here: how files reach the host (agent/), drills (drill/).
"""
