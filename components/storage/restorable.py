"""Whether the store has a backup to restore: asked before anything is made that would be of no use without one.

Asked as the identity that runs Pulumi, in preview and in `up`, by hooks that run before a creation only. Nothing but a
store that has answered refuses: whoever cannot look must not stop a failover, and the machine looks before it restores.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pulumi
from pulumi_azure_native import authorization

from ..asking import answered
from ..guest.agent import azure
from ..guest.backup import store as backups
from ..guest.backup import target
from ..guest.errors import Failed

CALL_SECONDS = 5.0
LOOK_SECONDS = 20.0
"""All calls to the store together."""

T = TypeVar("T")


class Reader:
    """A container's blobs for somebody in a hurry: no second tries, and Failed once LOOK_SECONDS are over."""

    def __init__(self, account: str, container: str, token: str) -> None:
        self._account, self._container, self._token = account, container, token
        self._end = time.monotonic() + LOOK_SECONDS

    def get(self, name: str) -> bytes:
        path = f"{self._container}/{name}"
        found: bytes = azure.blob_get(self._account, path, self._token, hurry_seconds=self._left())
        return found

    def sizes(self, prefix: str) -> dict[str, int]:
        listed = azure.blob_list(self._account, self._container, prefix, self._token, hurry_seconds=self._left())
        return {entry["name"]: entry["bytes"] for entry in listed}

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise Failed(f"{self._account} was not read to its end within {LOOK_SECONDS:.0f} s")
        return min(CALL_SECONDS, left)


class Restorable:
    """Asks the store once in a run of the program, when the first thing is to be made that needs a backup."""

    def __init__(self, account: str, container: str, parent: pulumi.Resource) -> None:
        """Names, and the component whose provider says as whom to ask."""
        self._account, self._container, self._parent = account, container, parent
        self._answers: dict[str, asyncio.Future[tuple[dict[str, Any], str]]] = {}
        self._said: set[str] = set()

    def hooks(self, name: str, which: str, managed: bool = False) -> pulumi.ResourceHookBinding:
        """For whatever is of no use without the backup `which` (latest, or an id); `managed`: for a managed database.
        To be made in every mode: host_hooks in machine/azure_host.py says why."""

        async def refuse(args: pulumi.ResourceHookArgs) -> None:
            await self.require(args.name, which, managed)

        hook = pulumi.ResourceHook(f"{name}-restorable", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
        return pulumi.ResourceHookBinding(before_create=[hook])

    async def require(self, name: str, which: str, managed: bool = False) -> None:
        """ValueError, with what to do, when the store says that it has no such backup. What a managed database would do
        to its data is a warning: this must not stop a failover."""
        if which not in self._answers:
            self._answers[which] = asyncio.ensure_future(self._lacking(which))
        manifest, why = await asyncio.shield(self._answers[which])
        for words in target.at_a_managed_standby(manifest) if manifest and managed else []:
            if words not in self._said:
                self._said.add(words)
                pulumi.log.warn(f"backup {manifest['id']}: {words}")
        if why:
            raise ValueError(
                f"{name} is not made, because it would have nothing to restore: in {self._container} of "
                f"{self._account} {why}. Run the backup job by hand (`pulumi stack output backup_by_hand` is the "
                "command; runbook no-backup helps when it fails) and then this again, or stay with "
                "`pulumi config set dr_mode cold`"
            )

    async def _lacking(self, which: str) -> tuple[dict[str, Any], str]:
        try:
            token = await _token(self._parent)
            reader = Reader(self._account, self._container, token)
            return await _beside(lambda: backups.found_or_lacking(reader, which))
        except Exception as error:  # whatever it is, see above
            self._warn(error)
            return {}, ""

    def _warn(self, error: Exception) -> None:
        role = ""
        if isinstance(error, azure.CallError) and error.status == 403:
            role = f" (reading needs the role {backups.READER!r} on container {self._container})"
        pulumi.log.warn(
            f"nobody could look whether {self._account} has a backup to restore: {error}{role}; this goes on, and "
            "without one the standby's machine will refuse, after database and machine were made: `twinsite status` "
            "shows the newest complete one"
        )


async def _token(parent: pulumi.Resource) -> str:
    """For the store, of the identity that the provider itself uses. Failed when it gives none."""
    # The provider appends "/.default" to the endpoint as it is, so without a slash at the end.
    given = authorization.get_client_token_output(
        endpoint=azure.STORAGE_RESOURCE, opts=pulumi.InvokeOptions(parent=parent)
    )
    token = str((await answered(given, "the Azure provider gave no token in time")).token or "")
    if not token:
        raise Failed("the Azure provider gave an empty token")
    return token


async def _beside(work: Callable[[], T]) -> T:
    """`work` in a thread of its own: registrations that wait for this answer may have taken all of the SDK's."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            loop.call_soon_threadsafe(done.set_exception, error)
        else:
            loop.call_soon_threadsafe(done.set_result, result)

    threading.Thread(target=run, daemon=True).start()
    return await done
