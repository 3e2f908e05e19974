"""The operator's desk: a home, keys, environment and a copy of the project, inside the lab's network.

Here: what makes plain `pulumi` and `twinsite` work in the lab without knowing of it. Not here: the box, the services.
"""
