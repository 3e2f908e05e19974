"""SQL from where this runs, a desk or a pod, to a server that can be reached: no host in between, no client program.

Here: which server (server.py), a session for each engine (ENGINES), the password behind a reference (secret.py). Not
here: what a host asks of its own server, which goes through its guest and the `mysql` client (ADR 4).
"""

from . import mysql
from .server import Gone, Place, Refused, Session, Untrusted

ENGINES = {"mysql": mysql.connect}
"""Engine → opens a session. Another engine is a module here and a row."""

__all__ = ["ENGINES", "Gone", "Place", "Refused", "Session", "Untrusted", "connect"]


def connect(place: Place, seconds: float = mysql.ANSWER_SECONDS) -> Session:
    """A session; an answer that takes longer than `seconds` ends it. Gone when there is none, Refused when the server
    says no, Untrusted when it is not known to be that server."""
    if place.engine not in ENGINES:
        raise Refused(f"{place}: this twinsite speaks to {', '.join(ENGINES)}, not to {place.engine}")
    return ENGINES[place.engine](place, seconds)
