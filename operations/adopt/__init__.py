"""`twinsite adopt-name`: a live name's plain records become its failover pair, in one batch, and Pulumi owns them.

Here: reading, the act and its undoing. Whether it may be done, and the batch, are in components/rules/adoption.py.
"""
