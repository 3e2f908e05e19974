"""Which ends, which schemas, under which name; read from logical.json and its secrets, every problem at once."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from .. import documents
from ..errors import Refused

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""Of slot, publication and subscription alike: what a slot's name may have, with room for suffixes."""
REPORT = re.compile(r"gs://[^/]+/.+")
HEARTBEAT = ("twinsite", "heartbeat")
GATE = "twinsite_gate"
"""The trigger on each table that asks whether this end writes (gate.sql)."""
CHANNEL_BINDING = "channel-binding"
"""Instead of an authority: SCRAM with channel binding. Who ends the TLS session must know the role's password as the
server does, so that no certificate is needed and nobody in between is believed (RFC 5802, RFC 5929; libpq 13)."""
MARGIN = 1000
KEEPALIVES = {
    # A dead peer is seen after idle + interval × count = 11 s, unsent data after tcp_user_timeout = 10 s.
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "connect_timeout": "5",
}
"""Of every connection, the job's and the subscription's (libpq; seconds, tcp_user_timeout milliseconds)."""


@dataclass(frozen=True)
class End:
    """How one server is reached."""

    address: str
    """Host name or IPv4 address; or the folder of a local socket, where there is no TLS."""
    database: str
    user: str
    password: str = field(default="", repr=False)
    port: int = 5432
    tls_ca: str = ""
    """PEM of the authority of its certificate; empty: the system's."""
    certificate_name: str = ""
    """What its certificate says instead of the address; empty: the address."""

    @property
    def local(self) -> bool:
        """Whether it is a socket of this machine."""
        return self.address.startswith("/")

    def where(self, authority: str) -> dict[str, str]:
        """libpq's words for the way there, without the password; `authority`: a file, `system` or CHANNEL_BINDING."""
        found = {"port": str(self.port), "dbname": self.database, "user": self.user, **KEEPALIVES}
        if self.local:
            # libpq ignores sslmode there, and one without TLS refuses to hear of it.
            return {"host": self.address, **found}
        name = {"host": self.address}
        if self.certificate_name:
            # The name is compared with the certificate, the address is where it goes (libpq: host with hostaddr).
            name = {"host": self.certificate_name, "hostaddr": self.address}
        if authority == CHANNEL_BINDING:
            return {**name, **found, "sslmode": "require", "channel_binding": "require"}
        return {**name, **found, "sslmode": "verify-full", "sslrootcert": authority}


@dataclass(frozen=True)
class Config:
    """One flow."""

    name: str
    source: End
    target: End
    replication_user: str
    """At the source: whom the subscription logs in as. It reads and replicates, and owns nothing."""
    replication_password: str = field(repr=False)
    schemas: tuple[str, ...]
    slot_wal_keep_mib: int
    """What the source must keep for the slot at least: WAL rate times tolerated outage."""
    authority_at_target: str
    """Where the target's server has the authority of the source's certificate: a file of its machine, `system`, or
    CHANNEL_BINDING."""
    source_as_seen_by_target: str = ""
    """Another address of the source; empty: the one that the job uses."""
    left_out_extensions: tuple[str, ...] = ()
    owner_at_target: str = ""
    """Role that owns what is made there; empty: the user."""
    margin: int = MARGIN
    """How far sequences go ahead."""
    metrics_project: str = ""
    """Google's project whose Cloud Monitoring is told what a look found; empty: nobody is."""
    report: str = ""
    """gs://BUCKET/NAME that each look writes over, for operations; empty: none."""
    back_user: str = ""
    """At the target: whom the subscription of the way back logs in as; empty: there is no way back."""
    back_password: str = field(default="", repr=False)
    authority_at_source: str = ""
    """Where the source's server has the authority of the target's certificate; as above."""
    target_as_seen_by_source: str = ""
    """Another address of the target; empty: the one that the job uses."""
    target_bounds_slots: bool = True
    """Whether the target's server has max_slot_wal_keep_size; Cloud SQL has not. Where not, a look keeps the bound."""
    carrier: str = ""
    """Who carries the rows instead of a subscription, for instance dms: then definitions, gates, looks and moves of the
    writer are the job's."""
    turned: bool = False
    """Whether this is the way back: the source is what the document calls target."""

    @property
    def looked_after(self) -> bool:
        """Of the way back: whether a look, and not the server, bounds its slot."""
        return self.turned and not self.target_bounds_slots

    @property
    def called(self) -> tuple[str, str]:
        """What the document calls source and target."""
        return ("target", "source") if self.turned else ("source", "target")

    @property
    def reversed(self) -> "Config":
        """The same flow the other way round, under the same name."""
        return replace(
            self,
            source=self.target,
            target=self.source,
            replication_user=self.back_user,
            replication_password=self.back_password,
            authority_at_target=self.authority_at_source,
            source_as_seen_by_target=self.target_as_seen_by_source,
            back_user=self.replication_user,
            back_password=self.replication_password,
            authority_at_source=self.authority_at_target,
            target_as_seen_by_source=self.source_as_seen_by_target,
            turned=not self.turned,
        )

    @property
    def subscriber_source(self) -> End:
        """The source as the subscription reaches it."""
        one = self.source
        return End(
            self.source_as_seen_by_target or one.address,
            one.database,
            self.replication_user,
            self.replication_password,
            one.port,
            one.tls_ca,
            one.certificate_name,
        )


