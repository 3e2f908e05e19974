"""What the world can reach that it must not.

Here: one policy a way in. Not here: what is unencrypted or unprotected where it lies (data/).
"""
