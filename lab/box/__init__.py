"""The physical box: machine image, machines, networks, and the reconciliation of a World into them.

Here: everything that touches the kernel (namespaces, veths, nftables, mounts, loop devices, nspawn).
Not here: services on the wire (metadata, DNS, cloud APIs), cloud records, provider stand-ins, the command line.
"""

from lab.box.box import Box
from lab.box.host import BoxError

__all__ = ["Box", "BoxError"]
