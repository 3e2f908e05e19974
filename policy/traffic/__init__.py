"""Names that move, what moves them, and what users see meanwhile.

Here: one policy a mistake; those about a whole graph ask rules/records.py. Not here: what a component's own arguments
say of its name.
"""
