"""Files on another host."""

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lab.providers.command.connection import dial, through
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal, ResourceType
from lab.providers.framework.values import ARCHIVE, SIGNATURE


class CopyToRemote(ResourceType):
    """Over SFTP. Deleting it leaves the files, as the real provider does."""

    token = "command:remote:CopyToRemote"
    replaces = frozenset({"triggers"})
    updates = frozenset({"connection", "remotePath", "source"})
    secret_outputs = frozenset({"connection"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        source = inputs.get("source")
        if not isinstance(source, dict) or SIGNATURE not in source:
            return
        if source[SIGNATURE] == ARCHIVE and "path" not in source:
            yield Problem("archive", "archive must be a path to a file or directory")
        if source[SIGNATURE] != ARCHIVE and "path" not in source and "text" not in source:
            yield Problem("asset", "asset must be a path-based file asset or a text asset")

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self._copy(call, inputs)
        return secrets.token_hex(4), {}

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        old = (state.get("source"), state.get("remotePath"))
        if old != (new["source"], new["remotePath"]):
            self._copy(call, new)
        return {}

    @staticmethod
    def _copy(call: Call, inputs: Mapping[str, Any]) -> None:
        if call.box is None:
            call.log("info", "recorded, not run")
            return
        through(call, _send(call, inputs))


async def _send(call: Call, inputs: Mapping[str, Any]) -> None:
    import asyncssh

    source, target = inputs["source"], str(inputs["remotePath"])
    async with dial(call, inputs["connection"]) as connection, connection.start_sftp_client() as sftp:
        folder = await sftp.isdir(target)
        try:
            if "text" in source:
                if folder:
                    raise Refusal(f"remote path {target} is a directory; a text asset needs the path of a file")
                async with sftp.open(target, "wb") as out:
                    await out.write(str(source["text"]).encode())
                return
            path = Path(source["path"])
            if not path.is_dir():
                await sftp.put(str(path), str(PurePosixPath(target) / path.name) if folder else target)
                return
            if await sftp.exists(target) and not folder:
                raise Refusal(f"remote path {target} exists but is not a directory")
            if not folder:
                await sftp.mkdir(target)
            # A trailing slash sends the content, no slash the folder itself, as with rsync.
            into = target if str(source["path"]).endswith(os.sep) else str(PurePosixPath(target) / path.name)
            await _send_folder(sftp, path, into)
        except (asyncssh.SFTPError, OSError) as error:
            raise Refusal(f"failed to copy to remote path {target}: {error}") from None


async def _send_folder(sftp: Any, path: Path, target: str) -> None:
    if not await sftp.isdir(target):
        await sftp.mkdir(target)
    for entry in sorted(path.iterdir()):
        there = str(PurePosixPath(target) / entry.name)
        if entry.is_dir():
            await _send_folder(sftp, entry, there)
        else:
            await sftp.put(str(entry), there)
