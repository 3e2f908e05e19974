"""Three registers that say who may write, of which two decide (ADR 44): what each says, and whether they agree.

Whoever writes reads them by itself; nothing here opens or closes a site.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Inventory

from .. import azure, bucket_store
from ..amazon import Refused
from ..unanswered import CouldNotAsk
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line

MAJORITY = 2
"""Of three."""
AGAIN = "the bucket of a register is never deleted: make it again, empty"
RAISED = "the agent of the site that writes raises it within a minute; where it does not, its log says why"


@dataclass(frozen=True)
class Said:
    """A register's document."""

    site: str
    epoch: int
    clear: bool
    """Whether it is known that no site of an earlier epoch writes."""


def look(register: str, region: str, world: World) -> Said | None:
    """One call; None when it holds nothing."""
    content = document(register, region, world)
    if content is None:
        return None
    try:
        return parse(content)
    except (ValueError, KeyError, TypeError) as problem:
        words = f"{register} holds no document of a writer's ({type(problem).__name__}: {problem})"
        raise CouldNotAsk(words, "somebody wrote it by hand: take the other registers' document into it") from None


def parse(content: Any) -> Said:
    """As components/guest/writer/registers.py reads it; tests hold the two together. Pure."""
    site, epoch = content["site"], content["epoch"]
    if not isinstance(site, str) or not site or not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise ValueError(f"it names site {site!r} and epoch {epoch!r}")
    return Said(site, epoch, content.get("clear") is True)


def document(register: str, region: str, world: World) -> Any:
    """One call: the JSON of an object at any of the three clouds; None when there is none."""
    scheme, _, rest = register.partition("://")
    bucket, _, name = rest.partition("/")
    if scheme == "gs":
        return bucket_store.document(register, world.google, AGAIN)
    if scheme == "s3":
        return _of_amazon(bucket, name, region, world)
    if scheme == "azblob":
        return _of_azure(register, world)
    raise ValueError(f"{register} is neither gs://, s3:// nor azblob://")


def _of_amazon(bucket: str, name: str, region: str, world: World) -> Any:
    try:
        found = world.amazon(region).ask("s3", "GetObject", Bucket=bucket, Key=name)
    except Refused as error:
        if error.code == "NoSuchKey":
            return None
        raise CouldNotAsk(str(error), AGAIN) from None
    return json.loads(found["Body"].read())


def _of_azure(register: str, world: World) -> Any:
    try:
        found = world.azure.get(azure.place(register))
    except azure.AzureError as error:
        raise CouldNotAsk(azure.explained(error, register, "Storage Blob Data Contributor")) from None
    return None if found is None else json.loads(found[0])


@dataclass(frozen=True)
class RegistersSeen:
    """All three."""

    said: Mapping[str, Said | Unknown | None]
    """By place."""
    sites: tuple[str, ...]
    active_site: str
    """Where the stack was told that users are."""

    @property
    def known(self) -> dict[str, Said]:
        """Of those that say something."""
        return {place: one for place, one in self.said.items() if isinstance(one, Said)}

    def decided(self) -> Said | None:
        """What two name in the highest epoch of all; None where no two do."""
        top = max((one.epoch for one in self.known.values()), default=0)
        newest = [one for one in self.known.values() if one.epoch == top]
        sites = {one.site for one in newest}
        if len(newest) < MAJORITY or len(sites) > 1:
            return None
        return Said(newest[0].site, top, any(one.clear for one in newest))

    def problems(self) -> Iterator[str]:
        lacking = len(self.said) - len(self.known)
        for place, one in self.said.items():
            if isinstance(one, Unknown):
                yield f"register {place} cannot be read ({one})"
            elif one is None and self.known:
                yield f"register {place} holds nothing, so that one more that is lost stops every writer: {RAISED}"
        if len(self.known) < MAJORITY:
            yield (
                f"who may write is not known: {lacking} of {len(self.said)} registers say nothing, and {MAJORITY} "
                "decide. A site that cannot read them either stops writing: bring them back before anything is moved"
            )
            return
        decided = self.decided()
        if decided is None:
            yield self._undecided()
            return
        yield from self._of(decided)

    def _undecided(self) -> str:
        top = max(one.epoch for one in self.known.values())
        sites = sorted({one.site for one in self.known.values() if one.epoch == top})
        if len(sites) > 1:
            return (
                f"registers name {' and '.join(sites)} in epoch {top}, and an epoch is one site's: somebody wrote one "
                "by hand. Stop the application at both until it is known which holds the data, then make that one the "
                "writer in a higher epoch"
            )
        return (
            f"one register names {sites[0]} in epoch {top} and no second one does, so that nobody may be sure of "
            "writing: the failover that swapped it stopped; run it again, it goes on in its epoch"
        )

    def _of(self, decided: Said) -> Iterator[str]:
        for place, one in self.known.items():
            if one.epoch < decided.epoch:
                yield f"register {place} is at epoch {one.epoch}, and two are at {decided.epoch}: {RAISED}"
        if decided.site not in self.sites:
            yield (
                f"the registers name {decided.site} (epoch {decided.epoch}), which this stack has not: they are "
                "another stack's: give each its own"
            )
        elif decided.site != self.active_site:
            yield (
                f"{decided.site} may write by the registers (epoch {decided.epoch}), and the stack was told that "
                f"{self.active_site} is active: `pulumi config set active_site {decided.site}` and `pulumi up`, so "
                "that what holds the data is not deleted"
            )

    def shown(self) -> Mapping[str, Any]:
        decided = self.decided()
        return {
            "writer": {
                "site": decided.site if decided else None,
                "epoch": decided.epoch if decided else None,
                "clear": decided.clear if decided else None,
                "registers": [
                    {
                        "place": place,
                        "site": one.site if isinstance(one, Said) else None,
                        "epoch": one.epoch if isinstance(one, Said) else None,
                    }
                    for place, one in self.said.items()
                ],
            }
        }

    def lines(self) -> Iterator[str]:
        decided = self.decided()
        if decided is None:
            yield line("writer", "unknown", f"{len(self.known)} of {len(self.said)} registers say something")
            return
        agree = sum((one.site, one.epoch) == (decided.site, decided.epoch) for one in self.known.values())
        words = f"epoch {decided.epoch}, {agree} of {len(self.said)} registers"
        yield line("writer", decided.site, words + ("" if decided.clear else ", the other site may still be closing"))


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each."""
    return {
        ("register", one): lambda one=one: look(one, inventory.register_region(one), world)  # type: ignore[misc]
        for one in inventory.registers
    }


def read(sources: Sources) -> Sequence[Subject]:
    """One, where there are any."""
    there = sources.inventory
    if not there.registers:
        return []
    said = {one: sources.clouds()(("register", one)) for one in there.registers}
    return [RegistersSeen(said, tuple(site.name for site in there.sites), there.active_site)]
