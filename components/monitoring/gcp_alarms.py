"""Alarms in Google Cloud on what joins it with AWS and what runs there, under the names that AWS has."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from ..component import Component
from ..modes import DrMode
from ..rules.link_alarms import GIB, GcpAlarmsIntent

CUSTOM = "custom.googleapis.com/twinsite/{of}/{metric}"
"""With a name of each stack's own: a metric is the whole project's, and deleted with all that anybody wrote."""
ALIGNED_SECONDS = 60
ABSENT_SECONDS = 300
"""Metrics of VPN and routers come a minute or more late [Google, metrics list]; five of them are silence."""


class GcpAlarmsArgs(TypedDict):
    """Arguments of GcpAlarms."""

    dr_mode: DrMode
    """In cold there is nothing to watch but pools."""

    project: str
    """Google's project."""

    prefix: NotRequired[str]
    """Names of alarms begin with it, at AWS as well. Defaults to twinsite."""

    flow: NotRequired[str]
    """Whose lag and slot: the `replica` of the LogicalReplica that writes them, whose name is in the metrics'. Needed
    with lag_seconds and slot_gib."""

    region: str
    """Of the tunnels."""

    tunnel_names: pulumi.Input[list[str] | None]
    """The VPN's; the sessions in them have the same names. None in cold."""

    cluster: NotRequired[str]
    """Name of the GKE cluster. Defaults to none: pods are not watched."""

    namespace: NotRequired[str]
    """Of the pods."""

    workload: NotRequired[str]
    """Name of the Workload: its containers are counted, warm and serving ones."""

    least_pods: NotRequired[int]
    """Fewer page, in warm. Defaults to 1."""

    lag_seconds: NotRequired[int]
    """A heartbeat row that is older at the standby pages. Not watched by default: set it where somebody writes
    custom.googleapis.com/twinsite/FLOW/replication_lag_seconds, or the alarm never speaks."""

    slot_gib: NotRequired[int]
    """A slot that keeps more pages, where somebody writes …/slot_retained_bytes. Not watched by default."""

    pools: NotRequired[list[str]]
    """Sites whose pools are watched, where somebody writes custom.googleapis.com/twinsite/PREFIX/pool_up, _ for - in
    PREFIX. Defaults to none."""

    emails: NotRequired[list[str]]
    """Addresses that get the alarms. Defaults to none."""

    urls: NotRequired[dict[str, pulumi.Input[str]]]
    """Name -> HTTPS endpoint that gets them, for instance a pager's; treated as secrets. Defaults to none."""

    labels: NotRequired[dict[str, str]]
    """Put on everything that takes labels."""


