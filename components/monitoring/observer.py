"""The observer in the standby's cloud: it still speaks when AWS is dark."""

from typing import NotRequired, TypedDict

import pulumi
from pulumi_azure_native import applicationinsights, monitor, operationalinsights

from ..component import Component
from ..rules.watching import PLACES, TEST_SECONDS, ObserverIntent
from .queries import query

CONTAINER = "mysql-backup"
MAX_AGE_HOURS = 26
DROP_PERCENT = 30

FAILING_PLACES = 3


class ObserverArgs(TypedDict):
    """Arguments of Observer."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the observer."""

    location: str
    """Azure region, for instance koreacentral."""

    primary_url: str
    """HTTPS address of the primary's page under a name of its own, never a name of a failover pair: that would follow
    the users and be green again. Its certificate must name it."""

    primary_text: NotRequired[str]
    """Must be in that page. Defaults to none: any 200 will do."""

    failover_names: list[str]
    """Names of failover pairs, so that primary_url can be refused when it is one."""

    backup_account_id: pulumi.Input[str]
    """Resource id of the storage account with the backups."""

    backup_container: NotRequired[str]
    """Defaults to mysql-backup."""

    backup_max_age_hours: NotRequired[int]
    """No new manifest for so long is an alarm; at most 48. Defaults to 26: daily, and two hours of grace."""

    backup_drop_percent: NotRequired[int]
    """A backup smaller than the one before by more than this is an alarm. Defaults to 30."""

    emails: NotRequired[list[str]]
    """Addresses that get the alarms. Defaults to none."""

    urls: NotRequired[dict[str, pulumi.Input[str]]]
    """Name -> HTTPS endpoint that gets them, for instance a pager's; treated as secrets. Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Observer(Component):
    """Azure Monitor watches the primary's page from five places, and the backups where they land.

    The same in every mode. Managed services only: an availability test, two log queries, an action group. Missing data
    counts as broken.
    """

    action_group_id: pulumi.Output[str]
    web_test_id: pulumi.Output[str]

    def __init__(self, name: str, args: ObserverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = ObserverIntent.of(args)
        super().__init__("Observer", name, known, opts)
        self._name, self._args, self._tags = name, args, args.get("tags", {})
        self.action_group_id = self._told()
        workspace = operationalinsights.Workspace(
            f"{name}-logs",
            resource_group_name=args["resource_group_name"],
            location=args["location"],
            sku={"name": operationalinsights.WorkspaceSkuNameEnum.PER_GB2018},
            retention_in_days=30,
            tags=self._tags,
            opts=self._child(),
        )
        self.web_test_id = self._primary(workspace)
        self._backups(workspace)
        self.register_outputs({"action_group_id": self.action_group_id, "web_test_id": self.web_test_id})

    def _told(self) -> pulumi.Output[str]:
        told = monitor.ActionGroup(
            f"{self._name}-told",
            resource_group_name=self._args["resource_group_name"],
            location="Global",
            group_short_name="twinsite",
            enabled=True,
            email_receivers=[
                {"name": f"email-{at}", "email_address": address, "use_common_alert_schema": True}
                for at, address in enumerate(self._args.get("emails", []), start=1)
            ],
            webhook_receivers=[
                {"name": f"url-{whose}", "service_uri": pulumi.Output.secret(url), "use_common_alert_schema": True}
                for whose, url in self._args.get("urls", {}).items()
            ],
            tags=self._tags,
            opts=self._child(),
        )
        group_id: pulumi.Output[str] = told.id
        return group_id

    def _primary(self, workspace: operationalinsights.Workspace) -> pulumi.Output[str]:
        """The availability test of the primary's page, its alert, and the alert on its silence."""
        group, text = self._args["resource_group_name"], self._args.get("primary_text", "")
        insights = applicationinsights.Component(
            f"{self._name}-insights",
            resource_group_name=group,
            location=self._args["location"],
            kind="web",
            application_type=applicationinsights.ApplicationType.WEB,
            ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
            workspace_resource_id=workspace.id,
            tags=self._tags,
            opts=self._child(),
        )
        test_name = f"{self._name}-primary"
        test = applicationinsights.WebTest(
            test_name,
            web_test_name=test_name,
            resource_group_name=group,
            location=self._args["location"],
            kind=applicationinsights.WebTestKind.STANDARD,
            web_test_kind=applicationinsights.WebTestKind.STANDARD,
            synthetic_monitor_id=test_name,
            enabled=True,
            frequency=TEST_SECONDS,
            timeout=30,
            retry_enabled=True,
            locations=[{"location": place} for place in PLACES],
            request={"request_url": self._args["primary_url"], "http_verb": "GET", "follow_redirects": False},
            validation_rules={
                "expected_http_status_code": 200,
                "s_sl_check": True,
                "s_sl_cert_remaining_lifetime_check": 7,
                **({"content_validation": {"content_match": text, "pass_if_text_found": True}} if text else {}),
            },
            # The portal and the alert find the test's results by this tag.
            tags=insights.id.apply(lambda found: {**self._tags, f"hidden-link:{found}": "Resource"}),
            opts=self._child(),
        )
        monitor.MetricAlert(
            f"{self._name}-primary-down",
            resource_group_name=group,
            location="global",
            description=f"{self._args['primary_url']} fails from {FAILING_PLACES} of {len(PLACES)} places",
            severity=0,
            enabled=True,
            scopes=[test.id, insights.id],
            evaluation_frequency="PT1M",
            window_size="PT5M",
            criteria={
                "odata_type": "Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria",
                "web_test_id": test.id,
                "component_id": insights.id,
                "failed_location_count": FAILING_PLACES,
            },
            actions=[{"action_group_id": self.action_group_id}],
            tags=self._tags,
            opts=self._child(),
        )
        silent = _since(workspace, "primary-silent", test_name=f'"{test_name}"')
        self._log_alert("primary-unseen", "the test of the primary's page says nothing", silent, workspace, "PT15M")
        test_id: pulumi.Output[str] = test.id
        return test_id

    def _backups(self, workspace: operationalinsights.Workspace) -> None:
        """Backups are watched where they land, so that nothing has to run in AWS for it."""
        container = f'"{self._args.get("backup_container", CONTAINER)}"'
        hours = self._args.get("backup_max_age_hours", MAX_AGE_HOURS)
        drop = self._args.get("backup_drop_percent", DROP_PERCENT)
        logged = monitor.DiagnosticSetting(
            f"{self._name}-backup-writes",
            resource_uri=pulumi.Output.concat(self._args["backup_account_id"], "/blobServices/default"),
            logs=[{"category": "StorageWrite", "enabled": True}],
            workspace_id=workspace.id,
            opts=self._child(),
        )
        late = _since(workspace, "backup-late", container=container, max_age=f"{hours}h")
        small = query("backup-small", container=container, drop_percent=str(drop))
        self._log_alert("backup-late", f"no complete backup for {hours} hours", late, workspace, "PT1H", logged)
        what = f"the newest backup is more than {drop} % smaller than the one before"
        self._log_alert("backup-small", what, small, workspace, "PT1H", logged)

    def _log_alert(
        self,
        part: str,
        what: str,
        text: pulumi.Input[str],
        workspace: operationalinsights.Workspace,
        every: str,
        after: pulumi.Resource | None = None,
    ) -> None:
        """Alert when the query has a row. Those on age have one, too, when none came since the workspace was made."""
        monitor.ScheduledQueryRule(
            f"{self._name}-{part}",
            resource_group_name=self._args["resource_group_name"],
            location=self._args["location"],
            kind=monitor.Kind.LOG_ALERT,
            display_name=f"{self._name} {part}",
            description=what,
            severity=1,
            enabled=True,
            scopes=[workspace.id],
            evaluation_frequency=every,
            window_size=every,
            override_query_time_range="P2D",
            skip_query_validation=True,  # a new workspace has no such table yet
            auto_mitigate=True,
            criteria={
                "all_of": [
                    {
                        "query": text,
                        "time_aggregation": monitor.TimeAggregation.COUNT,
                        # Not monitor.ConditionOperator: in this SDK that is another resource's ("gt").
                        "operator": "GreaterThan",
                        "threshold": 0,
                        "failing_periods": {"number_of_evaluation_periods": 1, "min_failing_periods_to_alert": 1},
                    }
                ]
            },
            actions={"action_groups": [self.action_group_id]},
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[after] if after is not None else []),
        )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)


def _since(workspace: operationalinsights.Workspace, name: str, **values: str) -> pulumi.Output[str]:
    """A query that counts the workspace's making as the first datum: nobody is paged for what cannot be there yet."""
    text: pulumi.Output[str] = workspace.created_date.apply(
        lambda made: query(name, since=f'todatetime("{made or ""}")', **values)
    )
    return text
