"""Failover, failback and their drills for data that comes from a backup: facts → plan → steps → journal → evidence.

facts.py, draft.py and plan.py are pure; read.py, sites.py and users.py are the edge; execute.py goes from one to the
other, with a journal entry after every step. Not here: what happens on the machines (components/guest).
"""
