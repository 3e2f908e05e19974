"""Ways into a site from another site, an office or a partner.

Here: one policy a way, of raw resources. Not here: our own tunnel, which its component's rule judges, and what the
world may reach (exposure/).
"""
