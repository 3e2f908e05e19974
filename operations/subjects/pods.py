"""What a person types to see, or to start, what a CronJob of the guest's does."""

from twinsite.inventory import Pod


def kubectl(way: Pod) -> str:
    """With the way to its namespace."""
    return f"kubectl{f' --context {way.context}' if way.context else ''} -n {way.namespace}"


def seen(way: Pod) -> str:
    """An instruction: whether it runs, and what it said."""
    pods = f"-l app.kubernetes.io/name={way.cronjob}"
    return (
        f"`{kubectl(way)} get cronjob,jobs,pods {pods}` says whether it runs, and `{kubectl(way)} logs {pods}` what it "
        "said"
    )


def again(way: Pod) -> str:
    """A command: one run of it now."""
    return f"`{kubectl(way)} create job {way.cronjob}-manual-$(date +%H%M%S) --from=cronjob/{way.cronjob}`"
