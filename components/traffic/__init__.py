"""Traffic: which site a name answers with, and what stands before the standby.

Here: names with a failover pair, the latch, the notice page, the front of the standby, and the pure model of Route 53
behind their rules (answers.py). Not here: refusals (rules/traffic.py), moving users (operations).
"""
