"""Settings of a database server with which copies go wrong."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from ..judging import Resource, each

_OFF = ("0", "off", "false")


def _problems(name: str, value: Any) -> Iterator[str]:
    text = str(value).lower().removesuffix(".0")
    setting = name.replace("-", "_")  # RDS and the server spell it in either way
    if setting == "require_secure_transport" and text in _OFF:
        yield (
            f"{name} is {value}, and the way beyond the tunnel is clear text: set it to ON, and let clients verify the "
            "server's certificate"
        )
    if setting == "rds.force_ssl" and text in _OFF:
        yield f"{name} is {value}, and the way beyond the tunnel is clear text: set it to 1"
    if setting == "wal_sender_timeout" and text == "0":
        yield f"{name} is 0, which keeps a dead subscriber's slot and hides that it is dead: set 10000 to 60000 ms"
    if setting == "gtid_mode" and text.startswith("off"):
        yield f"{name} is {value}, so a replica cannot be pointed at another source without a gap: set it to ON"


def _group(one: Resource) -> Iterator[str]:
    for parameter in one.parts("parameters"):
        yield from _problems(str(parameter.get("name")), parameter.get("value"))


def _google(one: Resource) -> Iterator[str]:
    mode = one.get("settings.ipConfiguration.sslMode")
    if mode not in ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"):
        yield (
            f"settings.ipConfiguration.sslMode is {mode or 'not given, which lets clear text in'}, and the way beyond "
            "the tunnel is clear text: set it to ENCRYPTED_ONLY, and let clients verify the server's certificate"
        )
    for flag in one.parts("settings.databaseFlags"):
        yield from _problems(str(flag.get("name")), flag.get("value"))


def _configuration(one: Resource) -> Iterator[str]:
    yield from _problems(str(one.get("configurationName")), one.get("value"))


POLICY = each(
    "database-settings",
    Severity.HIGH,
    "A server asks for TLS, keeps positions over a change of source and notices a dead peer (K15, K16, K42; MySQL "
    "manual, require_secure_transport; PostgreSQL manual, wal_sender_timeout).",
    {
        "aws:rds/parameterGroup:ParameterGroup": _group,
        "aws:rds/clusterParameterGroup:ClusterParameterGroup": _group,
        "gcp:sql/databaseInstance:DatabaseInstance": _google,
        "azure-native:dbformysql:Configuration": _configuration,
        "azure-native:dbforpostgresql:Configuration": _configuration,
    },
)
