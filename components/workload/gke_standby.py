"""A GKE cluster at the standby site: there from pilot-light on, with nodes for as many pods as the mode keeps."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from .. import inventory
from ..component import Component
from ..modes import DrMode
from ..protection import keep_serving
from ..rules.gke import GkeStandbyIntent
from .cluster import ClusterHandle

NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")
"""What a node may: logs, metrics, and pulling images. Google's default account is an editor of the project."""
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
"""Roles decide what a node may, not scopes [GKE, access scopes]."""
SURGE = {"max_surge": 1, "max_unavailable": 0, "strategy": "SURGE"}


class GkeStandbyArgs(TypedDict):
    """Arguments of GkeStandby."""

    dr_mode: DrMode
    """Cold: no cluster. Pilot-light: the cluster, without nodes for your pods. Warm: with nodes for reduced ones."""

    site: str
    """Name of this site, as the inventory has it."""

    project: str
    """Google's project. Plain, because accounts are named by it."""

    cluster: str
    """Its name at Google, at most 24 characters. For life."""

    region: str
    """For instance asia-northeast3: the control plane stands in three of its zones."""

    zones: list[str]
    """Of the region, one to three: where nodes run. Numbers of nodes are a zone's."""

    network_id: pulumi.Input[str]
    """projects/P/global/networks/N: gets a subnet for the cluster."""

    nodes_range: str
    """CIDR of the nodes. For life. AWS must know it: it belongs into the VPN's gcp_ranges."""

    pods_range: str
    """CIDR of the pods, /24 a node. For life. Pods speak to AWS under addresses of it, so that it belongs into
    gcp_ranges, too."""

    services_range: str
    """CIDR of the cluster's services, seen inside it only. For life."""

    operator_ranges: list[str]
    """CIDRs that reach the cluster's API: operators, and the runner of `pulumi up`."""

    release_channel: NotRequired[str]
    """STABLE, REGULAR or EXTENDED: Google upgrades it. Defaults to REGULAR."""

    machine_type: NotRequired[str]
    """Of every node. Defaults to e2-standard-4."""

    disk_gib: NotRequired[int]
    """Of every node. Defaults to 50."""

    warm_nodes: NotRequired[int]
    """Nodes a zone in warm. Defaults to 1."""

    serving_nodes: NotRequired[int]
    """Nodes a zone that a failover adds, in any mode that has the cluster. Defaults to 2."""

    system_machine_type: NotRequired[str]
    """Of one node, in the first of the zones, for the system's own pods and for jobs (LogicalReplica's), as soon as
    there is a cluster. Defaults to none: in pilot-light no pod runs at all."""

    identities: NotRequired[dict[str, str]]
    """Name -> NAMESPACE/SERVICE-ACCOUNT: accounts of Google's that pods act as. Defaults to none."""

    site_is_active: bool
    """Whether users are at this site now (config active_site): cluster and nodes are then not deleted or replaced."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """Latch objects that `up` reads before it deletes them. Defaults to none."""

    labels: NotRequired[dict[str, str]]
    """Put on everything that takes labels."""


class GkeStandby(Component):
    """A private cluster at Google for the application of a site that stands by.

    Creates in every mode: subnet, router, the address that users come to, accounts for nodes and pods. From pilot-light
    on: the cluster, its way out, pool `serving` without nodes, whose size is never Pulumi's, and with
    `system_machine_type` pool `system` with one. In warm: pool `warm`.
    """

    address: pulumi.Output[str]
    """Global IPv4 address for what brings users in."""
    address_name: pulumi.Output[str]
    """Its name at Google, as an Ingress wants it."""
    subnetwork_id: pulumi.Output[str]
    node_account: pulumi.Output[str]
    """E-mail of the nodes' account."""
    identity_accounts: pulumi.Output[dict[str, str]]
    """Name of each of `identities` -> its account's e-mail."""
    cluster_name: pulumi.Output[str | None]
    """None while dr_mode is cold, as all that follows."""
    endpoint: pulumi.Output[str | None]
    """Of the cluster's API, https://ADDRESS."""
    kubeconfig: pulumi.Output[str | None]
    """For `cluster_provider`: nothing in it but how to ask Google for a token. A secret all the same."""
    serving_pool: pulumi.Output[str | None]
    """Name of the pool that a failover resizes."""
    ready: pulumi.Output[str | None]
    """The cluster's name, known when the mode's nodes are there."""
    resize: str
    """Command that gives the pool `serving` its nodes. It asks Google's control plane, and neither AWS nor Pulumi."""

    def __init__(self, name: str, args: GkeStandbyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = GkeStandbyIntent.of(args)
        super().__init__("GkeStandby", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self._labels = args.get("labels", {})
        # In every mode: the engine wants the hook for what a mode takes away.
        self._kept = {part: self._keep(part) for part in ("cluster", "serving", "system", "warm")}
        subnet, router = self._ground()
        account = self._account("nodes", "Nodes of")
        roles = [self._role(account, role) for role in NODE_ROLES]
        identities = {one: self._account(one, f"Pods that are {one} of") for one in known.identities}
        self.subnetwork_id, self.node_account = subnet.id, account.email
        self.identity_accounts = pulumi.Output.all(**{one: found.email for one, found in identities.items()})
        nothing: pulumi.Output[str | None] = pulumi.Output.from_input(None)
        self.cluster_name = self.endpoint = self.kubeconfig = self.serving_pool = self.ready = nothing
        if known.exists:
            cluster = self._cluster(subnet, account, [self._way_out(subnet, router), *roles])
            serving = self._pool("serving", 0, cluster, account, mine=False)
            pools = [serving]
            if known.system:
                pools.append(self._pool("system", 1, cluster, account, known.zones[:1], known.system_machine_type))
            if known.warm:
                pools.append(self._pool("warm", known.warm_nodes, cluster, account))
            for one, found in identities.items():
                self._act_as(one, found, cluster)
            self.cluster_name, self.serving_pool = cluster.name, serving.name
            self.endpoint = cluster.endpoint.apply(lambda address: f"https://{address}")
            self.kubeconfig = self._kubeconfig(cluster)
            self.ready = pulumi.Output.all(cluster.name, *(pool.id for pool in pools)).apply(lambda all_: str(all_[0]))
        self.resize = (
            f"gcloud container clusters resize {known.cluster} --node-pool=serving --num-nodes={known.serving_nodes} "
            f"--region={known.region} --project={known.project} --quiet"
        )
        # Not declared above: no outputs.
        self.inventory = inventory.Entry(
            clusters=(
                inventory.Cluster(
                    name=known.cluster,
                    site=known.site,
                    project=known.project,
                    region=known.region,
                    context=context_of(known),
                    pool="serving",
                    serving_nodes=known.serving_nodes,
                    exists=known.exists,
                ),
            )
        )
        self.handle = ClusterHandle(
            site=known.site, exists=known.exists, context=context_of(known), kubeconfig=self.kubeconfig
        )
        self.register_outputs(
            {
                "address": self.address,
                "address_name": self.address_name,
                "subnetwork_id": self.subnetwork_id,
                "node_account": self.node_account,
                "identity_accounts": self.identity_accounts,
                "cluster_name": self.cluster_name,
                "endpoint": self.endpoint,
                "kubeconfig": self.kubeconfig,
                "serving_pool": self.serving_pool,
                "ready": self.ready,
                "resize": self.resize,
            }
        )

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _keep(self, part: str) -> pulumi.ResourceHookBinding:
        known = self._known
        what = f"cluster {known.cluster}" if part == "cluster" else f"node pool {part} of cluster {known.cluster}"
        return keep_serving(
            f"{self._name}-{part}", what, known.site_is_active, self._args.get("latch_urls", []), disturbing=()
        )

    def _ground(self) -> tuple[gcp.compute.Subnetwork, gcp.compute.Router]:
        name, known = self._name, self._known
        subnet = gcp.compute.Subnetwork(
            f"{name}-subnet",
            name=known.cluster,
            region=known.region,
            network=self._args["network_id"],
            ip_cidr_range=known.nodes_range,
            secondary_ip_ranges=[
                {"range_name": "pods", "ip_cidr_range": known.pods_range},
                {"range_name": "services", "ip_cidr_range": known.services_range},
            ],
            private_ip_google_access=True,
            opts=self._child(),
        )
        router = gcp.compute.Router(
            f"{name}-router",
            name=f"{known.cluster}-out",
            region=known.region,
            network=self._args["network_id"],
            opts=self._child(),
        )
        users = gcp.compute.GlobalAddress(
            f"{name}-address",
            name=known.cluster,
            address_type="EXTERNAL",
            labels=self._labels,
            opts=self._child(),
        )
        self.address, self.address_name = users.address, users.name
        return subnet, router

    def _way_out(self, subnet: gcp.compute.Subnetwork, router: gcp.compute.Router) -> gcp.compute.RouterNat:
        """Private nodes have none of their own, and registers of who may write are elsewhere, too (ADR 44)."""
        known = self._known
        return gcp.compute.RouterNat(
            f"{self._name}-out",
            name=f"{known.cluster}-out",
            router=router.name,
            region=known.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[{"name": subnet.id, "source_ip_ranges_to_nats": ["ALL_IP_RANGES"]}],
            opts=self._child(),
        )

    def _account(self, part: str, what: str) -> gcp.serviceaccount.Account:
        known = self._known
        return gcp.serviceaccount.Account(
            f"{self._name}-{part}",
            account_id=f"{known.cluster}-{part}",
            project=known.project,
            display_name=f"{what} cluster {known.cluster}",
            opts=self._child(),
        )

    def _role(self, account: gcp.serviceaccount.Account, role: str) -> gcp.projects.IAMMember:
        return gcp.projects.IAMMember(
            f"{self._name}-nodes-{role.rpartition('.')[2]}",
            project=self._known.project,
            role=role,
            member=account.email.apply(lambda email: f"serviceAccount:{email}"),
            opts=self._child(),
        )

    def _act_as(self, part: str, account: gcp.serviceaccount.Account, cluster: gcp.container.Cluster) -> None:
        """After the cluster: before a project's first one, Google knows no pool of its pods' identities."""
        known = self._known
        member = f"serviceAccount:{known.project}.svc.id.goog[{known.identities[part]}]"
        gcp.serviceaccount.IAMMember(
            f"{self._name}-{part}-acts",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=cluster.id.apply(lambda _: member),
            opts=self._child(),
        )

    def _cluster(
        self,
        subnet: gcp.compute.Subnetwork,
        account: gcp.serviceaccount.Account,
        before: list[pulumi.Resource],
    ) -> gcp.container.Cluster:
        known = self._known
        return gcp.container.Cluster(
            f"{self._name}-cluster",
            name=known.cluster,
            project=known.project,
            location=known.region,
            node_locations=list(known.zones),
            network=self._args["network_id"],
            subnetwork=subnet.id,
            # Ours is the hook, which lets a mode go down in one `up`; Google's is on unless it is told otherwise, and
            # must be off in a run before.
            deletion_protection=False,
            # GKE makes no cluster without a pool: its first one goes at once, and ours have names of their own.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config={"service_account": account.email, "oauth_scopes": SCOPES},
            networking_mode="VPC_NATIVE",
            ip_allocation_policy={
                "cluster_secondary_range_name": "pods",
                "services_secondary_range_name": "services",
            },
            private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": False},
            master_authorized_networks_config={
                "cidr_blocks": [{"cidr_block": one} for one in known.operator_ranges],
                # On by default for some versions, and then every machine of Google's customers is let in.
                "gcp_public_cidrs_access_enabled": False,
            },
            release_channel={"channel": known.release_channel},
            workload_identity_config={"workload_pool": f"{known.project}.svc.id.goog"},
            resource_labels=self._labels,
            opts=self._child(
                hooks=self._kept["cluster"],
                depends_on=before,
                # What Google says of a pool that is gone; both would make another cluster.
                ignore_changes=["initialNodeCount", "nodeConfig"],
            ),
        )

    def _pool(
        self,
        part: str,
        nodes: int,
        cluster: gcp.container.Cluster,
        account: gcp.serviceaccount.Account,
        zones: Sequence[str] = (),
        machine_type: str = "",
        mine: bool = True,
    ) -> gcp.container.NodePool:
        """In all zones, of the cluster's machine type, if nothing else is said. `mine`: its size is the program's.

        Of one that is operations', a refresh must not bring the old size back (ADR 49), and `initial_node_count` is
        never given: a resize changes it, and it would make another pool."""
        known = self._known
        return gcp.container.NodePool(
            f"{self._name}-{part}",
            name=part,
            cluster=cluster.id,
            location=known.region,
            project=known.project,
            node_locations=list(zones or known.zones),
            node_count=nodes,
            management={"auto_repair": True, "auto_upgrade": True},
            upgrade_settings=SURGE,
            node_config={
                "machine_type": machine_type or known.machine_type,
                "disk_size_gb": known.disk_gib,
                "disk_type": "pd-balanced",
                "service_account": account.email,
                "oauth_scopes": SCOPES,
                "labels": {"twinsite.io/pool": part},
                "metadata": {"disable-legacy-endpoints": "true"},
                "resource_labels": self._labels,
                "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
                # Without it a pod gets the node's own identity from the metadata server.
                "workload_metadata_config": {"mode": "GKE_METADATA"},
            },
            opts=self._child(hooks=self._kept[part], ignore_changes=[] if mine else ["nodeCount"]),
        )

    def _kubeconfig(self, cluster: gcp.container.Cluster) -> pulumi.Output[str | None]:
        """As `gcloud container clusters get-credentials` writes it where gcloud's property
        container/use_application_default_credentials is set: with the login that Google's provider has, too."""
        context = context_of(self._known)

        def text(found: Mapping[str, str]) -> str | None:
            authority = found["authority"]
            server = {"server": f"https://{found['endpoint']}", "certificate-authority-data": authority}
            plugin = {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "gke-gcloud-auth-plugin",
                "args": ["--use_application_default_credentials"],
                "installHint": "gcloud components install gke-gcloud-auth-plugin",
                "interactiveMode": "Never",
                "provideClusterInfo": True,
            }
            return json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": context,
                    "clusters": [{"name": context, "cluster": server}],
                    "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
                    "users": [{"name": context, "user": {"exec": plugin}}],
                },
                sort_keys=True,
            )

        authority = cluster.master_auth.apply(lambda found: str(found.cluster_ca_certificate))
        made: pulumi.Output[str | None] = pulumi.Output.all(endpoint=cluster.endpoint, authority=authority).apply(text)
        return pulumi.Output.secret(made)


def context_of(known: GkeStandbyIntent) -> str:
    """The context's name, as `gcloud container clusters get-credentials` calls it on every desk."""
    return f"gke_{known.project}_{known.region}_{known.cluster}"
