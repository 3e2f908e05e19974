"""What outlives a command: the operation lock, and the journal from which the next command goes on (ADR 36).

Not here: where both are kept (operations/store.py, operations/host_store.py), and what a step is (operations/steps/).
"""
