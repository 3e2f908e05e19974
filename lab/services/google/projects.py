"""cloudresourcemanager and serviceusage: what a project is, what a caller may in it, which APIs are on.

[Resource Manager API v1, projects.get and testIamPermissions; Service Usage API v1, services.batchGet]
"""

from collections.abc import Callable, Mapping
from typing import Any

from lab.services.google import PROJECT_NUMBER, host
from lab.services.google.calls import Call, Door, Played, Service
from lab.services.google.errors import Refusal

PROJECT = "lab:google:project"
"""Records: a project's id → {}. What its owner has before `up`."""
Projects = Callable[[], frozenset[str]]
"""Ids of the projects that there are."""
PLAYED = (
    "cloudresourcemanager", "compute", "container", "iam", "iamcredentials", "monitoring", "secretmanager",
    "servicenetworking", "serviceusage", "sqladmin", "storage", "sts",
)  # fmt: skip
"""APIs that are on, in every project."""


class Manager(Service):
    """Projects."""

    name = "cloudresourcemanager"

    def __init__(self, door: Door, projects: Projects) -> None:
        super().__init__(door)
        self._projects = projects

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        place = r"/v1/projects/(?P<project>[^/:]+)"
        return {("GET", place): ("", self._project), ("POST", place + ":testIamPermissions"): ("", self._test)}

    def _project(self, call: Call) -> dict[str, Any]:
        project = call.words["project"]
        known = project in self._projects()
        if not known or not self.door.rights.may(call.caller.member, "resourcemanager.projects.get", project):
            # Of a project that there is not Google says the same as of one that is somebody else's.
            raise Refusal(403, "The caller does not have permission")
        return {"projectNumber": PROJECT_NUMBER, "projectId": project, "name": project, "lifecycleState": "ACTIVE"}

    def _test(self, call: Call) -> dict[str, Any]:
        project = call.words["project"]
        asked = [str(one) for one in call.body.get("permissions") or ()]
        has = [one for one in asked if self.door.rights.may(call.caller.member, one, project)]
        return {"permissions": has} if has and project in self._projects() else {}


class Usage(Service):
    """Services."""

    name = "serviceusage"

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        return {("GET", r"/v1/projects/(?P<project>[^/]+)/services:batchGet"): ("serviceusage.services.get", self._all)}

    def _all(self, call: Call) -> dict[str, Any]:
        on = {host(one) for one in PLAYED}
        return {
            "services": [
                {"name": name, "state": "ENABLED" if name.rpartition("/")[2] in on else "DISABLED"}
                for name in call.lists.get("names", [])
            ]
        }
