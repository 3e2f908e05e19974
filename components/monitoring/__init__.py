"""Monitoring: who is told, from where, when something that recovery rests on is not right.

Here: alarms in AWS on Route 53's checks and certificates (Alarms), and the observer in the standby's cloud that still
speaks when AWS is dark (Observer). Not here: refusals (rules/traffic.py), what operations measure themselves.
"""
