"""`./scripts/try`: a topology's whole story, by commands a user would type; then one table, the report, nothing left.

steps.py runs a command as a step, __main__.py is the command line; the stories are in lab/scenes.
Nothing here knows how anything is done; every step is a command at the operator's desk, or a user's.
"""
