"""What SHOW GRANTS allows. Pure.

An object that a user may not see is missing from its lists without a word, so a backup asks first.
"""

import re

_GRANT = re.compile(r"^GRANT (.+?) ON (?:(?:TABLE|PROCEDURE|FUNCTION) )?(\S+) TO ", re.DOTALL)


def held(lines: list[str], schema: str) -> set[str]:
    """Privileges on the whole schema or the whole server, by upper-case name, prefixed `*.*:` when on the server."""
    found: set[str] = set()
    for line in lines:
        said = _GRANT.match(line)
        if not said:
            continue
        place = said[2].replace("`", "")
        everywhere = place == "*.*"
        if not everywhere and not (place.endswith(".*") and _matches(place[:-2], schema)):
            continue
        for word in said[1].split(","):
            name = word.strip().upper()
            found.add(name)
            if everywhere:
                found.add(f"*.*:{name}")
    return found


def _matches(pattern: str, schema: str) -> bool:
    """A grant's database part is a LIKE pattern."""
    out = ""
    for part in re.findall(r"\\.|.", pattern):
        out += re.escape(part[1]) if part.startswith("\\") else {"%": ".*", "_": "."}.get(part, re.escape(part))
    return re.fullmatch(out, schema) is not None


def missing_for_backup(lines: list[str], schema: str) -> list[str]:
    """Sentences about what a backup would silently leave out."""
    has = held(lines, schema)
    if any(name.startswith("ALL PRIVILEGES") for name in has):
        return []
    problems = [
        f"this user has no {name} on schema {schema!r}, so {what} would be missing from the backup: "
        f"GRANT {name} ON `{schema}`.* TO this user"
        for name, what in (("SELECT", "rows"), ("TRIGGER", "triggers"), ("EVENT", "events"), ("SHOW VIEW", "views"))
        if name not in has
    ]
    if not {"*.*:SELECT", "*.*:SHOW_ROUTINE"} & has:
        problems.append(
            "this user sees no text of routines that others defined, so they would be missing from the backup: "
            "GRANT SHOW_ROUTINE ON *.* TO this user"
        )
    return problems
