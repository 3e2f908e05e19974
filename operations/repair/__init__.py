"""`twinsite repair`: says what it found, and does only what is needed.

Here: the decision (plan.py, pure) and its doing (command.py). Not here: drills, and anything that a failover would do.
"""
