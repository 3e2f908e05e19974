"""Machines whose metadata service answers without a token."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each


def problems(one: Resource) -> Iterator[str]:
    if one.get("metadataOptions.httpEndpoint") == "disabled":
        return
    tokens = one.get("metadataOptions.httpTokens")
    if tokens is None and one.given("launchTemplate"):
        return  # it is as the template says: inherited-unseen sees whether that is there to be judged
    if tokens != "required":
        yield (
            f"metadataOptions.httpTokens is {tokens or 'not given'}, so version 1 of the metadata service may answer, "
            "and one request forged through the application takes the machine's role: set httpTokens to required"
        )


POLICY = each(
    "metadata-service-v1",
    Severity.HIGH,
    "Machines ask for their role's credentials with a token only (EC2 user guide, IMDSv2; Security Hub EC2.8).",
    {"aws:ec2/instance:Instance": problems, "aws:ec2/launchTemplate:LaunchTemplate": problems},
)
