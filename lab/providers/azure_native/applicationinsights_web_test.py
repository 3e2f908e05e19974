"""A test that requests a page from several of Azure's places."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class WebTest(AzureType):
    """Changes in place. The lab requests nothing by it."""

    token = "azure-native:applicationinsights:WebTest"
    path = GROUP + "/providers/Microsoft.Insights/webtests/{webTestName}"
    api = "2022-06-15"
    autoname = generated("webTestName", 260)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        tags = inputs.get("tags")
        hidden = [key for key in tags if str(key).startswith("hidden-link:")] if isinstance(tags, Mapping) else []
        if isinstance(tags, (Mapping, type(None))) and not hidden:
            yield Problem(
                "tags",
                "BadRequest: a web test carries the tag hidden-link:<id of its Application Insights component> = "
                "Resource",
            )
        if inputs.get("frequency") not in (None, 300, 600, 900):
            yield Problem("frequency", f"BadRequest: every 300, 600 or 900 seconds, found {inputs['frequency']}")
