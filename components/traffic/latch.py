"""The latch: two objects in the standby's cloud whose presence moves every name, and keeps it moved."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from .. import rules
from ..machine import GateMode
from ..rules.adoption import RecordSet
from ..rules.traffic import CLEAR_ADDRESS, LATCH_FAILURES, LATCH_INTERVAL_SECONDS, latch_problems
from .checks import calculated
from .previous import putting_back
from .settling import SET_ADDRESS, WITNESS_TTL_SECONDS, settling
from .static_site import HEALTH, WEB_CONTAINER, StaticSite

WITNESS = "latch-witness"
OBJECT_NAME = "latch/dr"


class LatchStore(TypedDict):
    """One of the two places where the latch object may be."""

    site: StaticSite
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

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Latch(pulumi.ComponentResource):
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
        sites = [store["site"] for store in args["stores"]]
        object_name = args.get("object_name", OBJECT_NAME)
        known = {
            "stores": [(site.account_name, site.location) for site in sites],
            "object_name": object_name,
            "zone_name": args["zone_name"],
        }
        rules.require(f"latch {name}", latch_problems(known))
        objects = [f"azblob://{site.account_name}/{WEB_CONTAINER}/{object_name}" for site in sites]
        witness = f"{WITNESS}.{args['zone_name']}"
        intent = {"objects": objects, "regions": [site.location for site in sites], "witness_name": witness}
        super().__init__("twinsite:index:Latch", name, intent, opts)
        # After super(): it makes an Output of each attribute that is also a prop.
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
        self.urls = pulumi.Output.all(*(site.host for site in sites)).apply(
            lambda hosts: [f"https://{host}/{object_name}" for host in hosts]
        )
        # Hooks for records on these checks: they wait until the checks have data, and leave what was there before.
        # Whoever asks for the witness waits for it, so that no resolver remembers that it was not there.
        witnessed = pulumi.Output.all(self.urls, *(record.id for record in shown)).apply(lambda found: found[0])
        settled = settling(name, self.witness_name, witnessed, args.get("gate", GateMode.WAIT))
        leaving = putting_back(name, args["zone_id"], args.get("previous_records", {}), self.urls)
        self.hooks = pulumi.ResourceHookBinding(
            before_create=[settled], before_update=[settled], before_delete=[leaving]
        )
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
        site: StaticSite,
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
            fqdn=site.host,
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
