"""Keeps the only copy: refuses, in preview and in `up`, to delete what is stateful while its site is active.

Not static `protect`, which would also block every planned way down. `pulumi destroy` runs hooks with `--run-program`.
Preview decides on config active_site and asks nobody; `up` also reads the latch, so that a setting that nobody changed
after a failover cannot take the site down that serves.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

KEPT = "-keep-while-active"
"""Ends the name of the hook of whatever holds data, by which a reader of a graph tells that it does."""

_TIMEOUT_SECONDS = 5
_MOVE_FIRST = (
    "move users first, then set active_site to the other site (`pulumi config set active_site …`) and run this again"
)


def keep_while_active(
    name: str, what: str, active: bool, latch_urls: Sequence[pulumi.Input[str]] = ()
) -> pulumi.ResourceHookBinding:
    """Hook binding for a stateful resource of `what`; `active` is whether its site serves now (config active_site)."""

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        if active:
            raise ValueError(f"{args.name} holds the data of {what}, and its site is active: {_MOVE_FIRST}")
        await require_no_latch(args.name, latch_urls)

    return pulumi.ResourceHookBinding(before_delete=[_hook(f"{name}{KEPT}", refuse)])


def keep_registers(name: str, released: bool) -> pulumi.ResourceHookBinding:
    """Hook binding for what holds gates of databases: registers of who may write, and the agent of who writes."""

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        if released:
            return
        raise ValueError(
            f"{args.name} is what says who may write, and gates of databases are held by it: without an agent, or "
            "without two of three registers, a site stops to write. First release the gates (`pulumi config set "
            "writer_gates released`, `pulumi up`, and wait until the agent of the site that writes has done it), then "
            "run this again"
        )

    return pulumi.ResourceHookBinding(before_delete=[_hook(f"{name}-keep-registers", refuse)])


def grow_only(name: str, what: str, setting: str, size: Sequence[str]) -> pulumi.ResourceHook:
    """Hook for before_update of `what`, a store whose size in GiB is at path `size` of its inputs (wire names).

    No cloud makes one smaller: the API refuses it in the middle of an `up`, after a preview that has said nothing.
    """

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        old, new = _at(args.old_inputs, size), _at(args.new_inputs, size)
        if isinstance(old, (int, float)) and isinstance(new, (int, float)) and new < old:
            raise ValueError(
                f"{args.name} is {what} with {old:g} GiB, and {setting} asks for {new:g}: it grows in place and never "
                f"shrinks, so set {setting} to {old:g} or more"
            )

    return _hook(f"{name}-grow-only", refuse)


def for_life(name: str, what: str, settings: Mapping[str, str], active: bool) -> pulumi.ResourceHookBinding:
    """Hook binding for a component: what would replace what serves in it is refused while its site is active.

    `settings`: field of its intent -> where a person sets it. On the component, whose update comes before that of any
    part of it: a part that is to be replaced may take others along before its own hook is asked.
    """

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        old, new = _meant(args.old_inputs), _meant(args.new_inputs)
        # What a version before did not note is not known to have changed.
        changed = [key for key in settings if key in old and old[key] != new.get(key)]
        if active and changed:
            said = ", ".join(f"{settings[key]} {new.get(key)} instead of {old[key]}" for key in changed)
            raise ValueError(f"{said} would replace {what}, which serves now: take that back, or {_MOVE_FIRST}")

    return pulumi.ResourceHookBinding(before_update=[_hook(f"{name}-for-life", refuse)])


def _meant(inputs: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A component's intent; a version before noted its fields as inputs of their own."""
    known = inputs or {}
    meant: Mapping[str, Any] = known.get("intent", known)
    return meant


def keep_serving(
    name: str, what: str, active: bool, latch_urls: Sequence[pulumi.Input[str]], disturbing: Sequence[Sequence[str]]
) -> pulumi.ResourceHookBinding:
    """Hook binding for a machine that users may be on: not deleted, replaced or restarted while its site is active.

    `disturbing` are paths of inputs (wire names) whose change replaces or restarts it.
    """

    async def refuse_delete(args: pulumi.ResourceHookArgs) -> None:
        if active:
            raise ValueError(
                f"{args.name} is {what}, which serves now, and this would delete or replace it (another image "
                f"replaces a machine): take the change back, or {_MOVE_FIRST}"
            )
        await require_no_latch(args.name, latch_urls)

    async def refuse_update(args: pulumi.ResourceHookArgs) -> None:
        changed = [".".join(path) for path in disturbing if _at(args.old_inputs, path) != _at(args.new_inputs, path)]
        if not changed:
            return
        if active:
            raise ValueError(
                f"{args.name} is {what}, which serves now, and changing {', '.join(changed)} would stop it for a "
                "while: "
                f"take the change back, or {_MOVE_FIRST}"
            )
        await require_no_latch(args.name, latch_urls)

    return pulumi.ResourceHookBinding(
        before_delete=[_hook(f"{name}-keep-serving", refuse_delete)],
        before_update=[_hook(f"{name}-keep-running", refuse_update)],
    )


def _hook(name: str, refuse: Any) -> pulumi.ResourceHook:
    return pulumi.ResourceHook(name, refuse, pulumi.ResourceHookOptions(on_dry_run=True))


def _at(inputs: Mapping[str, Any] | None, path: Sequence[str]) -> Any:
    found: Any = inputs
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


async def require_no_latch(name: str, latch_urls: Sequence[pulumi.Input[str]]) -> None:
    """In `up` only. ValueError when the latch is set, or when nobody says that it is not."""
    if not latch_urls or pulumi.runtime.is_dry_run():
        return
    answers = {}
    for given in latch_urls:
        url = await pulumi.Output.from_input(given).future()
        answers[str(url)] = latch_status(str(url))
    present = [url for url, status in answers.items() if status == 200]
    if present:
        raise ValueError(
            f"{name} is kept: the latch is set ({present[0]}), so users are at this site although active_site names "
            "the "
            "other one: run `twinsite failback` first, or set active_site to where the users are"
        )
    if 404 not in answers.values():
        listed = ", ".join(f"{url} ({status or 'no answer'})" for url, status in answers.items())
        raise ValueError(
            f"{name} is kept: no latch object could be read, so nobody knows where the users are: {listed}; make one "
            "of them reachable from here and run this again"
        )


def latch_status(url: str) -> int:
    """HTTP status of a latch object: 200 set, 404 not set, 0 when nothing answered."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="GET"), timeout=_TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
