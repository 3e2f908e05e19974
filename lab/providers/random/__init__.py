"""Stand-in for the random provider: the values are really random, from the operating system.

Here: one file a type. Every input replaces: a random value changes only by being drawn again.
"""

REAL = "the real random provider (values are as random as its)"
ACTS = False
"""Whether types act outside their own process: without a box they are then recorded only."""
