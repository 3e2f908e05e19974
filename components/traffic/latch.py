"""The latch: two objects in the standby's cloud whose presence moves every name, and keeps it moved."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..handle import Given, handle_of
from ..inventory import Route53Latch
from ..machine.gate import GateMode
from ..rules.adoption import RecordSet
from ..rules.traffic import CLEAR_ADDRESS, LATCH_FAILURES, LATCH_INTERVAL_SECONDS, LatchIntent
from .checks import calculated
from .previous import putting_back
from .settling import DEADLINE_SECONDS, SET_ADDRESS, WITNESS_TTL_SECONDS, beside_others, settling
from .static_site import HEALTH, WEB_CONTAINER, StaticSiteHandle

WITNESS = "latch-witness"


class LatchStore(TypedDict):
    """One of the two places where the latch object may be."""

    site: Given[StaticSiteHandle]
    """The website that shows the object."""


class LatchArgs(TypedDict):
    """Arguments of Latch."""

    object_name: NotRequired[str]
    """Blob in `$web` whose presence is the latch. Defaults to latch/dr."""

    stores: list[LatchStore]
    """Exactly two, in two storage accounts and two regions."""

    zone_id: pulumi.Input[str]
    """Public hosted zone of the names."""

    zone_name: str
    """Its name, for instance example.com. Plain, because the witness's name is made of it."""

    previous_records: NotRequired[Mapping[str, Sequence[RecordSet]]]
    """What adopted names were before (`twinsite adopt-name`): put back when their pair is deleted. Defaults to none."""

    gate: NotRequired[GateMode]
    """Whether a record waits until the new checks have settled. Defaults to WAIT."""

    gate_timeout_seconds: NotRequired[int]
    """How long a record waits for new checks to settle. Defaults to 300."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class LatchHandle(TypedDict):
    """What names and alarms read of a Latch."""

    label: str
    """Its name: pairs of one stack have the same."""

    objects: list[str]
    """`azblob://ACCOUNT/$web/NAME`, one per store."""

    urls: pulumi.Input[list[str]]
    """Where the checks look, one per store; known once the witness is there."""

    witness_name: str
    """See Latch."""

    absent_check_ids: Sequence[pulumi.Input[str]]
    present_check_ids: Sequence[pulumi.Input[str]]
    store_check_ids: Sequence[pulumi.Input[str]]
    clear_check_id: pulumi.Input[str]
    set_check_id: pulumi.Input[str]
    """See Latch."""

    gate: NotRequired[GateMode]
    """See LatchArgs."""

    gate_timeout_seconds: NotRequired[float]
    """See LatchArgs."""


class Latch(Component):
    """Checks of both latch objects, both polarities, and the witness: a name that shows what Route 53 believes.

    The same in every mode. The objects themselves are no resources: `twinsite failover` writes them, so that no step
    of it needs AWS or Pulumi.
    """

    urls: pulumi.Output[list[str]]
    """Where the checks look, one per store."""
    objects: list[str]
    """`azblob://ACCOUNT/$web/NAME`, one per store; for the inventory."""
    absent_check_ids: list[pulumi.Output[str]]
    """Inverted checks, one per store: healthy while the object is not there, or its store not reachable."""
    present_check_ids: list[pulumi.Output[str]]
    """Plain checks, one per store: healthy while the object is there."""
    store_check_ids: list[pulumi.Output[str]]
    """One per store: healthy while the store answers at all. For alarms only; no record uses them."""
    clear_check_id: pulumi.Output[str]
    """Calculated: healthy while both are absent."""
    set_check_id: pulumi.Output[str]
    """Calculated: healthy while at least one is there."""
    label: str
    """Name of this latch: pairs of one stack have the same."""
    witness_name: str
    """A name that resolves to 192.0.2.1 while Route 53 holds the latch for not set, to 192.0.2.2 otherwise."""

    def __init__(self, name: str, args: LatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        sites = [handle_of(store["site"]) for store in args["stores"]]
        stores = [{"account": site["account_name"], "region": site["location"]} for site in sites]
        known = LatchIntent.of({**args, "stores": stores})
        super().__init__("Latch", name, known, opts)
        object_name = known.object_name
        objects = [f"azblob://{site['account_name']}/{WEB_CONTAINER}/{object_name}" for site in sites]
        witness = f"{WITNESS}.{known.zone_name}"
        self.objects, self.witness_name, self.label = objects, witness, name
        self._name, self._tags = name, args.get("tags", {})
        self.absent_check_ids, self.present_check_ids, self.store_check_ids = [], [], []
        for at, site in enumerate(sites, start=1):
            path = f"/{object_name}"
            self.absent_check_ids.append(self._leaf(f"{at}-absent", site, path, inverted=True))
            self.present_check_ids.append(self._leaf(f"{at}-present", site, path))
            self.store_check_ids.append(self._leaf(f"{at}-store", site, f"/{HEALTH}", interval=30, failures=3))
        self.clear_check_id = self._calculated("clear", self.absent_check_ids, len(self.absent_check_ids))
        self.set_check_id = self._calculated("set", self.present_check_ids, 1)
        shown = [
            self._witness(args["zone_id"], role, check, address)
            for role, check, address in (
                ("PRIMARY", self.clear_check_id, CLEAR_ADDRESS),
                ("SECONDARY", self.set_check_id, SET_ADDRESS),
            )
        ]
        self.urls = pulumi.Output.all(*(site["host"] for site in sites)).apply(
            lambda hosts: [f"https://{host}/{object_name}" for host in hosts]
        )
        # Not declared above: no output. For whoever takes this component. Whoever asks for the witness waits for it, so
        # that no resolver remembers that it was not there.
        self.handle: LatchHandle = {
            "label": name,
            "objects": objects,
            "urls": pulumi.Output.all(self.urls, *(record.urn for record in shown)).apply(lambda found: found[0]),
            "witness_name": witness,
            "absent_check_ids": self.absent_check_ids,
            "present_check_ids": self.present_check_ids,
            "store_check_ids": self.store_check_ids,
            "clear_check_id": self.clear_check_id,
            "set_check_id": self.set_check_id,
            "gate": GateMode(known.gate),
            "gate_timeout_seconds": known.gate_timeout_seconds or DEADLINE_SECONDS,
        }
        self.hooks = record_hooks(name, self.handle)
        # Not in record_hooks: it must still be there when the name and its hooks are not.
        self.hooks.before_delete = [putting_back(name, args["zone_id"], args.get("previous_records", {}), self.urls)]
        self.register_outputs(
            {
                "urls": self.urls,
                "objects": self.objects,
                "absent_check_ids": self.absent_check_ids,
                "present_check_ids": self.present_check_ids,
                "store_check_ids": self.store_check_ids,
                "clear_check_id": self.clear_check_id,
                "set_check_id": self.set_check_id,
                "witness_name": self.witness_name,
            }
        )

    def _leaf(
        self,
        part: str,
        site: StaticSiteHandle,
        path: str,
        *,
        inverted: bool = False,
        interval: int = LATCH_INTERVAL_SECONDS,
        failures: int = LATCH_FAILURES,
    ) -> pulumi.Output[str]:
        # Nothing here that a setting changes: interval and type are for life, and a replaced inverted check would say
        # "latched" until it has data, under a record that uses it already.
        return aws.route53.HealthCheck(
            f"{self._name}-{part}",
            type="HTTPS",
            fqdn=site["host"],
            port=443,
            resource_path=path,
            request_interval=interval,
            failure_threshold=failures,
            enable_sni=True,
            invert_healthcheck=inverted,
            tags={**self._tags, "Name": f"{self._name} {part}"},
            opts=pulumi.ResourceOptions(parent=self),
        ).id

    def _calculated(self, part: str, children: list[pulumi.Output[str]], threshold: int) -> pulumi.Output[str]:
        return calculated(self, f"{self._name}-{part}", f"{self._name} {part}", children, threshold, self._tags)

    def _witness(
        self, zone_id: pulumi.Input[str], role: str, check: pulumi.Output[str], address: str
    ) -> aws.route53.Record:
        return aws.route53.Record(
            f"{self._name}-witness-{role.lower()}",
            zone_id=zone_id,
            name=self.witness_name,
            type="A",
            set_identifier=role.lower(),
            failover_routing_policies=[{"type": role}],
            health_check_id=check,
            records=[address],
            ttl=WITNESS_TTL_SECONDS,
            opts=pulumi.ResourceOptions(parent=self),
        )


def record_hooks(name: str, latch: LatchHandle) -> pulumi.ResourceHookBinding:
    """For records on these checks: they wait until the checks have data."""
    settled = settling(
        name,
        latch["witness_name"],
        pulumi.Output.from_input(latch["urls"]),
        latch.get("gate", GateMode.WAIT),
        latch.get("gate_timeout_seconds", DEADLINE_SECONDS),
    )
    return pulumi.ResourceHookBinding(before_create=[settled], before_update=[settled], on_error=[beside_others(name)])


def steering(latch: LatchHandle) -> pulumi.Output[Route53Latch]:
    """What steers each name of this latch, for the inventory."""
    return pulumi.Output.from_input(latch["urls"]).apply(
        lambda urls: Route53Latch(stores=tuple(latch["objects"]), urls=tuple(urls))
    )
