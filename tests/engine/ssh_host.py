"""An SSH server in this process, for what runs commands on hosts."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh


@dataclass
class Host:
    """An SSH server that runs what it is asked to in a folder of its own."""

    folder: Path
    port: int = 0
    host_key: str = ""
    private_key: str = ""
    ran: list[str] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)
    hops: list[str] = field(default_factory=list)
    """Where others were reached through it."""
    refuse: int = 0
    """So many connections are dropped before their handshake."""
    dials: int = 0
    path: str = field(default_factory=lambda: os.environ["PATH"])
    """Where commands are looked for."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Host]:
    """A host in this folder, while the context lasts."""
    folder.mkdir()
    made = Host(folder)
    key, client = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    made.host_key = key.export_public_key().decode().strip()
    made.private_key = client.export_private_key().decode()
    authorized = folder / "authorized"
    authorized.write_bytes(client.export_public_key())
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def run(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        made.ran.append(process.command or "")
        made.environments.append(dict(process.env))
        child = await asyncio.create_subprocess_shell(
            process.command or "true",
            cwd=folder,
            env={"PATH": made.path, **process.env},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate(await process.stdin.read())
        process.stdout.write(out)
        process.stderr.write(err)
        process.exit(child.returncode or 0)

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: Any) -> None:
            made.dials += 1
            if made.refuse:
                made.refuse -= 1
                conn.abort()

        def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
            made.hops.append(f"{dest_host}:{dest_port}")
            return True

    async def listen() -> None:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[key],
            authorized_client_keys=str(authorized),
            process_factory=run,
            sftp_factory=True,
            encoding=None,
        )
        made.port = server.get_port()
        ready.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(listen(), loop)
    assert ready.wait(10)
    yield made

    async def end() -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        loop.stop()

    asyncio.run_coroutine_threadsafe(end(), loop)
    thread.join(10)
