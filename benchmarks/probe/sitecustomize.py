"""Put on PYTHONPATH by benchmarks/engine.py: each Python process writes, at its end, what it was and what it took.

Peak memory is VmHWM and not getrusage's ru_maxrss: the latter also counts the parent as it was before exec.
"""

import atexit
import os
import sys


def _write() -> None:
    import json

    with open("/proc/self/status", encoding="utf-8") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    modules = sorted(name for name in sys.modules if name.startswith("pulumi_"))
    found = {"argv": sys.orig_argv, "peak_kib": peak, "modules": modules}
    path = os.path.join(os.environ["TWINSITE_BENCH_PROBE"], f"{os.getpid()}.json")
    with open(path + ".part", "w", encoding="utf-8") as out:
        json.dump(found, out)
    os.rename(path + ".part", path)


if os.environ.get("TWINSITE_BENCH_PROBE"):
    atexit.register(_write)
