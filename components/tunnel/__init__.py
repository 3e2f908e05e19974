"""Tunnels between sites.

Here: components that connect two networks, and what they may look like to the caller. Not here: what runs on a gateway
(guest/gateway), the refusals (rules/tunnel.py), the networks themselves.
"""
