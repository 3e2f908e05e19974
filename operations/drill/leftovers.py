"""What a drill that was killed may have left on the hosts. Each thing ends by itself; the next drill does not
wait for that."""

from concurrent.futures import ThreadPoolExecutor

from twinsite.inventory import Tunnel

from ..guest import Guests
from ..transport import RemoteFailed, Unreachable

# A writer of an earlier drill would write into this one's tables.
UNITS = ("twinsite-ledger-*.service", "twinsite-row-*.timer", "twinsite-probe-*.service")


def clear(guests: Guests, tunnel: Tunnel) -> list[str]:
    """End all of it, on every host at once; what was found. Only the holder of the operation lock may do this."""

    def one(host: str) -> list[str]:
        try:
            listed = guests.call(host, ["systemctl", "list-units", "--plain", "--no-legend", "--all", *UNITS])
            found = [line.split()[0] for line in listed.splitlines() if line.strip()]
            if found:
                guests.call(host, ["systemctl", "stop", *found], timeout_seconds=60)
            if host in (tunnel.initiator, tunnel.responder) and guests.tool(host, "fault", "undo")["undone"]:
                found.append("a fault")
        except (Unreachable, RemoteFailed):
            # The steady state is confirmed next, and says what it means that a host does not answer.
            return []
        return [f"{name} on {host}" for name in found]

    hosts = [host.name for host in guests.hosts]
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        return [words for found in pool.map(one, hosts) for words in found]
