"""The registers of who may write (ADR 44), as an operator's desk reaches them: with the operator's own identities.

Not here: the rule, and how two of them are swapped (components/guest/writer); a site's own agent has the same.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from twinsite.guest.errors import Failed
from twinsite.guest.writer.holder import clock as clock
from twinsite.guest.writer.raising import Overtaken, make_writer, proposed
from twinsite.guest.writer.registers import BlobRegister, GcsRegister, Register, S3Register, said
from twinsite.guest.writer.rule import Rule, Said

from . import azure, google
from .amazon import LOG_IN
from .unanswered import CouldNotAsk

WAIT_SECONDS = Rule().wait_seconds
"""After two are swapped, until a site that says nothing has stopped."""


class Unasked:
    """In the place of one that a move does without."""

    def __init__(self, place: str, why: str) -> None:
        self._place, self._why = place, why

    def __str__(self) -> str:
        return self._place

    def read(self) -> tuple[bytes, str] | None:
        raise Failed(f"it is not asked: {self._why}")

    def swap(self, content: bytes, tag: str) -> bool:
        raise Failed(f"it is not asked: {self._why}")


class Registers:
    """Three, in the inventory's order."""

    def __init__(self, registers: Iterable[Register]) -> None:
        self._registers = list(registers)

    def make_writer(self, site: str, above: int) -> int:
        """Two of them name `site`; its epoch, which is above `above`. CouldNotAsk when that cannot be."""
        try:
            return make_writer(self._registers, site, above).epoch
        except Overtaken as problem:
            raise CouldNotAsk(str(problem)) from None
        except Failed as problem:
            raise CouldNotAsk(str(problem), "`twinsite status` says what each register has") from None

    def next_epoch(self, site: str, above: int) -> int:
        """What `make_writer` would answer. CouldNotAsk when too few of them do."""
        try:
            return proposed(self._registers, site, above).epoch
        except Failed as problem:
            raise CouldNotAsk(str(problem), "`twinsite status` says what each register has") from None

    def seen(self) -> list[Said | str | None]:
        """What each says; why one says nothing to us."""
        found: list[Said | str | None] = []
        for register in self._registers:
            try:
                read = register.read()
                found.append(said(read[0]) if read else None)
            except (Failed, ValueError) as problem:
                found.append(str(problem))
        return found

    def clear(self, site: str, epoch: int) -> bool:
        """Whether one says that nobody writes in an earlier epoch any more. CouldNotAsk when another site is named in
        a later one."""
        for register in self._registers:
            try:
                found = register.read()
                known = said(found[0]) if found else None
            except (Failed, ValueError):
                continue
            if known is None:
                continue
            if known.epoch > epoch:
                raise CouldNotAsk(f"{register} names {known.site} in epoch {known.epoch}, a later one than {epoch}")
            if (known.epoch, known.site, known.clear) == (epoch, site, True):
                return True
        return False


def opened(places: Mapping[str, str], google_identity: google.Identity, without: Collection[str] = ()) -> Registers:
    """Of these places, each with its region at AWS. Those in `without` are not asked: they died with their site."""
    return Registers(_one(place, region, google_identity, without) for place, region in places.items())


def _one(place: str, region: str, google_identity: google.Identity, without: Collection[str]) -> Register:
    scheme, _, rest = place.partition("://")
    bucket, _, name = rest.partition("/")
    if place in without:
        return Unasked(place, "it is at the site that is dead; the agent of the new writer raises it when it is back")
    if scheme == "gs":
        return GcsRegister(bucket, _speaking(google_identity.token), name)
    if scheme == "s3":
        return S3Register(bucket, region, _keys, name)
    if scheme == "azblob":
        at = azure.place(place)
        identity = azure.Identity()
        return BlobRegister(at.account, at.container, _speaking(lambda: identity.token(azure.STORAGE)), at.name)
    raise ValueError(f"{place} is neither gs://, s3:// nor azblob://")


def _speaking(token: Callable[[], str]) -> Callable[[], str]:
    def asked() -> str:
        try:
            return token()
        except CouldNotAsk as problem:
            raise Failed(f"{problem.words}: {problem.fix}") from None
        except azure.AzureError as problem:
            raise Failed(str(problem)) from None

    return asked


def _keys() -> dict[str, str]:
    """Of AWS, as the guest's signer takes them."""
    try:
        import boto3  # type: ignore[import-untyped]

        found = boto3.Session().get_credentials()
    except Exception as problem:  # whatever boto3 says of a profile, a login or a network
        raise Failed(f"there are no credentials for AWS here ({problem}): {LOG_IN}") from None
    if found is None:
        raise Failed(f"there are no credentials for AWS here: {LOG_IN}")
    keys = found.get_frozen_credentials()
    return {"AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key, "Token": keys.token or ""}
