"""The program of every stack: settings → topology → exports. A project's `__main__.py` calls main()."""

import atexit
import gc
import sys

import pulumi

from twinsite.estimate.answer import Estimate
from twinsite.rules import Refused

from . import budget, chosen, ground, promise
from .settings import Reader

SAID = 32
"""Exit code by which a program tells Pulumi's language host that the user has seen the error
[pulumi-language-python-exec]; with another the engine adds "an unhandled error occurred"."""

HEAD = "Estimate; `twinsite compare-modes` has every step and price:"


def main() -> None:
    """Register what the stack's settings ask for; what they may not ask for is said in sentences, and nothing made."""
    # The program lives for seconds. With many resources the collector takes half of its time and frees next to nothing:
    # 40 pairs 30 s with it, 16 s without, 374 and 386 MiB (docs/benchmarks.md, growth).
    gc.disable()
    # At its end Python collects all the same, several times over all that the SDKs have made: a fifth of the CPU time
    # of stack dr's program (docs/benchmarks.md). What is frozen is not looked at, and a moment later all is gone.
    atexit.register(gc.freeze)
    try:
        for key, value in _exports().items():
            pulumi.export(key, value)
    except Refused as refused:  # sentences for a person, not a traceback
        pulumi.log.error(str(refused))
        sys.exit(SAID)


def _exports() -> dict[str, object]:
    """What the chosen topology publishes, once it is built."""
    runtime, stack = pulumi.runtime, f"stack {pulumi.get_stack()}"
    reader = Reader.of(pulumi.get_project(), runtime.get_config_env(), runtime.get_config_secret_keys_env())
    topology = chosen(reader)
    if topology is None:
        raise Refused(stack, reader.problems)
    settings = topology.read(reader)
    allowed = budget.read(reader)
    promise.evidence(reader)
    promise.stamps(reader)
    here = ground.read(reader)
    reader.finish(stack)
    found: Estimate = topology.estimate(settings, ground=here)
    mode = settings.dr_mode.value
    budget.judge(stack, found, mode, allowed)
    if runtime.is_dry_run():
        pulumi.log.info("\n".join([HEAD, *found.lines(mode)]))
    over = budget.problems(found.modes[mode], mode, allowed)
    estimate = {"dr_mode": mode, "over_budget": over, **found.shown()}
    return {**topology.build(settings), "estimate": estimate}
