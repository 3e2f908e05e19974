"""Breakages of a tunnel's two gateways, and of a cloud gateway's agent."""

from .table import Breakage, Mended

_REPAIR = "twinsite repair"

GATEWAY = (
    Breakage("announce-stopped", "responder", ("twinsite-gateway-announce.socket does not run", _REPAIR)),
    Breakage("keepalive-stopped", "initiator", ("twinsite-gateway-keepalive.service does not run", _REPAIR)),
    Breakage("keepalive-masked", "initiator", ("is masked", "systemctl unmask"), Mended.PERSON),
    Breakage("charon-not-at-boot", "responder", ("strongswan.service would not start at the next boot", _REPAIR)),
    Breakage("guard-not-at-boot", "initiator", ("twinsite-gateway.service would not start at the next boot", _REPAIR)),
    Breakage("clamp-gone", "responder", ("chain segment_size lacks", "maxseg", _REPAIR)),
    Breakage("clear-in-gone", "initiator", ("chain clear_in lacks", _REPAIR)),
    Breakage("way-out-gone", "responder", ("chain way_out lacks", "masquerade", _REPAIR)),
    Breakage("forward-dropped", "responder", ("table inet theirs", "is to forward", "nft insert rule"), Mended.PERSON),
    Breakage("ike-dropped", "responder", ("udp port 4500 of the tunnel itself", "nft insert rule"), Mended.PERSON),
    Breakage("loss", "initiator", ("of 10 packets", "were lost", "tc qdisc"), Mended.PERSON),
    Breakage("large-dropped", "initiator", ("packets of 1400 bytes do not cross", "MTU"), Mended.PERSON),
    Breakage("forwarding-off", "initiator", ("net.ipv4.ip_forward is 0 instead of 1", _REPAIR)),
    Breakage("interface-forwarding-off", "responder", (".forwarding is 0 instead of 1", _REPAIR)),
    Breakage("echo-ignored", "responder", ("icmp_echo_ignore_all is 1", "sudo sysctl"), Mended.PERSON),
    Breakage("forwarding-off-at-boot", "responder", ("after the next boot", "99-hardening.conf"), Mended.PERSON),
    Breakage("sysctl-file-gone", "initiator", ("60-twinsite-gateway.conf is missing", _REPAIR)),
    Breakage("key-changed", "responder", ("-secrets.conf is not as twinsite wrote it", _REPAIR)),
    Breakage("key-unloaded", "initiator", ("charon has not loaded key generation", _REPAIR)),
    Breakage("key-of-another-file", "initiator", ("old.conf names", "take that out"), Mended.PERSON),
    Breakage("connection-changed", "responder", ("dpd_delay is 300 instead of", _REPAIR)),
    Breakage("connection-unloaded", "responder", ("charon has not loaded it", _REPAIR)),
    Breakage("connection-file-gone", "initiator", (".conf is missing", _REPAIR)),
    Breakage("timers-changed", "initiator", ("/etc/strongswan.d/twinsite.conf is not as twinsite wrote it", _REPAIR)),
    Breakage("trap-gone", "initiator", ("has no trap", _REPAIR)),
    Breakage("way-gone", "initiator", ("charon's own route", _REPAIR)),
    Breakage("blackhole-gone", "responder", ("blackhole route", "is missing", _REPAIR)),
    Breakage("dead-end", "responder", ("a route of type blackhole", "ip route del blackhole"), Mended.PERSON),
    Breakage("log-disk-full", "responder", ("file system of /var/log is", "make room"), Mended.PERSON),
)

SAMPLE = (
    "clamp-gone",
    "ike-dropped",
    "forwarding-off",
    "key-changed",
    "connection-unloaded",
    "way-gone",
    "large-dropped",
)
"""What CI makes."""

AGENT = (
    Breakage("agent-stopped", "responder", ("twinsite-agent.service does not run", "no new key", _REPAIR)),
    Breakage("agent-not-at-boot", "responder", ("twinsite-agent.service would not start at the next boot", _REPAIR)),
    Breakage("agent-deaf", "responder", ("the agent has not reached its documents", "journalctl"), Mended.PERSON),
)
"""Only where the responder is a cloud machine with an agent."""
