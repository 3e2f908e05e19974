"""Keeps the only copy: refuses, in preview and in `up`, to delete what is stateful while its site is active.

Not static `protect`, which would also block every planned way down. `pulumi destroy` runs hooks with `--run-program`.
"""

import pulumi


def keep_while_active(name: str, what: str, active: bool) -> pulumi.ResourceHookBinding:
    """Hook binding for a stateful resource of `what`; `active` is whether its site serves now (config active_site)."""

    def refuse(args: pulumi.ResourceHookArgs) -> None:
        if active:
            raise ValueError(
                f"{args.name} holds the data of {what}, and its site is active: move users first, then set "
                "active_site to the other site (`pulumi config set active_site …`) and run this again"
            )

    hook = pulumi.ResourceHook(f"{name}-keep-while-active", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_delete=[hook])
