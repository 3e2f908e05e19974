"""What clouds say of what they run for a stack: everything is asked at once, and nothing is waited for longer than
SECONDS. What did not answer is not known, and never well.

Who asks for what is in the subject's own module (`asks`); cloud_reader.py puts them together.
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from typing import Any, TypeVar

from ..amazon import Amazon
from ..azure import Blobs
from ..cloudflare import Cloudflare
from ..google import Google
from ..unanswered import CouldNotAsk

SECONDS = 20.0
"""For all of them together: a token that a slow CLI fetches, and two or three calls."""

Asks = Mapping[Hashable, Callable[[], Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """Whom a subject asks."""

    amazon: Callable[[str], Amazon]
    """AWS of a region."""
    google: Google
    cloudflare: Cloudflare
    azure: Blobs


@dataclass(frozen=True)
class Unknown:
    """Why something is not known, and how it would be."""

    words: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.words}: {self.fix}" if self.fix else self.words


class Told:
    """All questions, asked when this is made. Threads are daemons: one that hangs in a system call keeps no command
    from ending."""

    def __init__(self, asks: Asks | None = None, seconds: float = SECONDS) -> None:
        self._found: dict[Hashable, Future[Any]] = {}
        self._seconds, self._deadline = seconds, time.monotonic() + seconds
        for at, (key, ask) in enumerate((asks or {}).items()):
            self._found[key] = found = Future[Any]()
            threading.Thread(target=_ask, args=(found, ask), name=f"cloud-{at}", daemon=True).start()

    def __call__(self, key: Hashable) -> Any:
        """The answer, or why there is none."""
        try:
            return self._found[key].result(max(0.0, self._deadline - time.monotonic()))
        except CouldNotAsk as problem:
            return Unknown(problem.words, problem.fix)
        except Late:
            return Unknown(f"no answer within {self._seconds:g} s", "look at your own network, then ask again")
        except Exception as error:  # an answer of a shape that nobody knew: nothing is known, and said so
            words = f"the answer cannot be read ({type(error).__name__}: {error})"
            return Unknown(words, "report it with this line; look in the cloud's console meanwhile")


def _ask(found: "Future[Any]", ask: Callable[[], Any]) -> None:
    try:
        found.set_result(ask())
    except BaseException as problem:
        found.set_exception(problem)
