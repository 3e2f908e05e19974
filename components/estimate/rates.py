"""How long things take, by size and by what they are: rates of a restore, times of creation, a person's decision."""

from .figures import SECONDS, Basis, Item, Kind, step
from .ground import BACKUP_SHARE, CLOUD, Ground

RESTORE_SECONDS_GIB = 22.0
RESTORE_SOURCE = "no cloud account has measured it; assumed is what two cores can do (parallel TSV)"
FLEXIBLE_IOPS = {
    "Standard_B1ms": 640, "Standard_B2s": 1280, "Standard_B2ms": 1700, "Standard_B4ms": 2400, "Standard_B8ms": 3100,
    "Standard_D2ds_v4": 3200, "Standard_D2ads_v5": 3200, "Standard_D4ds_v4": 6400, "Standard_D4ads_v5": 6400,
    "Standard_D8ds_v4": 12800, "Standard_D8ads_v5": 12800, "Standard_E2ds_v4": 5000, "Standard_E4ds_v4": 10000,
}  # fmt: skip
"""The most of a size, which autoscaled IOPS reach [Microsoft Learn, MySQL flexible server, service tiers]."""
PAGE_WRITES_GIB = 2 * 65536
"""Pages of 16 KiB; each is written to the doublewrite buffer and to its place [MySQL manual, Doublewrite Buffer]."""
BACKUP_SECONDS_GIB = 8.0
BLOB_MIB_SECOND = 60.0
"""Of one blob; Azure's target, as remembered."""

SERVER_SECONDS = {True: 480.0, False: 180.0}
"""A managed server; a machine."""
MACHINE_SECONDS = 180.0
START_SECONDS = 20.0
UPDATE_SECONDS = 30.0
DECIDE_SECONDS = 120.0
NOT_MEASURED = "no cloud account has measured it"


def restore_seconds_gib(database_size: str, managed: bool) -> tuple[float, Basis, str]:
    """(seconds for a GiB of tables, its basis): as assumed, unless a managed server's IOPS hold it up longer."""
    iops = FLEXIBLE_IOPS.get(database_size) if managed else None
    if iops is None or PAGE_WRITES_GIB / iops <= RESTORE_SECONDS_GIB:
        return RESTORE_SECONDS_GIB, Basis.ASSUMPTION, RESTORE_SOURCE
    words = f"pages written twice at the {iops} IOPS of {database_size} (Microsoft Learn, service tiers)"
    return round(PAGE_WRITES_GIB / iops, 1), Basis.VENDOR, words


def restore_patience_seconds(database_gib: int, database_size: str, managed: bool) -> int:
    """How long a gate waits for a restore of this size: twice the estimate."""
    return round(2 * database_gib * restore_seconds_gib(database_size, managed)[0])


def transfer_seconds(gib: float, mib_second: float) -> float:
    """Size ÷ rate."""
    return gib * 1024 / mib_second


def decision() -> Item:
    """Somebody is woken and reads the plan."""
    return step("somebody decides", Kind.DECISION, DECIDE_SECONDS, Basis.ASSUMPTION, "a person reads the plan")


def update(ground: Ground = CLOUD) -> Item:
    """The mode is raised from outside the clouds."""
    name, words = "pulumi up begins", "preview and the update's own time, without what it waits for"
    return ground.step("update_seconds", name, Kind.CREATION) or step(
        name, Kind.CREATION, UPDATE_SECONDS, Basis.ASSUMPTION, words
    )


def server(managed: bool, ground: Ground = CLOUD) -> Item:
    """The standby database comes to be."""
    name = "managed database server is made" if managed else "database's machine is made"
    return ground.step("server_seconds", name, Kind.CREATION) or step(
        name, Kind.CREATION, SERVER_SECONDS[managed], Basis.ASSUMPTION, NOT_MEASURED
    )


def machine(ground: Ground = CLOUD) -> Item:
    """The standby machine boots and installs what it runs."""
    name = "machine is made, boots and installs"
    return ground.step("machine_seconds", name, Kind.CREATION) or step(
        name, Kind.CREATION, MACHINE_SECONDS, Basis.ASSUMPTION, NOT_MEASURED
    )


def fetch(database_gib: float, ground: Ground = CLOUD) -> Item:
    """The backup on its way to the machine that restores it."""
    name, size = "backup is fetched", database_gib * BACKUP_SHARE
    words = f"{size:.3g} GiB of backup ÷ {BLOB_MIB_SECOND:g} MiB/s, Azure's target for a blob, remembered"
    seconds = transfer_seconds(size, BLOB_MIB_SECOND)
    return ground.step("fetch_seconds_gib", name, Kind.TRANSFER, database_gib) or step(
        name, Kind.TRANSFER, seconds, Basis.REMEMBERED, words, backup_gib=size
    )


def restore(database_gib: float, database_size: str, managed: bool, ground: Ground = CLOUD) -> Item:
    """The rows, the keys, and the proof of every table."""
    name = "restore and proof"
    rate, basis, words = restore_seconds_gib(database_size, managed)
    source = f"{database_gib:g} GiB × {rate:g} s/GiB: {words}"
    size = database_gib * BACKUP_SHARE
    return ground.step("restore_seconds_gib", name, Kind.RESTORE, database_gib) or step(
        name, Kind.RESTORE, database_gib * rate, basis, source, backup_gib=size
    )


def start(ground: Ground = CLOUD) -> Item:
    """The application."""
    name = "application starts"
    return ground.step("start_seconds", name, Kind.START) or step(
        name, Kind.START, START_SECONDS, Basis.ASSUMPTION, "Tomcat with a small WAR"
    )


def resume(most_seconds: float, ground: Ground = CLOUD) -> Item:
    """A cut link is back, and changes flow again; `most_seconds` by the channel's timers."""
    name, words = "replication has caught up", "at most: the silence after which the replica reconnects, and one retry"
    return ground.step("resume_seconds", name, Kind.RESUME) or step(
        name, Kind.RESUME, most_seconds, Basis.COMPUTED, words
    )


def between_backups(interval_seconds: float) -> Item:
    """What the schedule lets be lost."""
    words = "longest gap of the schedule"
    return Item("time between scheduled backups", interval_seconds, SECONDS, Basis.COMPUTED, words)


def backup_itself(database_gib: float) -> Item:
    """A backup is of the moment at which it began."""
    source = f"{database_gib:g} GiB × {BACKUP_SECONDS_GIB:g} s/GiB: {RESTORE_SOURCE}"
    return Item("a backup's own time", database_gib * BACKUP_SECONDS_GIB, SECONDS, Basis.ASSUMPTION, source)
