"""VPNs that a cloud runs itself: their tunnels' ends and their routers, as processes in namespaces of their own.

Here: what a VpnRouter is made of. No customer has a shell on one, so none is a machine: charon and FRR of the machine
image run without an init. Not here: what a cloud is told (lab/services/cloud_vpn.py), gateways that users run.
"""

from lab.box.vpn.pair import CloudVpns

__all__ = ["CloudVpns"]
