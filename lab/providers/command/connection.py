"""SSH as the real provider does it: dial again and again, verify the host key when one is given, hop over a proxy."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from lab.providers.framework.types import Call, Refusal

if TYPE_CHECKING:  # 0.3 s to import, which a run without changes does not need
    import asyncssh

DIAL_ERROR_LIMIT = 10
PER_DIAL_TIMEOUT = 15
"""Seconds. Both are the provider's defaults."""

_FIRST_PAUSE, _FACTOR, _LONGEST_PAUSE = 0.1, 1.5, 5.0
"""Seconds between dials, as in Pulumi's retry library."""

Result = TypeVar("Result")


def through(call: Call, work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` in a loop of its own; Ctrl-C ends it."""

    async def watched() -> Result:
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait({task}, timeout=0.2)
            if call.cancelled.is_set() and not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                raise Refusal("interrupted: the connection was closed; what ran on the host may have ended halfway")
        return task.result()

    return asyncio.run(watched())


@contextlib.asynccontextmanager
async def dial(call: Call, connection: Mapping[str, Any]) -> AsyncIterator["asyncssh.SSHClientConnection"]:
    """A connection, through the proxy when there is one. Refusal with the last error after the last attempt."""
    async with contextlib.AsyncExitStack() as stack:
        tunnel = None
        if connection.get("proxy"):
            tunnel = await _dial_one(connection["proxy"], None)
            stack.push_async_callback(_close, tunnel)
        found = await _dial_one(connection, tunnel)
        stack.push_async_callback(_close, found)
        yield found


async def _close(connection: "asyncssh.SSHClientConnection") -> None:
    connection.close()
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await asyncio.wait_for(connection.wait_closed(), 5)


async def _dial_one(
    given: Mapping[str, Any], tunnel: "asyncssh.SSHClientConnection | None"
) -> "asyncssh.SSHClientConnection":
    import asyncssh

    limit = given.get("dialErrorLimit")
    limit = DIAL_ERROR_LIMIT if limit is None else int(limit)
    seconds = given.get("perDialTimeout")
    seconds = PER_DIAL_TIMEOUT if seconds is None else seconds
    options = _options(given)
    address = f"{given['host']}:{int(given.get('port') or 22)}"
    pause, dials, began = _FIRST_PAUSE, 0, time.monotonic()
    while True:
        try:
            dials += 1
            return await asyncssh.connect(
                str(given["host"]),
                int(given.get("port") or 22),
                tunnel=tunnel,
                connect_timeout=seconds or None,
                login_timeout=seconds or 0,
                **options,
            )
        except (TimeoutError, OSError, asyncssh.Error) as error:
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            if isinstance(error, asyncssh.HostKeyNotVerifiable):
                said = "ssh: handshake failed: ssh: host key mismatch"
            if -1 < limit < dials:
                waited = time.monotonic() - began
                raise Refusal(f"ssh to {address}: after {dials} failed attempts in {waited:.0f} s: {said}") from None
        await asyncio.sleep(pause)
        pause = min(pause * _FACTOR, _LONGEST_PAUSE)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    import asyncssh

    # Nothing of the person's own ~/.ssh: the real provider reads none of it.
    options: dict[str, Any] = {"config": [], "username": given.get("user") or "root", "known_hosts": None}
    options["client_keys"] = None
    options["agent_path"] = given.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK") or None
    if given.get("hostKey"):
        try:
            key = asyncssh.import_public_key(str(given["hostKey"]).strip())
        except asyncssh.KeyImportError as error:
            raise Refusal(f"hostKey cannot be read: {error}; give a line such as `ssh-ed25519 AAAA…`") from None
        options["known_hosts"] = ([key], [], [])
    if given.get("privateKey"):
        try:
            options["client_keys"] = [asyncssh.import_private_key(given["privateKey"], given.get("privateKeyPassword"))]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise Refusal(f"privateKey cannot be read: {error}") from None
    if given.get("password"):
        options["password"] = given["password"]
    return options
