"""What a provider's function answers, asked while a hook waits: an account is asked only when something is made."""

import asyncio
from typing import TypeVar

import pulumi

from .guest.errors import Failed

SECONDS = 60.0
"""The SDK's threads first send registrations that were queued before, for as long as a preview takes on a busy machine;
with `--parallel 1` they may all wait for this, and then nobody can look."""

T = TypeVar("T")


async def answered(given: pulumi.Output[T], lacking: str) -> T:
    """The result of a function's `…_output`. Failed when there is none, with the provider's words or `lacking`."""
    said: list[str] = []

    def note(error: Exception) -> list[T]:
        said.append(str(error))
        return []

    # A failure that is not recovered from would fail the program, and so would a task that is cancelled.
    asked = asyncio.ensure_future(given.apply(lambda found: [found]).recover(note).future())
    await asyncio.wait([asked], timeout=SECONDS)
    result = asked.result() if asked.done() else None
    if not result:
        raise Failed(said[0] if said else lacking)
    return result[0]
