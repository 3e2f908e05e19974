"""What the lab only records: it evaluates no alerts and queries, keeps no logs, requests nothing by web tests, deletes
nothing by age, and the names of private zones are its own DNS's."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, block, copied, generated, items
from lab.providers.framework.checks import Problem
from lab.providers.framework.recorded import Rows
from lab.providers.framework.types import Call

_STORE = GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}"
_INSIGHTS = GROUP + "/providers/Microsoft.Insights"
_ZONE = GROUP + "/providers/Microsoft.Network/privateDnsZones/{privateZoneName}"
_COMPARISONS = ("Equals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual")
_SINKS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
_PLACELESS = {"located": False, "provisioned": False}


def _refusing(find: Callable[[Mapping[str, Any]], Iterable[Problem]]) -> dict[str, Any]:
    return {"problems": lambda self, call, inputs: find(inputs)}


def _web_test(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    tags = inputs.get("tags")
    if isinstance(tags, (Mapping, type(None))) and not any(str(key).startswith("hidden-link:") for key in tags or ()):
        yield Problem(
            "tags",
            "BadRequest: a web test carries the tag hidden-link:<id of its Application Insights component> = Resource",
        )
    if inputs.get("frequency") not in (None, 300, 600, 900):
        yield Problem("frequency", f"BadRequest: every 300, 600 or 900 seconds, found {inputs['frequency']}")


def _action_group(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    name = inputs.get("groupShortName")
    if isinstance(name, str) and not 1 <= len(name) <= 12:
        yield Problem("groupShortName", f"'groupShortName' is too long ({len(name)}): at most 12 characters allowed")


def _diagnostic_setting(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    if not any(inputs.get(place) for place in _SINKS):
        yield Problem("workspaceId", "BadRequest: at least one data sink needs to be specified")


def _metric_alert(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    severity, criteria = inputs.get("severity"), inputs.get("criteria")
    if isinstance(severity, int) and not 0 <= severity <= 4:
        yield Problem("severity", f"BadRequest: severity is 0 to 4, found {severity}")
    if isinstance(criteria, Mapping) and not str(criteria.get("odataType", "")).startswith("Microsoft.Azure.Monitor."):
        yield Problem(
            "criteria.odataType",
            "BadRequest: criteria name their kind, for instance "
            "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        )


def _query_rule(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    for at, condition in enumerate(items(block(inputs.get("criteria")).get("allOf"))):
        operator = block(condition).get("operator")
        if isinstance(operator, str) and operator not in _COMPARISONS:
            yield Problem(
                f"criteria.allOf[{at}].operator",
                f"BadRequest: operator is one of {', '.join(_COMPARISONS)}, found {operator}",
            )


def _blob_service(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    yield from _default_only(inputs, "blobServicesName")
    for key in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        policy = block(inputs.get(key))
        days = policy.get("days")
        if policy.get("enabled") is True and (days is None or (isinstance(days, int) and not 1 <= days <= 365)):
            yield Problem(f"{key}.days", f"InvalidXmlNodeValue: 1 to 365 days, found {days}")


def _management_policy(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    yield from _default_only(inputs, "managementPolicyName")
    if block(inputs.get("policy")).get("rules") == []:
        yield Problem("policy.rules", "InvalidRequest: a management policy has at least one rule")


def _default_only(inputs: Mapping[str, Any], key: str) -> Iterable[Problem]:
    """Singletons of an account are called default; without a name the provider would take the resource's own."""
    name = inputs.get(key)
    if isinstance(name, str) and name != "default":
        yield Problem(key, f"'{key}' should be equal to \"default\", found {name!r}: give it")


