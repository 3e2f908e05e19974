"""The standby machine, as it reports itself."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinsite.inventory import AzureRunCommand, Way

from ..guest import AGENT, GUEST
from .away import Away, Standby
from .complaint import said
from .sources import Sources
from .subject import Subject


@dataclass(frozen=True)
class StandbySeen:
    """It, in the mode in which the stack is."""

    standby: Standby
    dr_mode: str
    way: Way | None
    """In; None where the inventory has no such machine."""

    def problems(self) -> Iterator[str]:
        standby = self.standby
        if standby.exists and not standby.known:
            yield f"the standby machine does not report ({standby.words}): `pulumi up`"
        elif standby.outcome == "failed":
            yield f"the standby machine failed ({standby.detail}): `pulumi up`, or see /var/log/dr-vm-init.log there"
        for one in standby.complaints:
            yield said("the standby machine", replace(one, fix=_reaching(one.fix, self.way)))

    @property
    def words(self) -> str:
        """How it is."""
        standby = self.standby
        if not standby.exists:
            return f"no machine ({self.dr_mode})"
        if not standby.known:
            return f"does not report: {standby.words}"
        closed = ", closed since a failback" if standby.closed else ""
        return f"{standby.outcome or 'unknown'}, data of backup {standby.backup_id or 'none'}{closed}"

    def shown(self) -> Mapping[str, Any]:
        return {"dr_mode": self.dr_mode, "standby": {"exists": self.standby.exists, "words": self.words}}

    def lines(self) -> Iterator[str]:
        yield f"  standby  {self.words}"


def seen(facts: Away) -> StandbySeen:
    """The machine of what is known."""
    machine = facts.inventory.with_role("standby", facts.inventory.away)
    return StandbySeen(facts.standby, facts.inventory.dr_mode, machine.way if machine else None)


def read(sources: Sources) -> Sequence[Subject]:
    """One."""
    there = sources.inventory
    return [seen(sources.away("standby"))] if there.with_role("standby", there.away) else []


def _reaching(fix: str, way: Way | None) -> str:
    """A fix of the machine's own in commands that reach it: no repair does, and where nobody logs in, no `sudo`."""
    fix = fix.replace("`twinsite repair`", f"`sudo systemctl enable --now {AGENT}`")
    if not isinstance(way, AzureRunCommand):
        return fix
    machine = f"--subscription {way.subscription} --resource-group {way.resource_group} --name {way.vm}"

    def by_azure(found: re.Match[str]) -> str:
        script = re.sub("^twinsite-guest", GUEST, found[1])
        return f"`az vm run-command invoke {machine} --command-id RunShellScript --scripts {shlex.quote(script)}`"

    return re.sub(r"`(?:sudo )?((?:twinsite-guest|systemctl|journalctl|du|dmesg) [^`]*)`", by_azure, fix)
