"""Cloudflare's load balancing: what its API says, monitors that ask origins, and an edge that users reach.

Here: monitors, pools and balancers by the records of `pulumi up`; zones by what the scene has. Not here: where it
listens (lab/traffic.py), DNS records of a zone, caching, rules, plans beyond what they are called.
"""

HOST = "api.cloudflare.com"
SERVERS = ("ada.ns.cloudflare.com", "bob.ns.cloudflare.com")
"""Of every zone."""
ZONE = "lab:cloudflare:zone"
"""Records: a zone's id → {"name", "account", "plan"}. What the owner of the name has beforehand."""
