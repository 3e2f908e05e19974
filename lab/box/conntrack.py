"""Forgetting a router's tracked connections, as a power cycle of a customer's router or its NAT timeouts do."""

import os
import socket
import struct
import threading
from pathlib import Path

from lab.box.host import BoxError

NETLINK_NETFILTER = 12
IPCTNL_MSG_CT_DELETE = (1 << 8) | 2
"""Subsystem ctnetlink, message delete (<linux/netfilter/nfnetlink_conntrack.h>); without attributes it means all."""
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2


def flush(namespace: str) -> None:
    """Forget every connection of a network namespace. The `conntrack` tool is not needed on the host."""
    link = _socket(namespace)
    with link:
        body = struct.pack("=BBH", socket.AF_UNSPEC, 0, 0)
        header = struct.pack("=IHHII", 16 + len(body), IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
        link.settimeout(10.0)
        link.send(header + body)
        answer = link.recv(4096)
    kind = struct.unpack_from("=H", answer, 4)[0]
    code = struct.unpack_from("=i", answer, 16)[0]
    if kind != NLMSG_ERROR or code != 0:
        raise BoxError(f"the kernel would not forget the connections of {namespace}: {os.strerror(-code)}")


def _socket(namespace: str) -> socket.socket:
    """A socket belongs to the namespace of the thread that makes it, so a throw-away thread goes there."""
    import ctypes

    made: list[socket.socket] = []
    errors: list[OSError] = []

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/run/netns/{namespace}").open() as handle:
            if libc.setns(handle.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
                errors.append(OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno())))
                return
        made.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if not made:
        raise BoxError(f"namespace {namespace} cannot be entered: {errors[0] if errors else 'it is not there'}")
    return made[0]
