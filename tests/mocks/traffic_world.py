"""A small aws-azure world under mocks: two sites, a latch, a notice page, a front, the names www and dr, the alarms."""

from collections.abc import Callable
from typing import Any, cast

from tests.mocks import harness
from twinsite import (
    Alarms,
    AlarmsArgs,
    FrontDoor,
    Latch,
    MaintenancePage,
    Observer,
    ObserverArgs,
    Route53FailoverPair,
    StaticSite,
)

ALB = "shop-123.ap-northeast-2.elb.amazonaws.com"
ZONE = "Z0PUBLICZONE"
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
MARKER = "served by site azure"


def account_id(inputs: dict[str, Any]) -> str:
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dr/providers/Microsoft.Storage/storageAccounts/"
        f"{inputs['accountName']}"
    )


def account(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    web = f"https://{inputs['accountName']}.z12.web.core.windows.net/"
    return {"name": inputs["accountName"], "primaryEndpoints": {"web": web}}


def website(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"containerName": "$web"}


def certificate(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    domain = inputs["domainName"]
    option = {
        "domainName": domain,
        "resourceRecordName": f"_proof.{domain}",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_value.acm-validations.aws.",
    }
    return {"domainValidationOptions": [option]}


def record(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"fqdn": inputs["name"]}


def distribution(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"domainName": f"d{name}.cloudfront.net", "hostedZoneId": "Z2FDTNDATAQYW2"}


def alarm(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"{name}-1234567"}


FILL: dict[str, harness.Fill] = {
    "azure-native:storage:StorageAccount": account,
    "azure-native:storage:StorageAccountStaticWebsite": website,
    "aws:acm/certificate:Certificate": certificate,
    "aws:route53/record:Record": record,
    "aws:cloudfront/distribution:Distribution": distribution,
    "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
}
IDS: dict[str, harness.Identify] = {"azure-native:storage:StorageAccount": account_id}


class World:
    """The components, built by `build`; and by programs of the engine's and the lab's tests."""

    def __init__(self, change: dict[str, dict[str, Any]], give: Callable[[Any], Any] = lambda made: made) -> None:
        self.change, self.give = change, give
        self.public = StaticSite("public", self.args("public", account_name="shopnotice", location="koreacentral"))
        self.second = StaticSite("latch", self.args("second", account_name="shoplatch", location="japaneast"))
        self.latch = Latch(
            "l",
            self.args(
                "latch",
                stores=[{"site": give(self.public)}, {"site": give(self.second)}],
                zone_id=ZONE,
                zone_name="example.com",
            ),
        )
        self.page = MaintenancePage(
            "notice",
            self.args(
                "page",
                fqdn="www.example.com",
                zone_id=ZONE,
                site=give(self.public),
                backup_account_name="shopbackup",
                standby_url="https://dr.example.com/petclinic/",
            ),
        )
        self.front = FrontDoor(
            "front",
            self.args(
                "front",
                fqdn="dr.example.com",
                zone_id=ZONE,
                origin_host="shopdr.koreacentral.cloudapp.azure.com",
                origin_certificate_names=["shopdr.koreacentral.cloudapp.azure.com"],
            ),
        )
        self.www = self.pair("www", self.page, stateful=False, path="/healthz")
        self.dr = self.pair("dr", self.front, stateful=True, path="/petclinic/", text=MARKER)

    def args(self, part: str, **good: Any) -> Any:
        """Good arguments of `part`, with what every component takes, and the test's change."""
        shared = {} if part in ("www", "dr", "latch", "page", "front") else {"resource_group_name": "dr"}
        return {**shared, **good, "tags": {"team": "dr"}, **self.change.get(part, {})}

    def pair(self, label: str, front: Any, *, stateful: bool, path: str, text: str = "") -> Route53FailoverPair:
        check = {"host": front.distribution_domain, "path": path, **({"text": text} if text else {})}
        ours = {"host": ALB, "path": "/petclinic/", "text": "served by site aws"}
        return Route53FailoverPair(
            label,
            self.args(
                label,
                fqdn=f"{label}.example.com",
                zone_id=ZONE,
                stateful=stateful,
                primary={"dns_name": ALB, "zone_id": "ZWKZPGTI48KDX", "has_ipv6": True},
                primary_check=ours,
                secondary={
                    "distribution_domain": front.distribution_domain,
                    "distribution_zone_id": front.distribution_zone_id,
                },
                secondary_check=check,
                latch=self.give(self.latch),
            ),
        )

    def monitored(self) -> tuple[Alarms, Observer]:
        args = {
            "latch": self.give(self.latch),
            "names": [self.give(self.www), self.give(self.dr)],
            "certificate_arns": {"www.example.com": self.page.certificate_arn},
            "emails": ["oncall@example.com"],
            "urls": {"pager": "https://pager.example.com/KEY"},
            **self.change.get("alarms", {}),
        }
        observed = {
            "resource_group_name": "dr",
            "location": "koreacentral",
            "primary_url": "https://primary.example.com/petclinic/",
            "primary_text": "served by site aws",
            "failover_names": ["www.example.com", "dr.example.com"],
            "backup_account_id": account_id({"accountName": "shopbackup"}),
            "emails": ["oncall@example.com"],
            "urls": {"pager": "https://pager.example.com/KEY"},
            **self.change.get("observer", {}),
        }
        return Alarms("a", cast(AlarmsArgs, args)), Observer("o", cast(ObserverArgs, observed))


def build(
    change: dict[str, dict[str, Any]] | None = None,
    monitored: bool = False,
    fill: dict[str, harness.Fill] | None = None,
    give: Callable[[Any], Any] = lambda component: component,
) -> harness.Run:
    """The world, its good arguments changed by `change` (part -> arguments), what the cloud computes by `fill`, what
    one component gives to another by `give`. The result is the World."""
    built: list[World] = []

    def program() -> None:
        built.append(World(change or {}, give))
        if monitored:
            built[0].monitored()

    run = harness.run(program, {**FILL, **(fill or {})}, ids=IDS)
    run.result = built[0]
    return run
