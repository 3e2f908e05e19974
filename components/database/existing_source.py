"""What the owners of a source that twinsite does not manage run there."""

from collections.abc import Mapping

from ..payload import guest_file


def statements(
    values: Mapping[str, str], users: Mapping[str, str], now: Mapping[str, str], coming: Mapping[str, str]
) -> str:
    """SQL that may be run any number of times. `users` are accounts by kind (replication, clone), `now` and `coming`
    their passwords of this and of the next generation; without a next one an account that is there keeps its own."""
    text = _filled("existing-source.sql", {**values, **{f"{kind}_password": word for kind, word in now.items()}})
    for kind, word in coming.items():
        one = {**values, "user": users[kind], "password": now[kind], "next": word}
        text += _filled("existing-source-next.sql", one)
    return text + guest_file("database/heartbeat.sql").replace("$version", "twinsite heartbeat 1")


def _filled(file: str, values: Mapping[str, str]) -> str:
    text = guest_file(f"database/{file}")
    for key, value in values.items():
        text = text.replace("${" + key + "}", value)
    return text
