"""What brings a host to its role and keeps it there: the agent of a cloud machine, the installer, the ways in.

Here: agent.py and its clouds (aws.py, azure.py, each also a file of its own in user data), install.py, the wrapper
`twinsite-guest`. Not here: what a role does (its own folder).
"""
