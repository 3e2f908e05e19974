"""What a person asks of a task or of a drill, and the words that they may give for it."""

from enum import StrEnum


class Verb(StrEnum):
    """What a person asks for."""

    START = "start"
    STOP = "stop"
    RESUME = "resume"
    MODIFY = "modify"
    RELOAD = "reload"

    @property
    def loads(self) -> bool:
        """Reads all rows of tables: the databases are asked first."""
        return self in (Verb.START, Verb.RELOAD)


class Word(StrEnum):
    """What a person may confirm, in place of an answer or against one."""

    UNASKED = "unasked"
    """Both databases were asked by hand, as the component's page has it."""
    LEFT_BEHIND = "left-behind"
    """Tables without a key, types that DMS cuts, and what the target lacks may be so."""
    LOSE_ROWS = "lose-rows"
    """Rows that the target alone has may go, counted as they were."""
    HOME_SERVES = "home-serves"
    """The source serves, whatever the stack says."""


class Kind(StrEnum):
    """What a drill breaks."""

    INSTANCE = "instance"
    PATH = "path"
    SLOT = "slot"


DEFAULT_SECONDS = 420.0
"""The alarm on a latency looks at three minutes above its threshold, which is one minute."""
DEFAULT_MIB = 256
