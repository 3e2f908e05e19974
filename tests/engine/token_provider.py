"""The azure-native stand-in, but it gives a token (LatchWeb's) although there is no box.

Run in place of lab/providers/start.py, with the same arguments.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.providers.framework.provider import Provider
from lab.providers.framework.serve import main


def give(self: Provider, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
    assert (token, arguments) == (
        "azure-native:authorization:getClientToken",
        {"endpoint": "https://storage.azure.com"},
    ), (token, arguments)
    return {"token": "of-whoever-runs-pulumi"}


if __name__ == "__main__":
    assert callable(Provider.invoke)
    Provider.invoke = give  # type: ignore[method-assign]
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(main(words[0], words[1], Path(words[2]), words[-1]))
