"""What an EC2 machine says of itself, told where a gate has failed that cannot see into it."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws


def say_last_words(name: str, place: pulumi.Input[dict[str, str]], parent: pulumi.Resource) -> pulumi.ErrorHook:
    """A hook for a gate: when that fails, the machine's own last words are among the errors of `up`.

    `place` is Ec2Host.status. Nothing is asked unless the gate fails, and nothing is tried again.
    """

    async def say(args: pulumi.ErrorHookArgs) -> bool:
        known: Any = await pulumi.Output.from_input(place).future()
        try:
            found = aws.s3.get_object_output(
                bucket=known["bucket"],
                key=key(known["host"]),
                region=known["region"],
                opts=pulumi.InvokeOutputOptions(parent=parent),
            )
            text = str(await found.body.future())
        except Exception as error:
            pulumi.log.error(unheard(known, str(error)), parent)
        else:
            pulumi.log.error(words(known, text), parent)
        return False

    return pulumi.ErrorHook(name, say)


def key(host: str) -> str:
    """Of the status in the store (guest/agent/aws.py)."""
    return f"status/{host}/status.json"


def words(place: dict[str, str], text: str) -> str:
    """A sentence of the status `text`; that of a former machine is not believed."""
    try:
        said = json.loads(text)
        if said["machine"] != place["machine"]:
            return unheard(place, f"its status is of {said['machine']}, a former machine")
        return f"{place['host']} says ({said['outcome']}, {said['time']}): {said['detail'] or 'nothing'}"
    except (ValueError, KeyError, TypeError):
        return unheard(place, f"its status is unreadable: {text[:300]}")


def unheard(place: dict[str, str], why: str) -> str:
    """A sentence where the machine has said nothing that counts."""
    return (
        f"{place['host']} ({place['machine']}) has not said how it is: {why}. Its console: `aws ec2 get-console-output "
        f"--region {place['region']} --output text --instance-id {place['machine']}`"
    )
