"""The on-prem site's network: a switch for its LAN and a masquerading router with one public address."""

from collections.abc import Collection

from lab.box.host import ip, nft, run, sysctl
from lab.box.internet import QUIET, Internet, add_bridge, set_port
from lab.box.layout import (
    BRIDGE,
    INTERNET_ROUTER,
    ONPREM_LAN,
    ONPREM_PUBLIC,
    ONPREM_ROUTER,
    Names,
    mac,
)
from lab.box.layout import port as port_name
from lab.model import SiteMachine

WAN_PORT = "site"
"""The router's port on the internet bridge."""
DEVICE = "eth0"
"""Network device of an on-prem machine."""


class OnPrem:
    """Machines of the LAN reach each other without the router, as on any switch."""

    def __init__(self, names: Names, internet: Internet) -> None:
        self._names = names
        self._internet = internet

    def up(self, machines: Collection[SiteMachine]) -> None:
        """Make router, switch, and a namespace with a cable for each machine."""
        names = self._names
        run("ip", "netns", "add", names.onprem)
        sysctl(QUIET | {"net/ipv4/ip_forward": "1"}, names.onprem)
        add_bridge(names.onprem)
        ip(["link set lo up", f"addr add {ONPREM_ROUTER}/{ONPREM_LAN.prefixlen} dev {BRIDGE}"], names.onprem)
        self._internet.plug(names.onprem, "wan", WAN_PORT, ONPREM_PUBLIC)
        ip([f"route add default via {INTERNET_ROUTER}"], names.onprem)
        nft(router_rules(machines), names.onprem)
        for machine in machines:
            namespace = names.machine(machine.name)
            run("ip", "netns", "add", namespace)
            port = port_name(machine.name)
            ip(
                [
                    f"link add {port} type veth peer name {DEVICE} address {mac(machine.name)} netns {namespace}",
                    f"link set {port} master {BRIDGE}",
                    f"link set {port} up",
                ],
                names.onprem,
            )

    def cut(self, machine: str, down: bool) -> None:
        """Block a machine's switch port."""
        set_port(self._names.onprem, port_name(machine), down)


def router_rules(machines: Collection[SiteMachine]) -> str:
    """Masquerade, port forwards and nothing else in: a small site's router."""
    forwards = "\n        ".join(
        f'iifname "wan" ip daddr {ONPREM_PUBLIC} tcp dport {machine.forwarded_port} dnat to {machine.address}:22'
        for machine in machines
    )
    return f"""table ip box
delete table ip box
table ip box {{
    chain prerouting {{
        type nat hook prerouting priority -100; policy accept;
        {forwards}
    }}
    chain postrouting {{
        type nat hook postrouting priority 100; policy accept;
        oifname "wan" ip saddr {ONPREM_LAN} masquerade
    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        ct state invalid drop
        iifname "{BRIDGE}" oifname "wan" ip saddr {ONPREM_LAN} accept
        iifname "wan" ct status dnat accept
    }}
    chain input {{
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iifname "lo" accept
        icmp type echo-request accept
    }}
}}
"""
