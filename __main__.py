"""twinsite: settings → topology → exports."""

import gc

import pulumi
from pulumi.runtime.config import is_config_secret

from components.rules import Refused
from stacks import TOPOLOGIES, topology
from stacks.settings import Reader

# The program lives for seconds. With many resources the collector takes half of its time and frees next to nothing:
# 40 pairs 30 s with it, 16 s without, 374 and 386 MiB (docs/benchmarks.md, growth).
gc.disable()


def main() -> None:
    """Read the stack's settings, build its topology, export what it publishes."""
    stack, reader = f"stack {pulumi.get_stack()}", Reader(pulumi.Config().get, _is_secret)
    name = reader.text("topology")
    if name not in TOPOLOGIES:
        known = ", ".join(TOPOLOGIES)
        reader.problems.append(f"topology is {name!r}: `pulumi config set topology …` with one of {known}")
        reader.finish(stack)
    chosen = topology(name)
    settings = chosen.read(reader)
    reader.finish(stack)
    for key, value in chosen.build(settings).items():
        pulumi.export(key, value)


def _is_secret(key: str) -> bool:
    return is_config_secret(f"{pulumi.get_project()}:{key}")


try:
    main()
except Refused as refused:  # sentences for a person, not a traceback
    raise pulumi.RunError(str(refused)) from None
