"""Log queries of Azure Monitor, one a file, each with a row when something is wrong.

Here: the queries, and filling in their `let` lines. Not here: when they run and who is told (observer.py).
"""

import re
from pathlib import Path

HERE = Path(__file__).parent


def query(name: str, **values: str) -> str:
    """Text of NAME.kql with `let NAME = …;` replaced for each of `values` (KQL literals)."""
    text = (HERE / f"{name}.kql").read_text()
    for variable, literal in values.items():
        text, found = re.subn(rf"(?m)^let {variable} = .*?;", f"let {variable} = {literal};", text)
        if found != 1:
            raise ValueError(f"{name}.kql has no line `let {variable} = …;` to fill in")
    return text
