"""What happens to data where it lies and while it moves.

Here: encryption, the only copy, replication of buckets, migration tasks. Not here: who may reach it (exposure/).
"""
