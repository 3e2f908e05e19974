"""Stand-ins for Pulumi providers: what the real engine starts instead of the clouds' plugins.

Here: one folder a package (aws, kubernetes, random, …), one file a resource type, and `framework` for what they share.
Not here: what records become (lab/box, lab/services), anything of the product.

To add a resource type, add one file, named after the token (aws:ec2/routeTable:RouteTable → aws/ec2_route_table.py):

    class RouteTable(AwsType):
        token = "aws:ec2/routeTable:RouteTable"
        replaces = frozenset({"vpcId"})                 # ForceNew in the real provider's documentation
        updates = frozenset({"routes"})                 # what it changes in place
        prefix = "rtb"                                  # of ids
        live = False                                    # recorded only: `up` then says "recorded, not run"

Inputs, required inputs, types and the names of outputs come from the SDK's class. A changed property in neither set is
refused, never guessed. `create`, `read`, `update`, `delete` and the other attributes are in framework/types.py.

A function (azure-native:authorization:getClientToken) is a file with `answer(arguments, box)`, which gives its result.
"""

from pathlib import Path

PACKAGES = ("aws", "azure_native", "command", "kubernetes", "random", "tls")


def tokens(package: str) -> list[str]:
    """Tokens of all types that have a file, read from the text: importing them all would cost what being lazy saves."""
    import re

    found = []
    for file in sorted((Path(__file__).parent / package).glob("*.py")):
        found += re.findall(r'^    token(?:: [^=]+)? = "([^"]+)"', file.read_text(), re.MULTILINE)
    return found
