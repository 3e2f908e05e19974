"""The two ways in which a guest program ends without success; both say in words what a person is to know."""

import re

_MYSQL = re.compile(r"^ERROR (\d+) \([^)]*\)(?: at line \d+)?: (.*)", re.MULTILINE | re.DOTALL)


class Refused(Exception):
    """Bad configuration or a state that must not be changed silently. Each problem is a sentence with its fix."""

    code = 2
    """Exit code of the program."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Failed(Exception):
    """It was right to try and did not work; the message holds the software's own words."""

    code = 1
    """Exit code of the program."""


class SqlError(Failed):
    """MySQL said no. `number` is its error number (0 when it said something else), `words` its message."""

    def __init__(self, number: int, words: str) -> None:
        self.number = number
        self.words = words
        super().__init__(f"MySQL error {number}: {words}" if number else words)

    @classmethod
    def of(cls, said: str) -> "SqlError":
        """Of a failed `mysql` client's standard error."""
        said = said.strip()
        found = _MYSQL.search(said)
        return cls(int(found[1]), found[2].strip()) if found else cls(0, said or "the mysql client was ended")
