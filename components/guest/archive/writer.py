"""Who the writer is, read before a backup's snapshot and after its last row: ../backup/writer.py with this role's
stores (ADR 18; the register of ADR 44 has the same document)."""

from ..backup.writer import Unknown
from ..epoch import DOCUMENT, Writer, parse
from ..errors import Failed
from .config import Config
from .store import open_store


def read(config: Config) -> "Writer | Unknown | None":
    """The writer now; None when the configuration names no place where that would be said."""
    place = config.writer
    if place is None:
        return None
    try:
        store = open_store(place.store, config.identity)
        if DOCUMENT not in store.sizes(DOCUMENT):
            return Writer(place.home, 0)
        return parse(store.get(DOCUMENT))
    except (Failed, ValueError) as problem:
        return Unknown(f"{place.store}/{DOCUMENT} cannot be read: {problem}")
