"""Monitoring: who is told, from where, when something that recovery rests on is not right.

Here: alarms in AWS on Route 53's checks and certificates (Alarms), the observer in the standby's cloud that still
speaks when AWS is dark (Observer), and what joins two clouds, watched from both (AwsLinkAlarms, GcpAlarms). Not here:
refusals (rules/), what operations measure themselves.
"""
