"""The standby role: an application machine that restores a backup and serves it. Runs on a host as root.

`apply.py VERB --config … --secrets …` is the entry. Here: the steps from an empty machine to a correct page (plan.py
says what comes next, purely), the machine's own verdict, its log, holding it closed during a failback. Not here: the
restore itself (backup/), how files reach the host (agent/), who moves users.
"""
