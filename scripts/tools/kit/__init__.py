"""`./scripts/kit`: one archive from which a stack's standby is raised when nothing can be fetched any more.

Here: what goes in (parts), that no secret does (secrets), the archive (archive), where it goes (place). `unpacked.py`
and `up.py` run from the unpacked kit. Not here: how a mode is raised (operations/moves/program.py).
"""
