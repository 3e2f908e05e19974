"""`pulumi preview` and no-change `up` of a stack of the tree, beside a flat program with the same leaf resources.

Both programs run on the same engine and the same stand-ins, recorded only, in turns: whatever else the machine does
meanwhile disturbs both alike, and can only add: the fastest run of each counts.
"""

from collections.abc import Iterator

from lab.scenes.aws_azure import SCENE as DR
from lab.scenes.aws_gcp import SCENE as GCP

from .context import Context, NotMeasured
from .engine import Engine, Measured, imported, least, shown
from .figure import Figure, ratio_at_most, value_is
from .flat import Untold, differences, leaves, program

PAIRS = 5
MUST = 1.25
COMMANDS = {
    "preview": ["preview", "--expect-no-changes"],
    "no-change up": ["up", "--yes", "--skip-preview", "--expect-no-changes"],
}
FIELDS = (
    ("seconds", "s", "wall time"),
    ("cpu_seconds", "s", "CPU time"),
    ("peak_mib", "MiB", "peak memory of the program"),
)
CLOUDFLARE = {
    "nothing of it": "import pulumi",
    "the component": "from twinsite import CloudflareFailover",
    "modules of the types that are used": (
        "import importlib.util, sys, types; found = importlib.util.find_spec('pulumi_cloudflare'); "
        "bare = types.ModuleType('pulumi_cloudflare'); bare.__path__ = found.submodule_search_locations; "
        "sys.modules['pulumi_cloudflare'] = bare; import pulumi_cloudflare.load_balancer, "
        "pulumi_cloudflare.load_balancer_monitor, pulumi_cloudflare.load_balancer_pool, "
        "pulumi_cloudflare.notification_policy"
    ),
    "the whole": "import pulumi_cloudflare",
}
"""What a program can do about the SDK → code."""
CLOUDFLARE_MUST = 0.5
FLAT = "a flat program generated from the stack's state"


def dev(context: Context) -> Iterator[Figure]:
    """The stack of the topology that is the default."""
    yield from _measure(context, Engine(context), "")


def dr(context: Context) -> Iterator[Figure]:
    """Stack dr in warm, where all of its resources exist."""
    engine = Engine(context, DR)
    # No name server answers here, which the records' hook would wait for.
    for key, value in (("dr_mode", "warm"), ("gate", "handover")):
        engine.pulumi(engine.project, "config", "set", key, value, "--stack", engine.stack, name=f"set {key}")
    yield from _measure(context, engine, "stack dr: ")


def gcp(context: Context) -> Iterator[Figure]:
    """Stack gcp in warm, where all of its resources exist."""
    engine = Engine(context, GCP)
    engine.pulumi(engine.project, "config", "set", "dr_mode", "warm", "--stack", engine.stack, name="set dr_mode")
    yield from _measure(context, engine, "stack gcp: ")
    yield from _cloudflare(context)


BY_DMS = {
    "flow": "dms",
    "tolerated_outage_hours": "24",
    "dms_largest_lob_kib": "900",
    "dms_subnet_ids.ap-northeast-2a": "subnet-a",
    "dms_subnet_ids.ap-northeast-2c": "subnet-c",
}


def dms(context: Context) -> Iterator[Figure]:
    """Stack gcp in pilot-light, with rows by a task of DMS."""
    engine = Engine(context, GCP)
    on_stack = ["--stack", engine.stack]
    engine.pulumi(engine.project, "config", "rm", "replication_back_user", *on_stack, name="no way back")
    for key, value in BY_DMS.items():
        words = ["config", "set", "--path", key, value, *on_stack]
        engine.pulumi(engine.project, *words, name=f"set {key}")
    yield from _measure(context, engine, "stack gcp by DMS: ")


def _measure(context: Context, engine: Engine, prefix: str) -> Iterator[Figure]:
    """Wall time and peak memory of both commands, and what the program imports."""
    on_stack = ["--stack", engine.stack]
    up = ["up", *on_stack, "--yes", "--skip-preview"]
    context.say(f"pulumi up of stack {engine.stack}, recorded only")
    engine.pulumi(engine.project, *up)
    state = engine.export(engine.project)
    try:
        source = program(state)
    except Untold as problem:
        raise NotMeasured(f"the flat program cannot be written: {problem}") from None
    flat = engine.another_project("flat", source)
    count = len(leaves(state))
    context.say(f"pulumi up of the flat program, {count} resources")
    engine.pulumi(flat, "stack", "init", engine.stack)
    engine.pulumi(flat, *up)
    if odd := differences(state, engine.export(flat)):
        raise NotMeasured("the flat program is not the same resources: " + "; ".join(odd[:5]))

    ours: dict[str, list[Measured]] = {name: [] for name in COMMANDS}
    theirs: dict[str, list[Measured]] = {name: [] for name in COMMANDS}
    for number in range(PAIRS):
        for name, words in COMMANDS.items():
            turns = [(engine.project, ours, "stack"), (flat, theirs, "flat")]
            # The later one of a pair may find warmer caches: take turns in that, too.
            for project, runs, label in turns if number % 2 else reversed(turns):
                runs[name].append(engine.measure(project, [*words, *on_stack], f"{label} {name}"))
        context.say(f"pair {number + 1} of {PAIRS}")

    for name in COMMANDS:
        for field, unit, what in FIELDS:
            yield Figure(
                name=f"{prefix}{name}: {what}",
                value=least(ours[name], field),
                unit=unit,
                must=ratio_at_most(MUST),
                compared_to=f"{FLAT} ({count} resources)",
                compared_value=least(theirs[name], field),
                runs={"stack": shown(ours[name], field), "flat": shown(theirs[name], field)},
            )
    yield _imports(ours["preview"][-1], theirs["preview"][-1], prefix)


def _cloudflare(context: Context) -> Iterator[Figure]:
    """What the SDK of Cloudflare costs whoever imports it, the modules of the four types that are used alone, and what
    the component costs that is without it."""
    found = {name: imported(context, code) for name, code in CLOUDFLARE.items()}
    found["the whole, not compiled yet"] = imported(context, CLOUDFLARE["the whole"], first=True)
    if found["the whole"][0] < found["nothing of it"][0] + 100:
        raise NotMeasured("the whole SDK of Cloudflare takes no 100 MiB: another one is installed, look at it anew")
    for at, (unit, what) in enumerate((("MiB", "peak memory"), ("s", "CPU time"))):
        yield Figure(
            name=f"importing CloudflareFailover, which names its types itself: {what}",
            value=found["the component"][at],
            unit=unit,
            must=ratio_at_most(CLOUDFLARE_MUST),
            compared_to="import pulumi_cloudflare",
            compared_value=found["the whole"][at],
            runs={name: [round(one[at], 2)] for name, one in found.items()},
        )


def _imports(ours: Measured, flat: Measured, prefix: str) -> Figure:
    """The flat program names exactly the classes that the topology uses, so what it imports is what is needed."""
    if not flat.modules:
        raise NotMeasured("the probe saw no provider SDK in the flat program, which uses some: it sees nothing")
    unused = sorted(ours.modules - flat.modules)
    return Figure(
        name=f"{prefix}provider SDK modules imported that the topology does not use",
        value=len(unused),
        unit="modules",
        must=value_is(0),
        compared_to="provider SDK modules that the flat program imports (the probe's positive control)",
        compared_value=len(flat.modules),
        runs={"unused": unused, "packages": sorted({name.split(".")[0] for name in ours.modules})},
    )