class GcpAlarms(Component):
    """Cloud Monitoring's policies, each with a condition for what is wrong and one for data that stopped.

    A threshold of Google's rests while its series is silent: a tunnel whose gateway is gone would page nobody. Google
    sees an absence only of what it has seen since the policy was made: a metric that nobody ever wrote stays quiet.

    In every mode: channels, and of what is asked for pools. From pilot-light on: tunnels, sessions, and of what is
    asked for lag and slots. In warm: pods. Metrics of twinsite's own come with what watches them.
    """

    channels: pulumi.Output[list[str]]
    """Names of the channels at Google."""

    def __init__(self, name: str, args: GcpAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = GcpAlarmsIntent.of(args)
        super().__init__("GcpAlarms", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self._labels = args.get("labels", {})
        told = self._told()
        self.channels = pulumi.Output.all(*(one.name for one in told))
        own = self._own_metrics()
        names = pulumi.Output.from_input(args["tunnel_names"])
        for number in known.tunnels:
            self._of_tunnel(number, names.apply(_at(number - 1)))
        if known.lag_watched:
            lag = "the standby's data are older than promised"
            self._own("replication-lag", lag, own["replication_lag_seconds"], known.lag_seconds)
        if known.slot_watched:
            slot = "a slot keeps what the disk cannot spare"
            self._own("slot-retention", slot, own["slot_retained_bytes"], known.slot_gib * GIB)
        if known.pods_run:
            self._pods()
        for site in known.pools:
            only = f' AND metric.labels.pool="{site}"'
            what = f"the pool of {site} is not healthy where users are steered"
            self._own(f"pool-{site}", what, own["pool_up"], 1, below=True, only=only)
        self.register_outputs({"channels": self.channels})

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _told(self) -> list[gcp.monitoring.NotificationChannel]:
        made = [
            self._channel(f"email-{address}", "email", {"email_address": address}, address)
            for address in self._known.emails
        ]
        for whose, url in self._args.get("urls", {}).items():
            made.append(self._channel(f"url-{whose}", "webhook_tokenauth", {"url": pulumi.Output.secret(url)}, whose))
        return made

    def _channel(
        self, part: str, kind: str, where: dict[str, pulumi.Input[str]], whose: str
    ) -> gcp.monitoring.NotificationChannel:
        return gcp.monitoring.NotificationChannel(
            f"{self._name}-{part}",
            project=self._known.project,
            type=kind,
            display_name=f"twinsite: {whose}",
            labels=where,
            user_labels=self._labels,
            opts=self._child(),
        )

    def _own_metrics(self) -> dict[str, gcp.monitoring.MetricDescriptor]:
        """Those that are watched. Google refuses a policy over a metric that it has not heard of."""
        known = self._known
        return {
            part: gcp.monitoring.MetricDescriptor(
                f"{self._name}-{part}",
                project=self._known.project,
                type=CUSTOM.format(of=of, metric=part),
                metric_kind="GAUGE",
                value_type="DOUBLE",
                display_name=part,
                description=what,
                labels=[{"key": "pool", "value_type": "STRING", "description": "Site"}] if part == "pool_up" else [],
                opts=self._child(),
            )
            for part, of, watched, what in (
                (
                    "replication_lag_seconds",
                    known.flow,
                    known.lag_watched,
                    "Age of the newest row at the target, seconds.",
                ),
                (
                    "slot_retained_bytes",
                    known.flow,
                    known.slot_watched,
                    "What the flow's slot makes the source keep, in bytes.",
                ),
                ("pool_up", known.prefix.replace("-", "_"), known.pools, "1 while the site's pool is healthy, else 0."),
            )
            if watched
        }

    def _of_tunnel(self, number: int, called: pulumi.Output[str]) -> None:
        for part, resource, metric, label, what in (
            ("tunnel", "vpn_gateway", "vpn.googleapis.com/tunnel_established", "tunnel_name", "is not established"),
            ("bgp", "gce_router", "router.googleapis.com/bgp/session_up", "bgp_peer_name", "has no BGP session"),
        ):
            chosen = pulumi.Output.concat(
                f'metric.type="{metric}" AND resource.type="{resource}" AND metric.labels.{label}="', called, '"'
            )
            self._policy(f"{part}-{number}", f"tunnel {number} {what}", chosen, 1, below=True, aligner="ALIGN_MEAN")

    def _own(
        self,
        part: str,
        what: str,
        metric: gcp.monitoring.MetricDescriptor,
        limit: float,
        below: bool = False,
        only: str = "",
    ) -> None:
        # By its own output: the policy waits for the metric.
        chosen = metric.type.apply(lambda kind: f'metric.type="{kind}" AND resource.type="global"{only}')
        aligner = "ALIGN_MIN" if below else "ALIGN_MAX"
        self._policy(part, what, chosen, limit, below=below, aligner=aligner)

    def _pods(self) -> None:
        known = self._known
        chosen = pulumi.Output.from_input(
            'metric.type="kubernetes.io/container/uptime" AND resource.type="k8s_container"'
            f' AND resource.labels.cluster_name="{known.cluster}"'
            f' AND resource.labels.namespace_name="{known.namespace}"'
            f' AND metadata.user_labels."app.kubernetes.io/name"="{known.workload}"'
        )
        what = f"fewer than {known.least_pods} pods of {known.workload} run"
        counted = {"cross_series_reducer": "REDUCE_COUNT"}
        self._policy("pods", what, chosen, known.least_pods, below=True, aligner="ALIGN_MEAN", **counted)

    def _policy(
        self,
        part: str,
        what: str,
        chosen: pulumi.Output[str],
        limit: float,
        below: bool,
        aligner: str,
        **reducer: str,
    ) -> None:
        aligned = {"alignment_period": f"{ALIGNED_SECONDS}s", "per_series_aligner": aligner, **reducer}
        gcp.monitoring.AlertPolicy(
            f"{self._name}-{part}",
            project=self._known.project,
            display_name=self._known.name(part),
            combiner="OR",
            conditions=[
                {
                    "display_name": what,
                    "condition_threshold": {
                        "filter": chosen,
                        "comparison": "COMPARISON_LT" if below else "COMPARISON_GT",
                        "threshold_value": limit,
                        "duration": "60s",
                        "aggregations": [aligned],
                    },
                },
                {
                    "display_name": f"nobody knows whether {what}",
                    "condition_absent": {
                        "filter": chosen,
                        "duration": f"{ABSENT_SECONDS}s",
                        "aggregations": [aligned],
                    },
                },
            ],
            notification_channels=self.channels,
            documentation={"content": what, "mime_type": "text/markdown"},
            user_labels=self._labels,
            opts=self._child(),
        )


def _at(place: int) -> Any:
    return lambda names: str(names[place])
