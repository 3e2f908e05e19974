#!/usr/bin/env python3
"""Sends clear packets from this gateway to its peer, past every rule of this host: a sniffer's positive control.

clear.py COUNT    run as root; nothing on standard output

As the drill's own control packets (IP protocol 253), but with a TTL that takes them past the first router.
"""

import json
import pathlib
import socket
import struct
import sys

sys.path.insert(0, "/opt/twinsite")  # where the payload is package `current`

TTL = 16


def main(count: str) -> int:
    from current.drill import wire  # type: ignore[import-not-found]

    config = json.loads(pathlib.Path("/etc/twinsite/gateway.json").read_text(encoding="utf-8"))
    interface, hop = wire.wan()
    table = [line.split() for line in pathlib.Path("/proc/net/arp").read_text(encoding="ascii").splitlines()[1:]]
    hardware = next(bytes.fromhex(words[3].replace(":", "")) for words in table if words[0] == hop)
    ends = socket.inet_aton(config["local_address"]) + socket.inet_aton(config["peer_private_address"])
    length = 20 + len(wire.CONTROL_MARK)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as sender:
        for number in range(int(count)):
            head = struct.pack("!BBHHHBBH", 0x45, 0, length, number + 1, 0, TTL, wire.CONTROL_PROTOCOL, 0) + ends
            head = head[:10] + struct.pack("!H", wire.checksum(head)) + head[12:]
            sender.sendto(head + wire.CONTROL_MARK, (interface, wire.ETH_P_IP, 0, 0, hardware))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
