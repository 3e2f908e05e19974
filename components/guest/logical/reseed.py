"""The follower is emptied, and everything copied to it anew: what is left when the writer has not kept what it lacks,
or when another carries the rows, which then loads them.

Until the copy is whole there is no standby. The writer is never emptied, and a flow that is well is left alone.
"""

from typing import Any

from ..errors import Refused
from . import facts, gate
from .away import cut_off, drop_slots
from .config import Config
from .promote import emptied, ungated
from .psql import HURRIED, Server, literal
from .set_up import all_copied, servers, set_up, table_states
from .switch import noted


def reseed(config: Config, wait_seconds: float, anew: bool, say: facts.Say) -> "dict[str, Any]":
    """Copy everything to the end that does not write. Killed, it goes on; refused when nothing calls for it. `anew`:
    also where the flow is well, for its rows differ."""
    config = as_it_writes(config)
    source, target = servers(config, HURRIED)
    shut = gate.read(target, config)
    if shut is not None and shut.writes:
        raise Refused(
            [f"the {target.which} takes writes (epoch {shut.epoch}): it is not emptied; see `look`, and `rejoin` first"]
        )
    changed: list[str] = []
    did = noted(changed, say)
    if config.carrier:
        # Who carries the rows loads them all, into empty tables.
        gate.put_up(target, config, ungated(config, target), False, did)
        emptied(config, target, did)
        return {"outcome": "done", "flow": config.name, "changed": changed}
    if anew or not _kept(config, source, target):
        copies = cut_off(config, target, changed)
        drop_slots(config, source, copies, changed)
        gate.put_up(target, config, ungated(config, target), False, did)
        emptied(config, target, did)
    elif all_copied(table_states(config, target)):
        raise Refused(
            [
                f"slot {config.name} of the {source.which} is kept and every table was copied: nothing is emptied; if "
                "rows differ (`compare`), `reseed --anew`"
            ]
        )
    found = set_up(config, wait_seconds, say)
    return {**found, "changed": [*changed, *found["changed"]]}


def as_it_writes(config: Config) -> Config:
    """The end that writes is the source; by the gates, for a flow that is cut off has no subscription that says so."""
    here, there = (gate.read(server, config) for server in servers(config, HURRIED))
    turned = here is not None and there is not None and there.writes and not here.writes
    return config.reversed if turned else config


def _kept(config: Config, source: Server, target: Server) -> bool:
    """Whether the follower can still get all that it lacks."""
    if facts.subscription(target, config) is None:
        return False
    slots = source.rows(f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = {literal(config.name)}")
    return bool(slots) and slots[0]["wal_status"] != "lost"
