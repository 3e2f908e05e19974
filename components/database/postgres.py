"""A PostgreSQL server as another component takes it."""

from typing import NotRequired, TypedDict

import pulumi


class PostgresHandle(TypedDict):
    """A PostgreSQL server as the job reaches it: CloudSqlStandby has one, an RDS is written down."""

    address: pulumi.Input[str | None]
    """Host name or private address, as the pod and, for the source, the target's server see it."""

    port: NotRequired[int]
    """Defaults to 5432."""

    database: str
    """Plain, because a rule reads it, as it does what follows."""

    user: str
    """Owner of the source's tables, or whoever may use their owner's role; at the target whoever may subscribe."""

    password: pulumi.Input[str]
    """Kept secret; the job reads it from a file."""

    version: str
    """As SHOW server_version says, for instance 17.5."""

    tls_ca: NotRequired[pulumi.Input[str | None]]
    """PEM of the authority that signed its certificate; the system's authorities by default."""

    certificate_name: NotRequired[pulumi.Input[str | None]]
    """What its certificate says where that is not the address: PROJECT:NAME for Cloud SQL. The address by default."""
