"""The path between a task's instance and its target, cut and mended.

A rule of a security group does not cut it: "existing connections are not interrupted" when one goes, AWS lets packets
of tracked connections pass until they end, and points to network ACLs, which keep no state [EC2 user guide, connection
tracking]. So an entry that denies the target's address and port goes in front of all others, out of the subnets of the
instance, and is deleted again; no other entry is changed. The target's end, because it is the standby: at the source's
the users' own connections would be lost in the same subnets.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..drill import fault_command
from ..steps import StepFailed
from ..store import Store
from ..subjects.cut_path import MARK
from .service import Service

TCP = "6"
TAKEN, GONE = "NetworkAclEntryAlreadyExists", "InvalidNetworkAclEntry.NotFound"
"""EC2's words."""


@dataclass(frozen=True)
class Cut:
    """What is cut, and how. `command` "": by the entries of network ACLs."""

    task: str
    address: str
    port: int
    command: str = ""

    @property
    def words(self) -> str:
        """For a person."""
        if self.command:
            return f"by `{self.command}`"
        return f"by network ACLs: nothing of the instance's subnets reaches {self.address}:{self.port} meanwhile"

    def problems(self) -> list[str]:
        """Why it cannot be done so. Pure."""
        if self.command:
            return []
        try:
            ipaddress.IPv4Address(self.address)
        except ValueError:
            return [
                f"the target is {self.address or 'unknown'}, and a network ACL goes by an IPv4 address: give "
                "--fault-command a command of yours that cuts the path"
            ]
        return [] if self.port else ["the inventory does not say the target's port: `pulumi up` writes it"]

    def denies(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is a drill's."""
        ports = entry.get("PortRange") or {}
        return (
            bool(entry.get("Egress"))
            and entry.get("RuleAction") == "deny"
            and entry.get("CidrBlock") == f"{self.address}/32"
            and (ports.get("From"), ports.get("To")) == (self.port, self.port)
        )


@dataclass
class Path:
    """With its mark: it is written before anything is cut, and goes when all is mended."""

    service: Service
    store: Store
    cut: Cut
    _ours: set[str] = field(default_factory=set)
    """ACLs that were asked for an entry: EC2 may have made one that it does not list yet, or does not tell of."""

    def leftovers(self) -> str:
        """Mend what a drill that was killed has left; what it was. StepFailed with what a person must do."""
        found = self.store.read(MARK)
        if found is None:
            return "nothing"
        left = json.loads(found[0])
        cut = Cut(left["task"], left["address"], left["port"], left["command"])
        if cut.command:
            self._command(cut, "off")
        else:
            self._delete(cut, left["entries"])
        self._unmark()
        return f"the path of {cut.task} to {cut.address or 'its target'} is open again"

    def ready(self) -> dict[str, int]:
        """ACL → number of the entry that would be made. StepFailed where there would be none."""
        return {} if self.cut.command else {str(one["NetworkAclId"]): _before_all(one) for one in self._acls()}

    def close(self) -> str:
        """Cut it; in words."""
        if self.cut.command:
            self._mark({})
            return self._command(self.cut, "on")
        numbers = self.ready()
        self._mark(numbers)
        for acl, number in numbers.items():
            self._create(acl, number)
        return ", ".join(f"entry {number} of {acl}" for acl, number in numbers.items())

    def open(self) -> str:
        """Mend it; in words."""
        if self.cut.command:
            done = self._command(self.cut, "off")
        else:
            found = self.store.read(MARK)
            entries = json.loads(found[0])["entries"] if found else {}
            self._delete(self.cut, entries)
            done = f"entries of {', '.join(entries)} are gone"
        self._unmark()
        return done

    def _create(self, acl: str, number: int) -> None:
        self._ours.add(acl)
        try:
            self.service.ask(
                "CreateNetworkAclEntry", "ec2", NetworkAclId=acl, RuleNumber=number, Protocol=TCP, RuleAction="deny",
                Egress=True, CidrBlock=f"{self.cut.address}/32",
                PortRange={"From": self.cut.port, "To": self.cut.port},
            )  # fmt: skip
        except StepFailed as problem:
            if TAKEN in str(problem):
                self._ours.discard(acl)
            raise

    def _acls(self) -> list[Mapping[str, Any]]:
        task = self.service.describe()
        where = [{"Name": "replication-instance-arn", "Values": [task.instance]}]
        (instance,) = self.service.ask("DescribeReplicationInstances", Filters=where)["ReplicationInstances"]
        group = instance.get("ReplicationSubnetGroup") or {}
        subnets = [str(one["SubnetIdentifier"]) for one in group.get("Subnets") or ()]
        if not subnets:
            raise StepFailed(
                "AWS does not say in which subnets the instance is: give --fault-command a command of yours"
            )
        return self._described([{"Name": "association.subnet-id", "Values": subnets}])

    def _described(self, filters: list[Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = list(
            self.service.ask("DescribeNetworkAcls", "ec2", Filters=filters).get("NetworkAcls") or ()
        )
        return found

    def _delete(self, cut: Cut, entries: Mapping[str, int]) -> None:
        """Only what denies just this: a number may be somebody else's by now."""
        if not entries:
            return
        listed = {
            str(acl["NetworkAclId"])
            for acl in self._described([{"Name": "network-acl-id", "Values": list(entries)}])
            for one in acl["Entries"]
            if one["RuleNumber"] == entries[str(acl["NetworkAclId"])] and cut.denies(one)
        }
        for acl in sorted(listed | self._ours):
            try:
                self.service.ask("DeleteNetworkAclEntry", "ec2", NetworkAclId=acl, RuleNumber=entries[acl], Egress=True)
            except StepFailed as problem:
                if GONE not in str(problem):
                    raise

    def _command(self, cut: Cut, state: str) -> str:
        if problem := fault_command.run(cut.command, cut.task, state):
            raise StepFailed(problem)
        return f"`{cut.command} {cut.task} {state}`"

    def _mark(self, entries: Mapping[str, int]) -> None:
        told = {
            "task": self.cut.task, "entries": dict(entries), "address": self.cut.address, "port": self.cut.port,
            "command": self.cut.command,
        }  # fmt: skip
        self.store.write(MARK, json.dumps(told).encode())

    def _unmark(self) -> None:
        if (found := self.store.read(MARK)) is not None:
            self.store.remove(MARK, found[1])


def _before_all(acl: Mapping[str, Any]) -> int:
    """A number in front of all entries that go out. StepFailed where none is free. Pure."""
    taken: Iterable[int] = (int(one["RuleNumber"]) for one in acl["Entries"] if one["Egress"])
    number = min(taken, default=2) - 1
    if number < 1:
        raise StepFailed(
            f"rule 1 of {acl['NetworkAclId']} goes out already, and nothing goes in front of it: give it a higher "
            "number, or give --fault-command a command of yours"
        )
    return number
