"""A VPC's router: makes a Plan real inside one namespace, changing only what differs from what it holds."""

from lab.box.host import ip, nft, run, sysctl
from lab.box.internet import QUIET, Internet
from lab.box.layout import INTERNET_ROUTER, METADATA, Names
from lab.box.layout import port as port_name
from lab.box.vpc import DEVICE, RESOLVER_MARK, RULE_PREFERENCE, UPLINK, Plan, Port, Tables


class Router:
    """Holds what was made, so that an apply that failed half-way is finished by the next."""

    def __init__(self, names: Names, vpc: str, address: str, internet: Internet) -> None:
        self.vpc = vpc
        self.address = address
        self.namespace = names.vpc(vpc)
        self.tables = Tables()
        self._names = names
        self._internet = internet
        self._ports: dict[str, Port] = {}
        self._elastic: set[str] = set()
        self._routes: dict[tuple[str, str], str] = {}
        self._rules: set[str] = set()
        self._nft = ""

    def up(self, resolver: str = "") -> None:
        """The namespace with its uplink, the metadata address and the cloud's own resolver; no machine yet."""
        run("ip", "netns", "add", self.namespace)
        sysctl(QUIET | {"net/ipv4/ip_forward": "1"}, self.namespace)
        own = dict.fromkeys(address for address in (METADATA, resolver) if address)
        ip(["link set lo up", *(f"addr add {address}/32 dev lo" for address in own)], self.namespace)
        self._internet.plug(self.namespace, UPLINK, port_name(self.vpc), self.address)
        ip(
            [
                f"route add default via {INTERNET_ROUTER}",
                # The resolver's answers are not the subnets' business: no route table can lead them astray.
                f"rule add pref {RULE_PREFERENCE - 1} fwmark {RESOLVER_MARK} lookup main",
            ],
            self.namespace,
        )

    def apply(self, plan: Plan) -> bool:
        """True when elastic addresses moved, so that neighbours must ask again."""
        wanted = {port.machine: port for port in plan.ports}
        gone = [port for machine, port in self._ports.items() if wanted.get(machine) != port]
        self._apply_routes({}, {key for key, line in self._routes.items() if _leads_to(line, gone)})
        self._apply_rules(self._rules - {rule for port in gone for rule in self._rules if f"iif {port.name} " in rule})
        for port in gone:
            self._unplug(port)
        # Rules first: a new machine is never without them. A reload forgets no connection.
        if plan.nft != self._nft:
            nft(plan.nft, self.namespace)
            self._nft = plan.nft
        for machine, port in wanted.items():
            if machine not in self._ports:
                self._plug(port)
        moved = self._apply_elastic(set(plan.elastic))
        self._apply_routes(plan.routes, set(self._routes) - set(plan.routes))
        self._apply_rules(set(plan.rules))
        return moved

    def down(self) -> None:
        """Remove the machines' namespaces and the router's own. The machines must be off."""
        for port in list(self._ports.values()):
            self._unplug(port)
        self._internet.unplug(port_name(self.vpc))
        run("ip", "netns", "del", self.namespace)

    def _plug(self, port: Port) -> None:
        namespace = self._names.machine(port.machine)
        run("ip", "netns", "add", namespace)
        ip(
            [
                f"link add {port.name} type veth peer name {DEVICE} address {port.mac} netns {namespace}",
                f"addr add {port.gateway}/32 dev {port.name}",
            ],
            self.namespace,
        )
        sysctl(
            {
                # Neighbours of a subnet are not on one wire: the router answers for them, and at once,
                # else the first packet to each is lost.
                f"net/ipv4/conf/{port.name}/proxy_arp": "1",
                f"net/ipv4/neigh/{port.name}/proxy_delay": "0",
                f"net/ipv4/conf/{port.name}/rp_filter": "0",
                f"net/ipv4/conf/{port.name}/send_redirects": "0",
            },
            self.namespace,
        )
        ip([f"link set {port.name} up"], self.namespace)
        self._ports[port.machine] = port

    def _unplug(self, port: Port) -> None:
        ip([f"link del {port.name}"], self.namespace)
        run("ip", "netns", "del", self._names.machine(port.machine))
        del self._ports[port.machine]

    def _apply_elastic(self, wanted: set[str]) -> bool:
        lines = [f"addr del {address}/32 dev {UPLINK}" for address in sorted(self._elastic - wanted)]
        lines += [f"addr add {address}/32 dev {UPLINK}" for address in sorted(wanted - self._elastic)]
        ip(lines, self.namespace)
        self._elastic = wanted
        return bool(lines)

    def _apply_routes(self, wanted: dict[tuple[str, str], str], gone: set[tuple[str, str]]) -> None:
        lines = [f"route del {_line(key, self._routes[key])}" for key in sorted(gone)]
        changed = {key: line for key, line in wanted.items() if self._routes.get(key) != line}
        # One next hop replaces another in one step: no packet meets a table without its route.
        lines += [f"route replace {_line(key, line)}" for key, line in sorted(changed.items())]
        ip(lines, self.namespace)
        self._routes = {key: line for key, line in self._routes.items() if key not in gone} | changed

    def _apply_rules(self, wanted: set[str]) -> None:
        lines = [f"rule del {rule}" for rule in sorted(self._rules - wanted)]
        lines += [f"rule add {rule}" for rule in sorted(wanted - self._rules)]
        ip(lines, self.namespace)
        self._rules = wanted


def _line(key: tuple[str, str], line: str) -> str:
    table, destination = key
    if line in {"blackhole", "throw"}:
        return f"{line} {destination} table {table}"
    return f"{destination} {line} table {table}"


def _leads_to(line: str, ports: list[Port]) -> bool:
    return any(f"dev {port.name}" in line for port in ports)
