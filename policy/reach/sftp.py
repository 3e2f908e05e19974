"""SFTP servers that partners would not know again."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, among

_SERVER = "aws:transfer/server:Server"
_KEY = "aws:transfer/hostKey:HostKey"


def problems(one: Resource, found: Sequence[Resource]) -> Iterator[str]:
    if one.given("protocols") and "SFTP" not in one.get("protocols"):
        return
    keys = [key for key in found if key.type == _KEY]
    if not one.given("hostKey") and not any(key.get("serverId") == one.get("id") for key in keys):
        yield (
            "AWS makes its host key, so partners refuse the server that takes its place: give both the same, by "
            "hostKey or a HostKey"
        )
    where = one.get("endpointType", "PUBLIC")
    if where == "PUBLIC":
        yield (
            "endpointType is PUBLIC, whose addresses are not yours and are others at the standby: set VPC, with "
            "Elastic IPs in endpointDetails.addressAllocationIds that the partners have allowed in advance"
        )


POLICY = among(
    "sftp-identity-lost",
    Severity.MEDIUM,
    "A server for partners has a key and addresses that its standby can have, too (K49; Transfer Family user guide, "
    "host keys, endpoints in a VPC).",
    {_SERVER: problems},
    (_KEY,),
)
