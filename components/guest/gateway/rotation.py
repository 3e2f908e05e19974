"""Keys change without a moment in which the two ends share none.

An end holds generations g-1, g and g+1 and signs with g; it accepts whichever of them the peer signs with. So the ends
move from g to g+1 in any order. When both have moved, g is removed: by the end that is told to prove it first, which
takes g out of charon's memory, re-establishes once, and only keeps it out when that succeeded.
"""

import re
import time
from typing import Any

from ..errors import Failed
from . import charon, host, render
from .settings import Config

RESTORE_UNIT = "twinsite-gateway-keys"
RESTORE_SECONDS = 60
"""After this long a timer on the host itself puts every key back, should this program have been killed half-way."""
PROOF_SECONDS = 60.0
"""How long the peer may take to move: an agent looks each 5 to 15 s and applies in a few."""


def jump_problem(signed: int | None, config: Config) -> str:
    """Why this change of generation would leave the ends without a common key; empty when it does not."""
    if signed is None or config.psk_sign in (signed, signed + 1):
        return ""
    step = "goes back" if config.psk_sign < signed else "skips generations"
    return (
        f"psk_sign {config.psk_sign} {step}: this end signs with {signed}, and the peer may hold no key newer or older "
        f"than its neighbours; set psk_generation to {signed + 1} and run `pulumi up`, once for each step"
    )


def peer_problem(signed: int | None, config: Config, peer: dict[str, Any] | None) -> str:
    """Why the next generation must wait for the peer; empty when it need not, or when the peer cannot be asked."""
    behind = peer.get("psk_sign", signed) if peer else signed
    if signed is None or behind is None or config.psk_sign <= signed or behind >= signed:
        return ""
    return (
        f"the peer gateway still signs with generation {behind}, this end with {signed}; that rotation is not done: "
        f"set psk_generation to {signed} and run `pulumi up` to its end, then raise it again"
    )


def held(secrets_text: str) -> dict[int, str]:
    """Generation -> key in a secrets file that this role wrote."""
    found = re.findall(r'ike-\S+-(\d+) \{.*?secret = "([^"]+)"', secrets_text, re.DOTALL)
    return {int(generation): key for generation, key in found}


def changed_keys(before: dict[int, str], after: dict[int, str]) -> list[int]:
    """Generations that exist before and after with different keys: a key never changes within its generation."""
    return sorted(n for n in before.keys() & after.keys() if before[n] != after[n])


def prove(config: Config, keys: dict[int, str], leaving: list[int]) -> None:
    """Return when the tunnel re-established itself without the leaving keys; Failed, every key in place, when not.

    With nothing established there is nothing to prove with: the keys stay, and it is Failed as well.
    """
    deadline = time.monotonic() + PROOF_SECONDS
    host.succeeds("systemctl", "stop", f"{RESTORE_UNIT}.timer")
    host.run(
        "systemd-run", "--quiet", f"--unit={RESTORE_UNIT}", f"--on-active={RESTORE_SECONDS + int(PROOF_SECONDS)}",
        host.command_path("swanctl"), "--load-creds", "--noprompt",
    )  # fmt: skip
    try:
        while True:
            reason = _attempt(config, keys, leaving)
            if not reason:
                return
            charon.swanctl("--load-creds", "--noprompt")
            if time.monotonic() > deadline:
                words = "\n".join(charon.last_words())
                generations = ", ".join(str(n) for n in leaving)
                raise Failed(
                    f"key generation {generations} stays on this host: {reason}. The peer still needs it, or is away; "
                    f"run `pulumi up` again when it has applied its configuration. charon says:\n{words}"
                )
            time.sleep(3)  # paces attempts: the peer's agent looks each 5 to 15 s
    finally:
        render.PROOF_FILE.unlink(missing_ok=True)
        host.succeeds("systemctl", "stop", f"{RESTORE_UNIT}.timer")


def _attempt(config: Config, keys: dict[int, str], leaving: list[int]) -> str:
    """Re-establish without the leaving keys; what stood in the way, or nothing."""
    before = {sa.unique_id for sa in charon.sas(config.connection)}
    if not any(sa.state == "ESTABLISHED" for sa in charon.sas(config.connection)):
        return "the tunnel is not up"
    # Asked first: a peer that still signs with a leaving key would have replaced the working SA by the time that this
    # end finds out.
    peer = host.ask(config.local_address, config.peer_private_address, render.ANNOUNCE_PORT)
    if peer is None:
        return "the peer gateway does not tell which key it signs with"
    if peer.get("psk_sign", 0) < config.psk_sign:
        return f"the peer still signs with generation {peer.get('psk_sign')}"
    host.write(render.PROOF_FILE, render.proof(config, keys, leaving), 0o600)
    charon.swanctl("--load-creds", "--noprompt", "--file", str(render.PROOF_FILE))
    # Make-before-break at the initiator: the old SA carries on until the new one stands. A responder cannot call.
    if config.role == "initiator":
        charon.swanctl("--rekey", "--ike", config.connection, "--reauth")
    else:
        charon.terminate(config.connection)
    until = time.monotonic() + config.timers.ladder_seconds
    while time.monotonic() < until:
        for sa in charon.sas(config.connection):
            new = sa.unique_id not in before and sa.state == "ESTABLISHED"
            if new and any(child.state == "INSTALLED" for child in sa.children):
                return ""
        time.sleep(0.2)  # charon has no event that swanctl could wait for
    return "the peer did not authenticate itself with the new key"