def read(path: str, secrets: str) -> Config:
    """Refused with everything that is wrong."""
    data, words = documents.read(path), documents.read(secrets)
    problems: list[str] = []
    ends = [_end(data, words, name, problems) for name in ("source", "target")]
    name, replication = str(data.get("name", "")), str(data.get("replication_user", ""))
    if not NAME.fullmatch(name):
        problems.append(f"name is {name!r}: give a letter, then up to 40 lower-case letters, digits and _")
    schemas = tuple(str(one) for one in data.get("schemas") or ())
    if not schemas or HEARTBEAT[0] in schemas:
        problems.append(f"schemas are {list(schemas)}: name those that are replicated, without {HEARTBEAT[0]}")
    if not replication:
        problems.append("replication_user is missing: name the role of the source that the subscription logs in as")
    password = str(words.get("replication_password", ""))
    carrier = str(data.get("carrier", ""))
    if not ends[0].local and not password and not carrier:
        problems.append("replication_password is missing from the secrets")
    authority = str(data.get("authority_at_target", ""))
    if not ends[0].local and not authority and not carrier:
        problems.append(
            "authority_at_target is missing: name the file on the target's machine with the authority of the source's "
            "certificate, or `system`"
        )
    report = str(data.get("report", ""))
    if report and not REPORT.fullmatch(report):
        problems.append(f"report is {report!r}: give gs://BUCKET/NAME, or leave it out")
    back, back_password = str(data.get("back_user", "")), str(words.get("back_password", ""))
    authority_back = str(data.get("authority_at_source", ""))
    if back and not ends[1].local and not (back_password and authority_back):
        problems.append(
            "back_user is named, and back_password (a secret) or authority_at_source is missing: give both, the way "
            "back logs in with one and verifies the target by the other"
        )
    keep = documents.whole_number(data, "slot_wal_keep_mib", None, 1, 2**31 - 1, problems)
    margin = documents.whole_number(data, "margin", MARGIN, 0, 10**9, problems)
    if problems:
        raise Refused(problems)
    return Config(
        name=name,
        source=ends[0],
        target=ends[1],
        replication_user=replication,
        replication_password=password,
        schemas=schemas,
        slot_wal_keep_mib=keep,
        authority_at_target=authority,
        source_as_seen_by_target=str(data.get("source_as_seen_by_target", "")),
        left_out_extensions=tuple(data.get("left_out_extensions") or ()),
        owner_at_target=str(data.get("owner_at_target", "")),
        margin=margin,
        metrics_project=str(data.get("metrics_project", "")),
        report=report,
        back_user=back,
        back_password=back_password,
        authority_at_source=authority_back,
        target_as_seen_by_source=str(data.get("target_as_seen_by_source", "")),
        target_bounds_slots=bool(data.get("target_bounds_slots", True)),
        carrier=carrier,
    )


def _end(data: dict[str, Any], words: dict[str, Any], which: str, problems: list[str]) -> End:
    said = data.get(which)
    said = said if isinstance(said, dict) else {}
    for field_ in ("address", "database", "user"):
        if not said.get(field_):
            problems.append(f"{which}.{field_} is missing: name it")
    return End(
        address=str(said.get("address", "")),
        database=str(said.get("database", "")),
        user=str(said.get("user", "")),
        password=str(words.get(f"{which}_password", "")),
        port=documents.whole_number(said, "port", 5432, 1, 65535, problems, f"{which}."),
        tls_ca=str(said.get("tls_ca", "")),
        certificate_name=str(said.get("certificate_name", "")),
    )
