"""Gzip whose bytes depend on the content alone (RFC 1951 and 1952), for what Pulumi compares from one `up` to the next.

Python's gzip writes another header in 3.13 than in 3.12, and zlib, zlib-ng and their versions compress the same content
to other bytes: another runner's `up` would replace machines whose user data say the same. Whatever reads gzip reads
this. Written for source text: a match is the latest place with the same four bytes, codes are the fixed ones. It comes
to about 1.4 times zlib's size.
"""

import bisect
import struct
import zlib

_WINDOW = 32768
_LONGEST = 258
_KEY = 4
_END = 256


def _code(value: int, width: int) -> int:
    """Huffman codes go into the stream from their most significant bit, everything else from the least."""
    return int(f"{value:0{width}b}"[::-1], 2)


def _symbols() -> list[tuple[int, int]]:
    """(bits, width) of each literal and length symbol: RFC 1951, 3.2.6."""
    groups = ((144, 0x30, 8), (112, 0x190, 9), (24, 0, 7), (8, 0xC0, 8))
    return [(_code(first + at, width), width) for count, first, width in groups for at in range(count)]


def _lengths() -> dict[int, tuple[int, int]]:
    """(bits, width) of each length, extra bits included: RFC 1951, 3.2.5."""
    found, length = {}, 3
    for symbol, extra in enumerate([*[0] * 8, *(bits for bits in range(1, 6) for _ in range(4))], 257):
        bits, width = _SYMBOLS[symbol]
        for more in range(1 << extra):
            found[length + more] = (bits | more << width, width + extra)
        length += 1 << extra
    return {**found, _LONGEST: _SYMBOLS[285]}


def _distances() -> list[tuple[int, int, int]]:
    """(first distance, bits, extra bits) of each distance symbol: RFC 1951, 3.2.5."""
    found, first = [], 1
    for symbol in range(30):
        extra = max(0, symbol // 2 - 1)
        found.append((first, _code(symbol, 5), extra))
        first += 1 << extra
    return found


_SYMBOLS = _symbols()
_LENGTHS = _lengths()
_DISTANCES = _distances()
_FIRSTS = [first for first, _, _ in _DISTANCES]


def _deflated(content: bytes) -> bytes:
    """One final block with the fixed codes."""
    out = bytearray()
    pending, width = 0b011, 3
    latest: dict[bytes, int] = {}
    at, size = 0, len(content)
    while at < size:
        key = content[at : at + _KEY]
        there = latest.get(key, -_WINDOW - 1)
        latest[key] = at
        length = 1
        if len(key) == _KEY and at - there <= _WINDOW:
            length, limit = _KEY, min(_LONGEST, size - at)
            while length < limit and content[there + length] == content[at + length]:
                length += 1
            bits, more = _LENGTHS[length]
            first, code, extra = _DISTANCES[bisect.bisect_right(_FIRSTS, at - there) - 1]
            bits |= (code | (at - there - first) << 5) << more
            pending, width = pending | bits << width, width + more + 5 + extra
            # The last place within the match is as good as all of them, in two thirds of the time.
            latest[content[at + length - 2 : at + length + 2]] = at + length - 2
        else:
            bits, more = _SYMBOLS[content[at]]
            pending, width = pending | bits << width, width + more
        at += length
        if width >= 4096:
            whole = width // 8
            out += (pending & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
            pending, width = pending >> 8 * whole, width - 8 * whole
    bits, more = _SYMBOLS[_END]
    return bytes(out + (pending | bits << width).to_bytes((width + more + 7) // 8, "little"))


def gzipped(content: bytes) -> bytes:
    """One gzip member; members may follow one another."""
    # No name, no time, operating system unknown. CRC-32 is defined by its polynomial, so any zlib's is the same.
    header = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, 0, 0, 0, 255)
    return header + _deflated(content) + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
