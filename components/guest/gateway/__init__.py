"""The gateway role: one end of a site-to-site IPsec tunnel, on any Debian or Ubuntu host with systemd.

Here: what apply.py does on a host (apply, gate, report, undo), standard library only, and the files that it fills in
(*.conf, *.nft, *.service). Not here: how any of it gets to a host (agent/), what a tunnel may look like (rules/).
"""
