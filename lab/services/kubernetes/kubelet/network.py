"""A node's part of the cluster's network: a namespace and an address for each pod, Services as rules.

As EC2's and Google's own: a cable for each pod, its address routed to it, nothing between pods and the cloud's network
but the node. A Service is an address that nobody has, turned into a ready pod's. Not here: who routes the node's range
to the node, names (a hosts file stands in for the cluster's DNS), UDP.
"""

import hashlib
import ipaddress
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

GATEWAY = "169.254.1.1"
"""Every pod's next hop, which its cable's other end answers for [as EC2's CNI has it]."""


class Addresses:
    """Of one node's range. One that was given back is the last to be given again, as CNIs keep them for a while."""

    def __init__(self, cidr: str) -> None:
        network = ipaddress.IPv4Network(cidr)
        self.cidr = cidr
        self._free = [str(one) for one in network.hosts()]

    def take(self) -> str:
        """LookupError when none is left."""
        if not self._free:
            raise LookupError(f"no addresses left in {self.cidr}")
        return self._free.pop(0)

    def give_back(self, address: str) -> None:
        self._free.append(address)


def run(*words: str, stdin: str = "") -> None:
    """OSError with what the command said."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")


def device(name: str) -> str:
    """The node's end of a pod's cable; the kernel allows 15 characters."""
    return "pod" + hashlib.sha256(name.encode()).hexdigest()[:12]


def plug(name: str, address: str) -> None:
    """Make the pod's namespace with its address. OSError."""
    own, inner = device(name), ["ip", "-n", f"pod-{name}"]
    run("ip", "netns", "add", f"pod-{name}")
    run("ip", "link", "add", own, "type", "veth", "peer", "name", "eth0", "netns", f"pod-{name}")
    run("sysctl", "-q", "-w", f"net.ipv4.conf.{own}.proxy_arp=1", f"net.ipv4.neigh.{own}.proxy_delay=0")
    run("ip", "link", "set", own, "up")
    run("ip", "route", "replace", f"{address}/32", "dev", own)
    for words in (
        "link set lo up",
        f"addr add {address}/32 dev eth0",
        "link set eth0 up",
        f"route add {GATEWAY} dev eth0 scope link",
        f"route add default via {GATEWAY}",
    ):
        run(*inner, *words.split())


def unplug(name: str) -> None:
    """Take it away; nothing happens when it is not there. The cable goes with either end."""
    for words in (("ip", "link", "del", device(name)), ("ip", "netns", "del", f"pod-{name}")):
        subprocess.run(words, capture_output=True, check=False)


def rules(cidr: str, unmasked: Sequence[str], services: Sequence[Mapping[str, Any]]) -> str:
    """nftables' text. A service is {"address", "port", "targets": [[address, port]]}. Pure."""
    turned, refused = [], []
    own = sorted({address for one in services for address, _ in one["targets"]})
    for one in services:
        there = f"ip daddr {one['address']} tcp dport {one['port']}"
        if not one["targets"]:
            # As kube-proxy: a Service without a ready pod refuses, it does not hang.
            refused.append(f"{there} reject with icmp port-unreachable")
            continue
        chosen = ", ".join(f"{at} : {address} . {port}" for at, (address, port) in enumerate(one["targets"]))
        turned.append(f"{there} dnat ip to numgen random mod {len(one['targets'])} map {{ {chosen} }}")
    # A pod that a Service leads to itself would else answer itself under an address that it never asked.
    leaves = [f"ip saddr {address} ip daddr {address} masquerade" for address in own]
    leaves += [f"ip saddr {cidr} ip daddr != {{ {', '.join(sorted({cidr, *unmasked}))} }} masquerade"]
    chains = {
        "prerouting": ("nat hook prerouting priority -100", turned),
        "output": ("nat hook output priority -100", turned),
        "forward": ("filter hook forward priority 0", refused),
        "local": ("filter hook output priority 0", refused),
        "postrouting": ("nat hook postrouting priority 100", leaves),
    }
    text = "".join(
        f"    chain {name} {{\n        type {kind}; policy accept;\n"
        + "".join(f"        {line}\n" for line in lines)
        + "    }\n"
        for name, (kind, lines) in chains.items()
    )
    return f"table ip pods\ndelete table ip pods\ntable ip pods {{\n{text}}}\n"


def hosts(name: str, address: str, namespace: str, services: Sequence[Mapping[str, Any]]) -> str:
    """A pod's /etc/hosts, with the names of Services as the cluster's DNS has them. Pure."""
    lines = ["127.0.0.1 localhost", f"{address} {name}"]
    for where, full in sorted({(one["address"], f"{one['name']}.{one['namespace']}") for one in services}):
        short = [full.partition(".")[0]] if full.partition(".")[2] == namespace else []
        lines.append(" ".join([where, f"{full}.svc.cluster.local", f"{full}.svc", full, *short]))
    return "\n".join(lines) + "\n"
