"""A standby machine from nothing to its page, killed at each of its steps and rebooted: does it end as if nobody had?

Each step is killed after its work and before its mark, which is the worst moment; the restore also at the first of each
of its own events. Then the machine's plug is pulled, it boots, and the role runs again.
"""

from collections.abc import Iterator

from tests.lab.standby_machine import Clinic, running_clinic
from twinsite.guest.standby import plan

from .context import Context, NotMeasured
from .figure import Figure, value_is

RESTORE_EVENTS = ("decided", "verified", "loaded", "keys", "proved")
KILLS = (*plan.STEPS, *(f"restore-{event}" for event in RESTORE_EVENTS), "amid-restore")


def run(context: Context) -> Iterator[Figure]:
    """One figure: kills that ended in another state."""
    folder = context.folder / "kills"
    folder.mkdir()
    context.say("a database machine and a standby machine, a backup")
    with running_clinic(folder, "bk") as clinic:
        _fresh(clinic)
        clinic.apply()
        undisturbed = clinic.state()
        wrong: list[str] = []
        for step in KILLS:
            words = _killed(clinic, step, undisturbed)
            context.say(f"killed at {step} and rebooted: {words or 'the same end state'}")
            wrong += [f"{step}: {words}"] if words else []
        _control(clinic, undisturbed)
    yield Figure(
        name="cold restore killed at each step and rebooted: other end states",
        value=len(wrong),
        unit="kills",
        must=value_is(0),
        compared_to="kills (one changed row, the control, was seen as another state)",
        compared_value=len(KILLS),
        runs={"killed at": list(KILLS), "wrong": wrong},
    )


def _fresh(clinic: Clinic) -> None:
    clinic.reset()
    clinic.empty()


def _killed(clinic: Clinic, step: str, undisturbed: dict[str, str]) -> str:
    """What differs in the end; empty: nothing."""
    _fresh(clinic)
    clinic.killed(step)
    clinic.reboot()
    if clinic.apply()["outcome"] != "ready":
        return "not ready"
    found = clinic.state()
    if odd := sorted(key for key in undisturbed if found[key] != undisturbed[key]):
        return f"differs in {', '.join(odd)}"
    status, _ = clinic.page()
    return "" if status == 200 else f"the page answers {status}"


def _control(clinic: Clinic, undisturbed: dict[str, str]) -> None:
    """The comparison must see a row that is changed on purpose."""
    clinic.sql("UPDATE petclinic.owners SET city = 'elsewhere' WHERE id = 1")
    if clinic.state() == undisturbed:
        raise NotMeasured("a changed row was not seen as another state: the comparison sees nothing")
