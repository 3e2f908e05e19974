"""An application of several sessions between two servers: it writes where it may and keeps what was acknowledged."""

import contextlib
import itertools
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field

from .postgres import Postgres, programs

ROWS = 3
"""Orders of each customer, who is one transaction."""
_STATE = re.compile(r"(?:ERROR|FATAL):  ([0-9A-Z]{5}):")
SHUT = "25006"
COLLIDED = "23505"


@dataclass
class Load:
    """Sessions of `crm_app`; each goes to the other server when the one that it is at refuses it or goes away."""

    servers: tuple[Postgres, Postgres]
    database: str
    sessions: int = 4
    acknowledged: dict[str, float] = field(default_factory=dict)
    """What a transaction is called → when it was acknowledged."""
    refusals: list[str] = field(default_factory=list)
    """SQLSTATE of each error; "" of a connection that ended without one."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._session, args=(number,)) for number in range(self.sessions)]

    def __enter__(self) -> "Load":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join(60)
            assert not one.is_alive()

    def wait_for(self, more: int, seconds: float = 30) -> None:
        """So many acknowledgements more."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, f"{len(self.acknowledged)} of {wanted} after {seconds:g} s"
            time.sleep(0.02)

    def longest_gap(self) -> float:
        """The longest time in which nobody's write was acknowledged."""
        moments = sorted(self.acknowledged.values())
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    def _session(self, number: int) -> None:
        at = 0
        turns = itertools.count()
        while not self._over.is_set():
            server = self.servers[at % 2]
            command = [str(programs(18) / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
            command += ["-v", "VERBOSITY=verbose", "-h", str(server.folder), "-p", str(server.port)]
            command += ["-U", "crm_app", "-d", self.database]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as client:
                assert client.stdin and client.stdout and client.stderr
                while not self._over.is_set():
                    name = f"w{number}-{next(turns)}"
                    try:
                        client.stdin.write(transaction(name))
                        client.stdin.flush()
                    except BrokenPipeError:
                        break
                    if client.stdout.readline().strip() != "done":
                        break
                    self.acknowledged[name] = time.monotonic()
                    time.sleep(0.02)
                with contextlib.suppress(BrokenPipeError):  # it never got in
                    client.stdin.close()
                said = client.stderr.read()
            if not self._over.is_set():
                found = _STATE.search(said)
                self.refusals.append(found[1] if found else "")
                at += 1


def transaction(name: str) -> str:
    """A customer, their orders, and one of them changed; `done` once it is acknowledged."""
    return (
        f"BEGIN;\nINSERT INTO customers (name) VALUES ('{name}');\n"
        "INSERT INTO orders (customer, cents) SELECT currval('customers_id_seq'), i "
        f"FROM generate_series(1, {ROWS}) i;\n"
        "UPDATE orders SET cents = cents + 10 WHERE id = lastval();\nCOMMIT;\n\\echo done\n"
    )


def missing(load: Load, server: Postgres) -> list[str]:
    """Acknowledged transactions that are not all there, or twice."""
    told = server.sql(
        "SELECT c.name || ' ' || count(o.id) || ' ' || count(DISTINCT c.id) FROM customers c LEFT JOIN orders o "
        "ON o.customer = c.id WHERE c.name LIKE 'w%' GROUP BY c.name",
        load.database,
    )
    whole = {line.split()[0] for line in told.splitlines() if line.split()[1:] == [str(ROWS), "1"]}
    return sorted(load.acknowledged.keys() - whole)
