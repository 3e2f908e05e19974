"""The internet: one bridge in a namespace of its own, with the services and the operator plugged in."""

from pathlib import Path

from lab.box.host import BoxError, ip, nft, run, sysctl
from lab.box.layout import BRIDGE, INTERNET, INTERNET_ROUTER, OPERATOR, SERVICES, USERS_DNS, Names

ETC_NETNS = Path("/etc/netns")
QUIET = {
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
}
"""No chatter, and no second opinion on where packets may come from: the rules decide that."""


class Internet:
    """Bridge, services and operator of one box."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def up(self) -> None:
        """Make all of it. Nothing of it may be there."""
        names = self._names
        for namespace in (names.internet, names.services, names.operator):
            run("ip", "netns", "add", namespace)
            ip(["link set lo up"], namespace)
        sysctl(QUIET | {"net/ipv4/ip_forward": "0"}, names.internet)
        add_bridge(names.internet)
        self.plug(names.services, "eth0", "services", INTERNET_ROUTER)
        self.plug(names.operator, "eth0", "operator", OPERATOR)
        sysctl(QUIET | {"net/ipv4/ip_forward": "0"}, names.services)
        ip([f"addr add {address}/32 dev lo" for address in SERVICES], names.services)
        sysctl(QUIET | {"net/ipv4/ip_forward": "0"}, names.operator)
        ip([f"route add default via {INTERNET_ROUTER}"], names.operator)
        folder = ETC_NETNS / names.operator
        folder.mkdir(parents=True, exist_ok=True)
        # Patient, and one question at a time: on a busy machine answers take seconds, and A and AAAA from one port
        # may race in connection tracking.
        options = "options timeout:3 attempts:5 single-request"
        (folder / "resolv.conf").write_text(f"nameserver {USERS_DNS}\n{options}\n")

    def plug(self, namespace: str, device: str, port: str, address: str) -> None:
        """A cable from the bridge's `port` to `device` in a namespace, with its address there."""
        inside = self._names.internet
        ip(
            [
                f"link add {port} type veth peer name {device} netns {namespace}",
                f"link set {port} master {BRIDGE}",
                f"link set {port} up",
            ],
            inside,
        )
        ip([f"addr add {address}/{INTERNET.prefixlen} dev {device}", f"link set {device} up"], namespace)

    def unplug(self, port: str) -> None:
        ip([f"link del {port}"], self._names.internet)

    def forget(self, holders: dict[str, str]) -> None:
        """Addresses moved from one router to another: everybody asks again. `holders`: namespace to device."""
        for namespace, device in holders.items():
            ip([f"neigh flush dev {device}"], namespace)

    def cut(self, port: str, down: bool) -> None:
        """Block a bridge port both ways, as a pulled cable behind a switch: neither end sees its link go down."""
        set_port(self._names.internet, port, down)

    def loss(self, percent: float, port: str) -> None:
        """Drop this share of the packets through one port, in each direction; 0 takes it away."""
        if not 0 <= percent <= 100:
            raise BoxError(f"loss is a percentage from 0 to 100, found {percent:g}")
        chance = round(percent * 100)
        rules = "table bridge loss\ndelete table bridge loss\n"
        if chance:
            rules += f"""table bridge loss {{
    chain forward {{
        type filter hook forward priority 0; policy accept;
        iifname "{port}" numgen random mod 10000 < {chance} counter drop
        oifname "{port}" numgen random mod 10000 < {chance} counter drop
    }}
}}
"""
        nft(rules, self._names.internet)


def add_bridge(namespace: str) -> None:
    """A plain switch, BRIDGE, in a namespace."""
    if Path("/proc/sys/net/bridge").exists():
        # With br_netfilter loaded the router's rules would judge what its switch passes, too.
        sysctl({"net/bridge/bridge-nf-call-iptables": "0", "net/bridge/bridge-nf-call-arptables": "0"}, namespace)
    ip([f"link add {BRIDGE} type bridge mcast_snooping 0", f"link set {BRIDGE} up"], namespace)


def set_port(namespace: str, port: str, down: bool) -> None:
    """Bridge port state: 0 disabled, 3 forwarding (<linux/if_bridge.h>)."""
    run("ip", "netns", "exec", namespace, "bridge", "link", "set", "dev", port, "state", "0" if down else "3")
