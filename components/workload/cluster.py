"""Which cluster pods go to: what is read of one, and the provider of its API. No SDK is imported before it is used."""

from typing import TYPE_CHECKING, Any, TypedDict

import pulumi

from ..handle import Given, handle_of

if TYPE_CHECKING:
    from pulumi_kubernetes import Provider


class ClusterHandle(TypedDict):
    """A cluster that pods are to run in: GkeStandby's, or one that is there (EKS)."""

    site: str
    """Name of its site, as the inventory has it."""

    exists: bool
    """Whether it is there in this mode; one's own always is."""

    context: str
    """kubectl context by which operations reach it; "" is the operator's current one."""

    kubeconfig: pulumi.Input[str | None]
    """For the provider of `cluster_provider`; treated as a secret. None: what the runner of `pulumi up` has."""


def cluster_provider(
    name: str, cluster: Given[ClusterHandle], opts: pulumi.ResourceOptions | None = None
) -> "Provider":
    """For a program to give to a Workload: `pulumi.ResourceOptions(provider=cluster_provider(…))`, one a cluster.

    An `up` that does not reach one's own cluster leaves what is in it as it is, with a warning a resource: home may be
    dead. One that this program makes has its kubeconfig from here; who does not reach that one is told, and an `up`
    that changes its database's password does not leave the old one in it.
    """
    from pulumi_kubernetes import Provider

    known = handle_of(cluster)
    given: pulumi.Output[Any] = pulumi.Output.from_input(known["kubeconfig"])
    return Provider(
        name,
        kubeconfig=None if known["kubeconfig"] is None else pulumi.Output.secret(given),
        context=known["context"] or None,
        skip_update_unreachable=known["kubeconfig"] is None,
        opts=opts,
    )
