"""Refusals: pure functions that return every problem at once, as sentences that name the fix.

Here: one module a subject, no cloud SDK, no I/O. Constructors, the policy pack and the commands share them.
Not here: anything that decides what to create.
"""

from collections import Counter
from collections.abc import Iterable


class Refused(ValueError):
    """A design that twinsite does not build. `problems` holds every reason, each with its fix."""

    def __init__(self, subject: str, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"{subject} is refused:\n{listed}")


def require(subject: str, problems: Iterable[str]) -> None:
    """Raise Refused when there is at least one problem; called before the first resource exists."""
    found = tuple(problems)
    if found:
        raise Refused(subject, found)


def twice_problems(name: str, values: Iterable[str]) -> list[str]:
    """Which of these are there more than once: each becomes a resource that is named by it."""
    return [f"{name} has {value} {count} times: list it once" for value, count in Counter(values).items() if count > 1]
