"""Messages of pgoutput, protocol 1 [PostgreSQL: logical replication message formats]; values stay text."""

import struct
from dataclasses import dataclass

from .shapes import Change, Transaction

EPOCH = 946684800
"""PostgreSQL counts from 2000."""


@dataclass(frozen=True)
class _Relation:
    schema: str
    name: str
    columns: tuple[str, ...]


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = bytes(data), 0

    def take(self, form: str) -> int:
        (found,) = struct.unpack_from(f">{form}", self._data, self._at)
        self._at += struct.calcsize(f">{form}")
        return int(found)

    def letter(self) -> str:
        self._at += 1
        return chr(self._data[self._at - 1])

    def text(self) -> str:
        end = self._data.index(0, self._at)
        found, self._at = self._data[self._at : end].decode(), end + 1
        return found

    def sized(self) -> str:
        size = self.take("i")
        self._at += size
        return self._data[self._at - size : self._at].decode()


class Reader:
    """Puts transactions together."""

    def __init__(self) -> None:
        self._relations: dict[int, _Relation] = {}
        self._changes: list[Change] = []

    def take(self, data: bytes) -> Transaction | None:
        """The transaction that this message ends."""
        message = _Bytes(data)
        kind = message.letter()
        if kind == "R":
            self._relation(message)
        elif kind in "IUD":
            self._row(kind, message)
        elif kind == "T":
            count, _ = message.take("i"), message.take("b")
            for _ in range(count):
                one = self._relations[message.take("I")]
                self._changes.append(Change("truncate", one.schema, one.name))
        elif kind == "B":
            self._changes = []
        elif kind == "C":
            _, _, end, at = message.take("b"), message.take("Q"), message.take("Q"), message.take("q")
            return Transaction(lsn(end), at / 1e6 + EPOCH, self._changes)
        return None

    def _relation(self, message: _Bytes) -> None:
        number, schema, name, _ = message.take("I"), message.text(), message.text(), message.letter()
        columns = []
        for _ in range(message.take("h")):
            message.take("b")
            columns.append(message.text())
            message.take("I"), message.take("i")
        self._relations[number] = _Relation(schema, name, tuple(columns))

    def _row(self, kind: str, message: _Bytes) -> None:
        one = self._relations[message.take("I")]
        found: dict[str, dict[str, str | None]] = {}
        part = message.letter()
        found[part] = self._values(one, message)
        if part in "KO" and kind == "U":
            found["N"] = (message.letter(), self._values(one, message))[1]
        new = found.get("N", {})
        old = found.get("K") or found.get("O") or new
        name = {"I": "insert", "U": "update", "D": "delete"}[kind]
        self._changes.append(Change(name, one.schema, one.name, new, old))

    def _values(self, one: _Relation, message: _Bytes) -> dict[str, str | None]:
        row: dict[str, str | None] = {}
        for place in range(message.take("h")):
            kind = message.letter()
            if kind == "n":
                row[one.columns[place]] = None
            elif kind == "t":
                row[one.columns[place]] = message.sized()
            # "u" is a long value that did not change: it is not in the log, and stays at the target.
        return row


def lsn(number: int) -> str:
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"


def number(text: str) -> int:
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
