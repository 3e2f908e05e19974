"""secretmanager.googleapis.com: a version's payload for who may [Secret Manager API, secrets.versions.access]."""

import base64
from collections.abc import Mapping

from lab.services.google.calls import Call, Door, Played, Service
from lab.services.google.errors import Refusal, denied
from lab.services.google.rights import Records

SECRET = "gcp:secretmanager/secret:Secret"
VERSION = "gcp:secretmanager/secretVersion:SecretVersion"
RIGHT = "secretmanager.versions.access"


class Vaults(Service):
    """Versions are numbered from 1 in the order in which they were made."""

    name = "secretmanager"

    def __init__(self, door: Door, records: Records) -> None:
        super().__init__(door)
        self._records = records

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        path = r"/v1/projects/(?P<project>[^/]+)/secrets/(?P<secret>[^/]+)/versions/(?P<version>[^/:]+):access"
        return {("GET", path): ("", self._access)}

    def _access(self, call: Call) -> dict[str, object]:
        project, secret, wanted = call.words["project"], call.words["secret"], call.words["version"]
        name = f"projects/{project}/secrets/{secret}"
        if not self.door.rights.may(call.caller.member, RIGHT, project, name):
            raise denied(RIGHT, f"{name}/versions/{wanted}")
        made = sorted(
            (one for one in self._records(VERSION).values() if _of(one, name, secret)),
            key=lambda one: (float(one.get("__made") or 0), str(one.get("version"))),
        )
        if not made or not any(key.endswith(f"/secrets/{secret}") for key in self._records(SECRET)):
            raise Refusal(404, f"Secret [{name}] not found or has no versions.")
        if wanted != "latest" and not (wanted.isdecimal() and 0 < int(wanted) <= len(made)):
            raise Refusal(404, f"Secret Version [{name}/versions/{wanted}] not found.")
        number = len(made) if wanted == "latest" else int(wanted)
        data = base64.b64encode(str(made[number - 1].get("secretData") or "").encode()).decode()
        return {"name": f"{name}/versions/{number}", "payload": {"data": data}}


def _of(version: Mapping[str, object], name: str, secret: str) -> bool:
    return str(version.get("secret")) in (name, secret)
