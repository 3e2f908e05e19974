"""What stands against a start, from both databases' answers: each sentence with its fix. Pure."""

from collections.abc import Iterator

from twinsite.rules import dms_source as rules

from . import questions
from .answers import Answers
from .questions import SOURCE, TARGET
from .service import Described

LOAD_TABLES = 8
"""MaxFullLoadSubTasks where nobody says [DMS user guide, full-load task settings]."""


def hard(engine: str, task: Described, answers: Answers, hours: float) -> Iterator[str]:
    """What would stop the task or lose something: no word of a person helps."""
    variables, retention = answers.of(SOURCE, questions.VARIABLES), answers.of(SOURCE, questions.RETENTION)
    if engine == "mysql":
        grants = [str(value) for row in answers.of(SOURCE, questions.GRANTS) for value in row.values()]
        follows = answers.of(SOURCE, questions.FOLLOWS)
        yield from rules.mysql_source_problems(variables, grants, int(hours), retention, follows)
    else:
        replica = any(row["replica"] in (True, "t") for row in answers.of(SOURCE, questions.RECOVERY))
        yield from rules.postgres_source_problems(variables, answers.of(SOURCE, questions.SLOTS), replica)
        for account in answers.of(SOURCE, questions.ACCOUNT):
            yield from rules.postgres_account_problems(account, answers.of(SOURCE, questions.UNREADABLE))
    yield from _sizes(task, answers)


def _sizes(task: Described, answers: Answers) -> Iterator[str]:
    sizes, kib = answers.sizes, 0
    if sizes and task.setting("TargetMetadata.LimitedSizeLobMode"):
        kib = int(task.setting("TargetMetadata.LobMaxSize") or 32)
        yield from rules.cut_problems(sizes, kib)
    at_once = min(len(sizes), int(task.setting("FullLoadSettings.MaxFullLoadSubTasks") or LOAD_TABLES))
    commit = int(task.setting("FullLoadSettings.CommitRate") or 10_000)
    yield from rules.instance_problems(task.instance_class, kib, commit, at_once)


def soft(engine: str, answers: Answers) -> Iterator[str]:
    """What a standby would lack: a person may know better."""
    yield from rules.keyless_problems(answers.of(SOURCE, questions.KEYLESS))
    yield from rules.uncarried_problems(answers.of(SOURCE, questions.UNCARRIED))
    for one in rules.LEFT:
        if not (one.mysql if engine == "mysql" else one.postgres):
            continue
        name = questions.left(one.what)
        if one.when == "schema":
            yield from rules.left_problems(one, answers.of(SOURCE, name), answers.of(TARGET, name))
        elif one.what == "trigger":
            yield from rules.early_trigger_problems(answers.of(TARGET, name))


def loads(how: str, task: Described, answers: Answers) -> Iterator[str]:
    """What a load would lose at the target, or meet there."""
    alone = answers.alone
    if alone is None:
        # Fewer at the source than at the target is sure; the same number of others is not seen.
        here = answers.counted(SOURCE)
        alone = {table: max(0, rows - here.get(table, 0)) for table, rows in answers.counted(TARGET).items()}
    counted = answers.counted(TARGET) if task.migration_type != "cdc" else {}
    yield from rules.start_problems(how, task.state, alone, counted)
    full = sorted(table for table, rows in counted.items() if rows)
    if how == rules.RELOAD and full and not any(alone.values()):
        mode = task.setting("FullLoadSettings.TargetTablePrepMode") or "DROP_AND_CREATE"
        yield f"the target's {', '.join(full)} hold rows, with which the load does {mode}: let them be TRUNCATEd first"
