"""The acked-write ledger on one end of a flow, wherever SQL can be reached: rows are written and acknowledged, read
back and held against each other.

Here: what an end does (end.py), one that is a host with its guest (host.py), one that is asked from here (direct.py),
which of them an inventory holds (choice.py), and the ledger as a program for a desk or a pod
(`python -m twinsite.operations.ledger`). Not here: what a drill makes of it (drill/), the verdict's arithmetic
(twinsite.guest.drill.ledger_check, the same on a host).
"""
