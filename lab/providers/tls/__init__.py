"""Stand-in for the tls provider: real keys and certificates, made by the `cryptography` library.

Here: one file a type, keys.py for what they share. Not here: where keys are used.
"""

REAL = "the real tls provider (keys and certificates are as good as its)"
ACTS = False
"""Whether types act outside their own process: without a box they are then recorded only."""
