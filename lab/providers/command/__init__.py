"""Stand-in for the command provider: it runs the commands, over real SSH or here.

Here: one file a type, running.py for what they share. Not here: which commands a host gets.
"""

REAL = "the real command provider (with a box it runs commands as that does)"
ACTS = True
"""Whether types act outside their own process: without a box they are then recorded only."""
