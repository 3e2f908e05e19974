"""Secrets where whoever may read a resource can read them (K23).

Here: how a secret is told from other text (words.py), and a policy for each place. Not here: secrets in a stack's
outputs, which the SDK shows without saying whether they are marked as secret.
"""
