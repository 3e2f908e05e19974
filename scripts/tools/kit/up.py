"""`pulumi up` of a stack in its raised mode, by the code of `twinsite failover`; runs in the unpacked kit's work/."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.getcwd())

from operations.moves.program import Program, ProgramFailed
from operations.stack import NoInventory, locate


def main(stack: str, mode: str) -> int:
    """Exit code 0, 1 when `pulumi` said no, 2 when it is refused."""
    try:
        known = locate(f".twinsite/{stack}/inventory.json", stack).inventory
        home = known.site(known.home)
    except (NoInventory, KeyError) as problem:
        print(f"raise: {problem}", file=sys.stderr)
        return 2
    program = Program(stack, Path.cwd(), home, tuple(site for site in known.sites if site.name != home.name))
    if problems := program.problems():
        print("\n".join(f"raise: {problem}" for problem in problems), file=sys.stderr)
        return 2
    try:
        raised = program.to_mode(mode, lambda words: print(words, file=sys.stderr, flush=True))
    except ProgramFailed as failed:
        print(f"raise: {failed}", file=sys.stderr)
        return 1
    print(f"stack {stack} is in {raised.dr_mode}; go on with `./raise -- twinsite failover --to {raised.away}`")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
