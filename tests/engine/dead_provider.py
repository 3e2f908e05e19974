"""A provider whose cloud is dead: it starts, checks and compares as ever, and every call to the cloud fails.

Run in place of lab/providers/start.py, with the same arguments.
"""

import sys
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.providers.framework.provider import Provider
from lab.providers.framework.serve import main
from lab.providers.framework.types import Refusal


def dead(self: Provider, *given: Any, **named: Any) -> NoReturn:
    raise Refusal("connection timed out: this cloud is dead")


if __name__ == "__main__":
    for call in ("create", "read", "update", "delete"):
        assert callable(getattr(Provider, call))
        setattr(Provider, call, dead)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(main(words[0], words[1], Path(words[2]), words[-1]))