def _zone_tags(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a private DNS zone and its links keep of their tags: a name with a colon or a space, or that begins with a
    digit, is dropped without an error [Azure/azure-rest-api-specs#11748, azure-resource-manager-schemas#3367]."""
    given = record.get("tags")
    if not isinstance(given, Mapping):
        return None
    return {key: value for key, value in given.items() if not (":" in key or " " in key or key[:1].isdigit())}


def _beside(self: AzureType, call: Call, inputs: Mapping[str, Any]) -> str:
    """The id of what belongs to another resource."""
    about = str(inputs["resourceUri"]).strip("/")
    return f"/{about}/providers/Microsoft.Insights/diagnosticSettings/{inputs['name']}"


ROWS: Rows = {
    "azure-native:applicationinsights:Component": (
        AzureType,
        {
            "path": _INSIGHTS + "/components/{resourceName}",
            "api": "2020-02-02",
            "autoname": generated("resourceName", 260),
            "outputs": {
                "instrumentationKey": "{uuid}",
                "appId": "{uuid}",
                "connectionString": "InstrumentationKey={instrumentationKey};"
                "IngestionEndpoint=https://{location}.in.applicationinsights.azure.com/",
            },
        },
    ),
    "azure-native:applicationinsights:WebTest": (
        AzureType,
        {
            "path": _INSIGHTS + "/webtests/{webTestName}",
            "api": "2022-06-15",
            "autoname": generated("webTestName", 260),
            **_refusing(_web_test),
        },
    ),
    "azure-native:monitor:ActionGroup": (
        AzureType,
        {
            "path": _INSIGHTS + "/actionGroups/{actionGroupName}",
            "api": "2024-10-01-preview",
            "autoname": generated("actionGroupName", 260),
            "provisioned": False,
            **_refusing(_action_group),
        },
    ),
    "azure-native:monitor:DiagnosticSetting": (
        AzureType,
        {
            "path": "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
            "api": "2021-05-01-preview",
            "autoname": generated("name", 260),
            "identify": _beside,
            **_PLACELESS,
            **_refusing(_diagnostic_setting),
        },
    ),
    "azure-native:monitor:MetricAlert": (
        AzureType,
        {
            "path": _INSIGHTS + "/metricAlerts/{ruleName}",
            "api": "2018-03-01",
            "autoname": generated("ruleName", 260),
            "provisioned": False,
            **_refusing(_metric_alert),
        },
    ),
    "azure-native:monitor:ScheduledQueryRule": (
        AzureType,
        {
            "path": _INSIGHTS + "/scheduledQueryRules/{ruleName}",
            "api": "2025-01-01-preview",
            "autoname": generated("ruleName", 260),
            "provisioned": False,
            **_refusing(_query_rule),
        },
    ),
    "azure-native:operationalinsights:Workspace": (
        AzureType,
        {
            "path": GROUP + "/providers/Microsoft.OperationalInsights/workspaces/{workspaceName}",
            "api": "2023-09-01",
            "autoname": generated("workspaceName", 63),
            "outputs": {"customerId": "{uuid}", "createdDate": "{now}"},
        },
    ),
    "azure-native:privatedns:PrivateZone": (
        AzureType,
        {
            "path": _ZONE,
            "api": "2024-06-01",
            "autoname": generated("privateZoneName", 253),
            "located": False,
            "outputs": {
                "location": "global",
                "numberOfRecordSets": 1,
                "maxNumberOfRecordSets": 25000,
                "tags": _zone_tags,
            },
        },
    ),
    "azure-native:privatedns:VirtualNetworkLink": (
        AzureType,
        {
            "path": _ZONE + "/virtualNetworkLinks/{virtualNetworkLinkName}",
            "api": "2024-06-01",
            "autoname": copied("virtualNetworkLinkName", 80),
            "located": False,
            "outputs": {"location": "global", "virtualNetworkLinkState": "Completed", "tags": _zone_tags},
        },
    ),
    "azure-native:storage:BlobServiceProperties": (
        AzureType,
        {
            "path": _STORE + "/blobServices/{blobServicesName}",
            "api": "2024-01-01",
            "autoname": copied("blobServicesName", 80),
            **_PLACELESS,
            **_refusing(_blob_service),
        },
    ),
    "azure-native:storage:ManagementPolicy": (
        AzureType,
        {
            "path": _STORE + "/managementPolicies/{managementPolicyName}",
            "api": "2024-01-01",
            "autoname": copied("managementPolicyName", 80),
            **_PLACELESS,
            **_refusing(_management_policy),
        },
    ),
}
