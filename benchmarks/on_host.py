"""Runs a program of benchmarks/guest on a host of the stack, as root, over the transport of the operations.

    ./scripts/lab exec -- python -m benchmarks.on_host HOST PROGRAM [ARGUMENT…]

HOST: initiator, responder, source or replica. PROGRAM: the name of a Python program there, or the path of a shell
program. Standard output and the exit code are the program's.
"""

import sys
from pathlib import Path

from operations.stack import NoInventory, locate
from operations.transport import Unreachable, connect
from twinsite.inventory import Inventory

PATIENCE_SECONDS = 900


def host_name(inventory: Inventory, place: str) -> str:
    """The host that plays `place` in the stack's first tunnel or replica. KeyError when nothing does."""
    tunnel, replica = inventory.tunnels[0], inventory.flows[0]
    return {
        "initiator": tunnel.initiator,
        "responder": tunnel.responder,
        "source": replica.source,
        "replica": replica.target,
    }[place]


def main(place: str, program: str, *arguments: str) -> int:
    """The program's exit code; 4 when the host cannot be reached."""
    shell = program.endswith(".sh")
    path = Path(program) if shell else Path(__file__).parent / "guest" / f"{program}.py"
    interpreter = ["sh", "-s"] if shell else ["python3", "-"]
    try:
        inventory = locate().inventory
        transport = connect(inventory)
        try:
            host = host_name(inventory, place)
            done = transport.run(
                host, ["sudo", "-n", *interpreter, *arguments], path.read_text(encoding="utf-8"), PATIENCE_SECONDS
            )
        finally:
            transport.close()
    except (NoInventory, Unreachable) as problem:
        print(problem, file=sys.stderr)
        return 4
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
