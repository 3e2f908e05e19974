"""Files that run ON machines: stdlib-only Python, shell, units, templates. One folder a role, plus agent/ and drill/.

Here: what a host executes, each file of its own kind so that its own linter reads it. On a host the folder they are
unpacked in is this package, whatever it is called there (the payload's SHA-256), so roles import each other relatively
as in the tree. Not here: anything that imports Pulumi; packing and delivery (../payload.py, ../machine).
"""
