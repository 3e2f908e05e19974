"""The two ways in which a guest program ends without success; both say in words what a person is to know."""


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
