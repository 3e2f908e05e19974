"""Where everything is: names of kernel objects, derived from a prefix and the cloud's ids, and fixed addresses.

All names begin with the prefix, so that a later process finds what a killed one left.
"""

import hashlib
import ipaddress
import re
from dataclasses import dataclass

from lab.model import OPERATOR_ADDRESS, SITE_ADDRESS

INTERNET = ipaddress.IPv4Network("203.0.113.0/24")
INTERNET_ROUTER = "203.0.113.1"
"""Everybody's next hop; it stands in the services namespace and forwards to nowhere else."""
OPERATOR = OPERATOR_ADDRESS
ONPREM_PUBLIC = SITE_ADDRESS
UPLINKS = tuple(f"203.0.113.{number}" for number in range(96, 128))
"""The VPC routers' own addresses; DNS queries of machines without a public address leave from them."""
ELASTIC = (ipaddress.IPv4Address("203.0.113.128"), ipaddress.IPv4Address("203.0.113.254"))
"""First and last elastic address."""

DNS = "198.51.100.53"
USERS_DNS = "198.51.100.54"
"""A resolver that keeps answers for their TTL, as every user's does; the operator's desk asks it."""
CLOUD_APIS = "198.51.100.60"
CLOUDFRONT = "198.51.100.70"
CLOUDFLARE = "198.51.100.72"
CLOUDFLARE_MONITORS = ("198.51.100.73", "198.51.100.74", "198.51.100.75")
"""What an origin's firewall sees of Cloudflare's monitors: a data center's address each."""
LOAD_BALANCERS = tuple(f"198.51.100.{number}" for number in range(80, 84))
"""For scenes to choose from."""
SERVICES = (DNS, USERS_DNS, CLOUD_APIS, CLOUDFRONT, CLOUDFLARE, *CLOUDFLARE_MONITORS, *LOAD_BALANCERS)
"""What the services namespace answers at."""
METADATA = "169.254.169.254"
VPN_ATTACHMENT = ("100.127.255.2", "100.127.255.1")
"""A cloud's VPN router and the network that it is attached to, on the cable between them; no packet has them."""
WIRE_SERVER = "168.63.129.16"
"""Azure's platform address: DNS, and where a machine's agent asks for commands [Microsoft Learn, What is IP address
168.63.129.16]."""

ONPREM_LAN = ipaddress.IPv4Network("192.168.64.0/24")
ONPREM_ROUTER = "192.168.64.1"

PRIVATE_RANGES = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
"""RFC 1918 and RFC 6598: none of them may be seen on the internet bridge."""

BRIDGE = "br0"


@dataclass(frozen=True)
class Names:
    """Names of one box's kernel objects."""

    prefix: str = "tw"

    @property
    def internet(self) -> str:
        return f"{self.prefix}inet"

    @property
    def services(self) -> str:
        return f"{self.prefix}services"

    @property
    def operator(self) -> str:
        return f"{self.prefix}operator"

    @property
    def onprem(self) -> str:
        return f"{self.prefix}site"

    def vpc(self, identity: str) -> str:
        return f"{self.prefix}r-{identity}"

    def machine(self, identity: str) -> str:
        """Namespace, nspawn name and control group of a machine alike."""
        return f"{self.prefix}m-{identity}"

    def vpn(self, identity: str) -> str:
        """Namespace of a router, or of a tunnel's end, of a cloud's own VPN."""
        return f"{self.prefix}v-{identity}"

    def is_namespace(self, name: str) -> bool:
        """Whether a namespace is this box's (and not that of a box whose prefix begins alike)."""
        return re.fullmatch(rf"{re.escape(self.prefix)}(inet|services|operator|site|[rmv]-.+)", name) is not None


def port(identity: str) -> str:
    """Name of the router's end of a cable. The kernel allows 15 characters, so the id is shortened by a digest."""
    return "p" + hashlib.sha256(identity.encode()).hexdigest()[:12]


def mac(identity: str) -> str:
    """Hardware address of a machine: locally administered, the same each time the machine is made."""
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return "02:" + ":".join(digest[start : start + 2] for start in range(0, 10, 2))
