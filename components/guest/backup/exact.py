"""JSON numbers that a server does not read back as it has printed them, and how they come back all the same. Pure.

A JSON value prints like text that anybody could have written, but `10.50` is a DECIMAL that SQL put there: read back it
is the double 10.5. So are integers beyond 64 bits; and doubles of 16 digits and more may come back as their neighbours
(bugs.mysql.com 116160). Rows with such numbers are kept in chunks of their own, and are inserted with each of the
numbers put in its place as a literal of SQL, which is exact.
"""

import re
from collections.abc import Iterator

from . import rows
from .rows import Column

STATEMENT_BYTES = 1 << 18
"""Rows that are inserted by one statement, as far as they come in so many bytes."""
_ROW_BYTES = 100
"""Around the values of one row in a statement, more than enough."""

# In the client's text: all that may not be read back as it is, and some that is. Nothing else is looked at twice. Each
# passes over the bytes in C, as a regular expression that may begin with any of many bytes does not.
_CLASSES = bytes(
    ord("d") if byte in b"0123456789.+-" else ord("e") if byte in b"eE" else ord(" ") for byte in range(256)
)
_LONG, _POWER = b"d" * 17, b"dedd"
_ENDS_IN_ZERO = re.compile(rb"\.\d+0(?:[,}\]\n]|\Z)")
_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)')
_TOKEN = re.compile(rb'("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|([\[\]{},:])', re.DOTALL)

# A double of so many digits, times or by a power of ten of its own exactness, is read with one rounding.
_EXACT_DIGITS, _EXACT_POWER = 15, 22
# Beyond these powers of ten MySQL prints a double with an exponent (my_gcvt in strings/dtoa.cc).
_LEAST_POWER, _MOST_POWER = -14, 15


def parted(lines: bytes, json: int) -> tuple[bytes, list[bytes]]:
    """Whole lines of the client's output without those whose last `json` fields hold such a number; and these."""
    if not json:
        return lines, []
    several = lines.split(b"\n")[:-1]
    # Only these: a DOUBLE in a field beside them has 17 digits as often as not.
    if json == 1:
        looked_at = b"\n".join([line.rpartition(b"\t")[2] for line in several])
    else:
        looked_at = b"\n".join([field for line in several for field in line.rsplit(b"\t", json)[-json:]])
    if not _unsure(looked_at):
        return lines, []
    kept: list[bytes] = []
    special: list[bytes] = []
    for line in several:
        documents = line.rsplit(b"\t", json)[-json:]
        is_special = any(_unsure(raw) and _special(rows.cell(raw)) for raw in documents)
        (special if is_special else kept).append(line + b"\n")
    return b"".join(kept), special


def _unsure(text: bytes) -> bool:
    """Of documents, one a line."""
    classes = text.translate(_CLASSES)
    return _POWER in classes or _LONG in classes or bool(_ENDS_IN_ZERO.search(text))


def _special(text: bytes) -> bool:
    return any(found[1] and not read_back(found[1]) for found in _NUMBER.finditer(text))


def read_back(number: bytes) -> bool:
    """Whether every server makes of this text a number that it prints the same."""
    if number.lstrip(b"-").isdigit():
        return -(2**63) <= int(number) < 2**64
    digits, power = _parts(number)
    if len(digits) > _EXACT_DIGITS or abs(power) > _EXACT_POWER:
        return False
    return b"e" in number or _prints_as_double(number)


def literal(number: bytes) -> str:
    """That number in SQL: a DOUBLE where a double prints so, else a DECIMAL, which prints as it is written."""
    is_double = b"e" not in number and b"." in number and _prints_as_double(number)
    return number.decode() + ("e0" if is_double else "")


def _parts(number: bytes) -> tuple[str, int]:
    """(digits without leading zeros, power of ten of the last one)."""
    mantissa, _, power = number.decode().lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    return (whole + fraction).lstrip("0") or "0", int(power or "0") - len(fraction)


def _prints_as_double(number: bytes) -> bool:
    """Of a number with a point and no exponent: the shortest text of that double is this one."""
    digits, power = _parts(number)
    if digits == "0":
        return number in (b"0.0", b"-0.0")
    if not _LEAST_POWER <= len(digits) + power <= _MOST_POWER:
        return False
    shortest, _ = _parts(repr(float(number)).encode())
    whole = number.endswith(b".0")
    return (whole or not number.endswith(b"0")) and shortest.rstrip("0") == digits.rstrip("0")


def patches(text: bytes) -> list[tuple[bytes, str]]:
    """(path, literal) of each number in a JSON document that is not read back as it is."""
    found: list[tuple[bytes, str]] = []
    path: list[bytes] = []
    """The legs to the value that comes next; of an array its number, counted in `counts`."""
    counts: list[int] = []
    """-1 for an object."""
    key = False
    for string, number, mark in (match.groups() for match in _TOKEN.finditer(text)):
        if string is not None and key:
            path[-1], key = b"." + string, False
        elif number is not None and not read_back(number):
            found.append((b"$" + b"".join(path), literal(number)))
        elif mark in (b"{", b"["):
            counts.append(-1 if mark == b"{" else 0)
            path.append(b"[0]")
            key = mark == b"{"
        elif mark in (b"}", b"]"):
            counts.pop()
            path.pop()
            key = False
        elif mark == b",":
            key = counts[-1] < 0
            if not key:
                counts[-1] += 1
                path[-1] = b"[%d]" % counts[-1]
    return found


def longest(lines: list[bytes], columns: list[Column]) -> int:
    """Bytes of the longest statement that inserts one of these lines; 0 when all of them are short."""
    if sum(map(len, lines)) <= rows.SHORT_BYTES // 16:  # a path may be longer than its number
        return 0
    return max(len(_row(line.removesuffix(b"\n"), columns)) + _ROW_BYTES for line in lines)


def inserts(table: str, columns: list[Column], lines: Iterator[bytes]) -> Iterator[bytes]:
    """Statements that insert a chunk's lines (as LOAD DATA reads them), each ended and counted in @loaded."""
    names = ", ".join(rows.identifier(column.name) for column in columns)
    # IGNORE, as LOAD DATA LOCAL does: what cannot be taken as it is, is missed in the end.
    head = f"INSERT IGNORE INTO {rows.identifier(table)} ({names}) VALUES\n".encode()
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(_row(line.removesuffix(b"\n"), columns))
        size += len(waiting[-1])
        if size >= STATEMENT_BYTES:
            yield _ended(head, waiting)
            waiting, size = [], 0
    if waiting:
        yield _ended(head, waiting)


def _ended(head: bytes, several: list[bytes]) -> bytes:
    return head + b",\n".join(several) + b";\nSET @loaded = @loaded + ROW_COUNT();\n"


def _row(line: bytes, columns: list[Column]) -> bytes:
    fields = zip(columns, map(rows.field, line.split(b"\t")), strict=True)
    return f"({', '.join(_value(column, value) for column, value in fields)})".encode()


def _value(column: Column, value: bytes | None) -> str:
    if value is None:
        return "NULL"
    told = rows.stored(column, f"_binary X'{value.hex()}'")
    put = patches(value) if column.form == rows.JSON else []
    pairs = "".join(f", _utf8mb4 X'{path.hex()}', {number}" for path, number in put)
    return f"JSON_REPLACE({told}{pairs})" if put else told
