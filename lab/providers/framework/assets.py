"""Assets: what a program hands over as a file or a text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.providers.framework.types import Refusal
from lab.providers.framework.values import SIGNATURE


def asset_bytes(source: Any, reading: str) -> bytes:
    """An asset's bytes, none when it is no asset. Refusal when the file cannot be read; `reading` begins it."""
    if not isinstance(source, Mapping) or SIGNATURE not in source:
        return b""
    if "text" in source:
        return str(source["text"]).encode()
    if "path" in source:
        try:
            return Path(source["path"]).read_bytes()
        except OSError as error:
            raise Refusal(f"{reading} ({source['path']}): {error}") from None
    raise Refusal("the lab takes file and text assets only, no URLs and no archives")
