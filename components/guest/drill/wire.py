"""Packets as a gateway's observers need them: an echo that crosses the tunnel, and a sniffer for clear text on
the WAN."""

import ctypes
import ipaddress
import os
import pathlib
import socket
import struct
import time

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
PACKET_OUTGOING = 4
SO_ATTACH_FILTER = 26

# IANA: 253 is for experiments; nothing else on a gateway uses it.
CONTROL_PROTOCOL = 253
CONTROL_MARK = b"twinsite sniffer control"


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Echo:
    """ICMP echoes from `source` to `target`: both inside the protected ranges, so that an answer has crossed the
    tunnel."""

    def __init__(self, source: str, target: str) -> None:
        self.target = target
        self._identity = os.getpid() & 0xFFFF
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.bind((source, 0))
        self.socket.settimeout(0.2)

    def send(self, sequence: int) -> bool:
        """False when this host itself would not send it (no route, a drop rule): that is an unanswered one."""
        head = struct.pack("!BBHHH", 8, 0, 0, self._identity, sequence & 0xFFFF)
        body = b"twinsite"
        packet = struct.pack("!BBHHH", 8, 0, checksum(head + body), self._identity, sequence & 0xFFFF) + body
        try:
            self.socket.sendto(packet, (self.target, 0))
        except OSError:
            return False
        return True

    def receive(self) -> int | None:
        """Sequence number of an answer; None when none came within 0.2 s."""
        try:
            packet, (address, _) = self.socket.recvfrom(2048)
        except OSError:
            return None
        head = (packet[0] & 0x0F) * 4
        if address != self.target or len(packet) < head + 8:
            return None
        kind, _, _, identity, sequence = struct.unpack("!BBHHH", packet[head : head + 8])
        return sequence if kind == 0 and identity == self._identity else None


def wan() -> tuple[str, str]:
    """(interface, next hop) of the default route with the lowest metric. OSError when there is none."""
    best: tuple[int, str, str] | None = None
    for line in pathlib.Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        interface, destination, gateway, _, _, _, metric, mask = line.split()[:8]
        if destination == "00000000" and mask == "00000000":
            hop = socket.inet_ntoa(struct.pack("<I", int(gateway, 16)))
            if best is None or int(metric) < best[0]:
                best = (int(metric), interface, hop)
    if best is None:
        raise OSError("there is no default route, so no WAN interface to watch")
    return best[1], best[2]


def leak_filter(local: str, remote: str) -> list[tuple[int, int, int, int]]:
    """Classic BPF: outgoing IPv4 packets with a source in `local` and a destination in `remote`.

    Outgoing only: with kernel IPsec a tap also shows arriving packets after decryption, which were never clear on the
    wire. One direction only: on a gateway with one interface, what came by the tunnel leaves by it towards the LAN.
    """
    ours, theirs = ipaddress.IPv4Network(local), ipaddress.IPv4Network(remote)
    ancillary = 0xFFFFF000  # SKF_AD_OFF (linux/filter.h); +0 protocol, +4 packet type
    load, load_half, load_byte, mask, equal, give = 0x20, 0x28, 0x30, 0x54, 0x15, 0x06
    return [
        (load_byte, 0, 0, ancillary + 4),
        (equal, 0, 9, PACKET_OUTGOING),
        (load_half, 0, 0, ancillary),
        (equal, 0, 7, ETH_P_IP),
        (load, 0, 0, 12),
        (mask, 0, 0, int(ours.netmask)),
        (equal, 0, 4, int(ours.network_address)),
        (load, 0, 0, 16),
        (mask, 0, 0, int(theirs.netmask)),
        (equal, 0, 1, int(theirs.network_address)),
        (give, 0, 0, 128),
        (give, 0, 0, 0),
    ]


class Sniffer:
    """Sees packets from `local` to `remote` that leave this host unencrypted."""

    def __init__(self, interface: str, local: str, remote: str) -> None:
        # Protocol 0 receives nothing until the filter is in place.
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        program = leak_filter(local, remote)
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
        self.socket.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code))
        )
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.settimeout(0.5)

    def next(self) -> tuple[bool, str] | None:
        """(is it our own control packet, its description); None when nothing left within 0.5 s."""
        try:
            packet = self.socket.recv(256)
        except TimeoutError:
            return None
        source, target = (socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]))
        control = packet[9] == CONTROL_PROTOCOL and packet[20 : 20 + len(CONTROL_MARK)] == CONTROL_MARK
        return control, f"{source} > {target} protocol {packet[9]}"


def send_control(source: str, target: str) -> str:
    """Put one clear packet from `source` to `target` on the WAN, past every rule. It dies at the first router (TTL 1).

    The positive control of a count of zero: the sniffer must see it. Returns the interface. OSError says what lacks.
    """
    interface, hop = wan()
    hardware = b""
    for line in pathlib.Path("/proc/net/arp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if words[0] == hop and words[5] == interface:
            hardware = bytes.fromhex(words[3].replace(":", ""))
    if len(hardware) != 6:
        raise OSError(f"the next hop {hop} has no hardware address on {interface}")
    body = CONTROL_MARK
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(body),
        int(time.time()) & 0xFFFF,
        0,
        1,
        CONTROL_PROTOCOL,
        0,
        socket.inet_aton(source),
        socket.inet_aton(target),
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as sender:
        sender.sendto(head + body, (interface, ETH_P_IP, 0, 0, hardware))
    return interface
