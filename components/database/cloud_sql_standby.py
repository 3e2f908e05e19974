"""A private Cloud SQL at the standby site, PostgreSQL or MySQL, that is to follow a source elsewhere."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp
import pulumi_random as random

from .. import inventory
from ..component import Component
from ..modes import DrMode
from ..protection import keep_while_active
from ..rules.cloud_sql import CloudSqlStandbyIntent
from .postgres import PostgresHandle

PORTS = {"POSTGRES": 5432, "MYSQL": 3306}
LOG_DAYS = 7
"""What the edition ENTERPRISE keeps of logs at most."""


class CloudSqlStandbyArgs(TypedDict):
    """Arguments of CloudSqlStandby."""

    dr_mode: DrMode
    """In cold there is no server."""

    instance: str
    """Its name at Google begins with it; what is drawn follows."""

    generation: NotRequired[int]
    """Raise by 1 for another server with another name, whose data must then come anew. Defaults to 1."""

    region: str
    """For instance asia-northeast3."""

    network_id: pulumi.Input[str]
    """projects/P/global/networks/N: where it gets its private address."""

    service_connection: pulumi.Input[str]
    """Id of the network's connection for private services, as AwsGcpVpn has it: the server waits for it."""

    service_range_name: pulumi.Input[str]
    """Name of the range in which its address is, as AwsGcpVpn has it."""

    database_version: str
    """POSTGRES_17, MYSQL_8_4."""

    source_version: str
    """What the source runs, 17.5 or 8.4.6: an older standby is refused."""

    source_settings: dict[str, str]
    """What the source says of each setting that changes meaning; which those are, the refusal lists."""

    flags: NotRequired[dict[str, str]]
    """More flags, for instance max_connections. Defaults to none."""

    tier: str
    """db-custom-CPUS-MIB, or db-perf-optimized-N-CPUS."""

    availability_type: NotRequired[str]
    """ZONAL or REGIONAL. Defaults to ZONAL."""

    disk_gib: NotRequired[int]
    """When it is made; then it grows by itself and never shrinks. Defaults to 20."""

    database: str
    """The database that is made in it."""

    charset: str
    """Of that database, as at the source. PostgreSQL: UTF8."""

    collation: str
    """Of that database, as at the source."""

    user: NotRequired[str]
    """Its administrator, not the application's. Defaults to twinsite."""

    retained_backups: NotRequired[int]
    """Daily ones. Defaults to 7."""

    site_is_active: bool
    """Whether users are at this site now (config active_site): the server is then not deleted or replaced."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """Latch objects that `up` reads before it deletes the server. Defaults to none."""

    labels: NotRequired[dict[str, str]]
    """Put on the server and its secret."""


class CloudSqlStandby(Component):
    """A private database at Google that can follow a source, take over, and be followed.

    Creates in every mode: the administrator's password and a secret with it. From pilot-light on: the server with its
    database and administrator, under a name that no server has had.
    """

    address: pulumi.Output[str | None]
    """Private IPv4 address; None while dr_mode is cold."""
    server_name: pulumi.Output[str | None]
    """At Google; None while dr_mode is cold. The next server has another one."""
    connection_name: pulumi.Output[str | None]
    """PROJECT:REGION:NAME, as Google's own proxy wants it; None while dr_mode is cold."""
    tls_ca: pulumi.Output[str | None]
    """PEM that signs its certificate; None while dr_mode is cold."""
    port: int
    user: str
    password_secret: pulumi.Output[str]
    """Id of the secret with the administrator's password."""
    ready: pulumi.Output[str | None]
    """The address, known when database and administrator are there; None while dr_mode is cold."""

    def __init__(self, name: str, args: CloudSqlStandbyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = CloudSqlStandbyIntent.of(args)
        super().__init__("CloudSqlStandby", name, known, opts)
        self._name, self._args, self._known = name, args, known
        # In every mode: the engine wants the hook for the server that a mode takes away.
        self._kept = keep_while_active(
            f"{name}-server", f"the server {known.instance}", known.site_is_active, args.get("latch_urls", [])
        )
        self.port, self.user = PORTS[known.engine], known.user
        password = self._password_text = self._password()
        nothing: pulumi.Output[str | None] = pulumi.Output.from_input(None)
        self.address = self.server_name = self.connection_name = self.tls_ca = self.ready = nothing
        if known.runs:
            server = self._server()
            parts = self._inside(server, password)
            self.address, self.server_name = server.private_ip_address, server.name
            self.connection_name = server.connection_name
            authority = server.server_ca_certs.apply(lambda found: "".join(str(one.cert) for one in found))
            # The provider hides it, and it is for everyone who connects.
            self.tls_ca = pulumi.Output.unsecret(authority)
            self.ready = pulumi.Output.all(server.private_ip_address, *parts).apply(lambda all_: str(all_[0]))
        # Not declared above: no output.
        self.inventory: pulumi.Output[inventory.Entry] = self.connection_name.apply(self._entry)
        self.register_outputs(
            {
                "address": self.address,
                "server_name": self.server_name,
                "connection_name": self.connection_name,
                "tls_ca": self.tls_ca,
                "port": self.port,
                "user": self.user,
                "password_secret": self.password_secret,
                "ready": self.ready,
            }
        )

    def _entry(self, connection_name: str | None) -> inventory.Entry:
        """While it exists."""
        known = self._known
        if connection_name is None:
            return inventory.Entry()
        project, instance = placed(connection_name)
        server = inventory.CloudDatabase(
            name=known.instance,
            project=project,
            instance=instance,
            version=known.database_version,
            availability=known.availability_type,
            settings=tuple(inventory.Setting(flag, value) for flag, value in known.all_flags.items()),
        )
        return inventory.Entry(databases=(server,))

    @property
    def handle(self) -> PostgresHandle:
        """What LogicalReplica reads of a PostgreSQL one. The address is known once database and user are there."""
        return {
            "address": self.ready,
            "port": self.port,
            "database": self._known.database,
            "user": self.user,
            "password": self._password_text,
            "version": self._known.database_version.removeprefix("POSTGRES_"),
            "tls_ca": self.tls_ca,
            "certificate_name": self.connection_name.apply(certificate_name),
        }

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _password(self) -> pulumi.Output[str]:
        name, known = self._name, self._known
        drawn = random.RandomPassword(f"{name}-password", length=32, special=False, opts=self._child())
        secret = gcp.secretmanager.Secret(
            f"{name}-password",
            secret_id=f"{known.instance}-{known.user}",
            replication={"user_managed": {"replicas": [{"location": known.region}]}},
            labels=self._args.get("labels", {}),
            opts=self._child(),
        )
        result: pulumi.Output[str] = drawn.result
        text: pulumi.Output[str] = pulumi.Output.secret(result)
        gcp.secretmanager.SecretVersion(f"{name}-password", secret=secret.id, secret_data=text, opts=self._child())
        self.password_secret = secret.id
        return text

    def _server(self) -> gcp.sql.DatabaseInstance:
        name, args, known = self._name, self._args, self._known
        network = pulumi.Output.all(args["network_id"], args["service_connection"]).apply(lambda both: str(both[0]))
        mysql = known.engine == "MYSQL"
        return gcp.sql.DatabaseInstance(
            f"{name}-server",
            name=self._own_name(),
            region=known.region,
            database_version=known.database_version,
            # Ours is the hook, which lets a mode go down in one `up`; Google's is on unless it is told otherwise, and
            # must be off in a run before.
            deletion_protection=False,
            settings={
                "tier": known.tier,
                "edition": known.edition,
                "availability_type": known.availability_type,
                "disk_type": "PD_SSD",
                "disk_size": known.disk_gib,
                "disk_autoresize": True,
                "database_flags": [{"name": flag, "value": value} for flag, value in known.all_flags.items()],
                "ip_configuration": {
                    "ipv4_enabled": False,
                    "private_network": network,
                    "allocated_ip_range": args["service_range_name"],
                    "ssl_mode": "ENCRYPTED_ONLY",
                },
                "backup_configuration": {
                    "enabled": True,
                    # The same thing under two names: MySQL refuses the second one.
                    **({"binary_log_enabled": True} if mysql else {"point_in_time_recovery_enabled": True}),
                    "transaction_log_retention_days": LOG_DAYS,
                    "backup_retention_settings": {
                        "retained_backups": known.retained_backups,
                        "retention_unit": "COUNT",
                    },
                },
                "user_labels": args.get("labels", {}),
            },
            opts=self._child(
                hooks=self._kept,
                # It grows behind the program's back; a size that is smaller then would make another server.
                ignore_changes=["settings.diskSize"],
            ),
        )

    def _own_name(self) -> pulumi.Output[str]:
        """A name that no server has had, for Google keeps a deleted one's about a week: drawn with the server, gone
        with it, drawn anew by whatever replaces it (ADR 17)."""
        known = self._known
        drawn = random.RandomId(
            f"{self._name}-server-name",
            byte_length=4,
            prefix=f"{known.instance}-",
            keepers={
                "generation": str(known.generation),
                "region": known.region,
                # At MySQL this one is for life.
                "lower_case_table_names": known.source_settings.get("lower_case_table_names", ""),
            },
            opts=self._child(),
        )
        return drawn.hex

    def _inside(
        self, server: gcp.sql.DatabaseInstance, password: pulumi.Output[str]
    ) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Both go with the server: Google refuses to drop a database that somebody is in."""
        name, known = self._name, self._known
        mysql = {"host": "%"} if known.engine == "MYSQL" else {}
        database = gcp.sql.Database(
            f"{name}-database",
            name=known.database,
            instance=server.name,
            charset=known.charset,
            collation=known.collation,
            opts=self._child(deleted_with=server),
        )
        user = gcp.sql.User(
            f"{name}-user",
            name=known.user,
            instance=server.name,
            password=password,
            **mysql,
            opts=self._child(deleted_with=server),
        )
        return database.id, user.id


def certificate_name(connection_name: str | None) -> str | None:
    """What the certificate of an instance with an authority of its own is for, of PROJECT:REGION:NAME [Cloud SQL,
    Authorize with SSL/TLS certificates: PROJECT:NAME is its common name]."""
    return None if connection_name is None else ":".join(placed(connection_name))


def placed(connection_name: str) -> tuple[str, str]:
    """(project, name) of PROJECT:REGION:NAME. An organisation's project has a colon of its own: example.com:project."""
    project, _, name = connection_name.rsplit(":", 2)
    return project, name
