"""Waits, before a record uses the latch's checks, until Route 53 has data of them.

A new inverted check counts as unhealthy and a new plain one as healthy: both say "latched" (F6-new-inverted), and a
record that used them at once would send users to the standby. Seen from outside through the witness, a name on the same
checks. ADR 8.
"""

import asyncio
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable

import pulumi

from ..machine.gate import GateMode
from ..rules.traffic import CLEAR_ADDRESS

SET_ADDRESS = "192.0.2.2"
"""What the witness resolves to while the latch is set (an address for documentation, RFC 5737: nobody's)."""

WITNESS_TTL_SECONDS = 10
DEADLINE_SECONDS = 300.0
PAUSE_SECONDS = 3.0
REQUEST_SECONDS = 5.0

OTHERS = ("already exists", "a record with a routing policy exist", "other records with the same DNS name")
"""Words of Route 53's refusals of a record beside others of its name (InvalidChangeBatch)."""

Look = Callable[[str], Awaitable[set[str]]]
Ask = Callable[[str], Awaitable[bool]]


async def resolve(name: str) -> set[str]:
    """IPv4 addresses of `name` as this machine's resolver knows them; empty when it knows none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}


async def is_there(url: str) -> bool:
    """Whether `url` answers 200, asked from here."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=REQUEST_SECONDS) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False

    return await asyncio.get_running_loop().run_in_executor(None, ask)


async def settled(
    witness: str,
    urls: list[str],
    *,
    look: Look | None = None,
    ask: Ask | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> str:
    """Returns what was seen once the checks have data: the witness is clear, or a latch object is really there.

    Raises TimeoutError, with what was last seen and the fix.
    """
    look, ask = look or resolve, ask or is_there
    end = time.monotonic() + deadline_seconds
    while True:
        seen = await look(witness)
        if seen == {CLEAR_ADDRESS}:
            return f"{witness} is clear"
        if seen == {SET_ADDRESS}:
            for url in urls:
                if await ask(url):
                    return f"{witness} is set, and {url} is there"
        if time.monotonic() >= end:
            raise TimeoutError(_why(witness, seen, deadline_seconds))
        await asyncio.sleep(pause_seconds)


def _why(witness: str, seen: set[str], waited: float) -> str:
    if not seen:
        return (
            f"this machine cannot resolve {witness} after {waited:.0f} s, so nothing shows whether the latch's checks "
            "have settled: let the domain's registrar point to the hosted zone's name servers, or "
            "`pulumi config set gate handover` and attach records at your own risk"
        )
    return (
        f"{witness} still resolves to {', '.join(sorted(seen))} after {waited:.0f} s, which means set, and no latch "
        "object is there: the checks do not reach the latch stores; look at them with `aws route53 "
        "get-health-check-status`, then run `pulumi up` again"
    )


def settling(
    name: str,
    witness: str,
    urls: pulumi.Output[list[str]],
    gate: GateMode,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> pulumi.ResourceHook:
    """Hook for a record: before it is created, and before it changes to another check."""

    async def wait(args: pulumi.ResourceHookArgs) -> None:
        before, after = args.old_inputs or {}, args.new_inputs or {}
        if before and before.get("healthCheckId") == after.get("healthCheckId"):
            return
        if gate == GateMode.HANDOVER:
            pulumi.log.warn(f"{args.name}: not waited for {witness} to be clear, because gate is handover")
            return
        await settled(witness, await urls.future() or [], deadline_seconds=deadline_seconds)

    return pulumi.ResourceHook(f"{name}-settled", wait)


def beside_others(name: str) -> pulumi.ErrorHook:
    """Hook for a record that Route 53 refuses because its name has another one: says how a live name is adopted.

    Said after the refusal. To ask the name beforehand would make this machine's resolver remember that it is not there,
    for as long as the zone's negative TTL says (900 s in a new zone).
    """

    async def explain(args: pulumi.ErrorHookArgs) -> bool:
        fqdn = (args.new_inputs or {}).get("name")
        if args.failed_operation == "create" and any(word in error for error in args.errors for word in OTHERS):
            pulumi.log.error(f"{fqdn} has records already: run `twinsite adopt-name {fqdn}`, then `pulumi up` again")
        return False

    return pulumi.ErrorHook(f"{name}-beside-others", explain)
