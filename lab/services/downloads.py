"""Download sites of neither cloud: files at addresses that a topology's scene names."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lab.services.api import Answer
from lab.services.signature import Request


class Downloads:
    """`files` is URL → what gives the file, and may build it first."""

    def __init__(self, files: Mapping[str, Callable[[], Path]]) -> None:
        self._files = files
        self.hosts = {urlsplit(url).hostname or "" for url in files}

    def owns(self, host: str) -> bool:
        return host in self.hosts

    def answer(self, request: Request) -> Answer:
        file = self._files.get(f"https://{request.host}{request.path}")
        if file is None or request.method not in ("GET", "HEAD"):
            return 404, [("Content-Type", "text/plain")], b"not found\n"
        return 200, [("Content-Type", "application/octet-stream")], self._body(file())

    @staticmethod
    @functools.lru_cache(maxsize=1)
    def _body(file: Path) -> bytes:
        return file.read_bytes()
