"""A question to a cloud that has no answer: why, and how it gets one."""


class CouldNotAsk(Exception):
    """`words` say why there is no answer, `fix` how it comes; "" where nobody can say."""

    def __init__(self, words: str, fix: str = "") -> None:
        self.words, self.fix = words, fix
        super().__init__(words)


class NoAnswer(CouldNotAsk):
    """Nobody answered; asked once more, somebody may."""
