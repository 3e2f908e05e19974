"""Stand-ins for Pulumi providers: what the real engine starts instead of the clouds' plugins.

Here: one folder a package (aws, kubernetes, random, …), one file a resource type, `framework` for what they share, and
`facts`: what the providers' own sources say.
Not here: what records become (lab/box, lab/services), anything of the product.

To add a resource type of aws, azure-native, cloudflare or gcp: read its source, write down its facts (facts/README.md),
and add one file, named after the token (aws:ec2/routeTable:RouteTable → aws/ec2_route_table.py), with what happens:

    class RouteTable(AwsType):
        token = "aws:ec2/routeTable:RouteTable"
        prefix = "rtb"                                  # of ids

Which changes replace, what has a default, what conflicts, what is required: the facts say it. Inputs, their types and
the names of outputs come from the SDK's class. A change that neither says anything of is refused, never guessed.
`create`, `read`, `update`, `delete` and the other attributes are in framework/types.py. A type of the other packages
has no facts: its `replaces`, `updates`, `defaults` say the same.

A type of which nothing acts in the lab needs no file: a row of its package's `recorded.py`.

A function (azure-native:authorization:getClientToken) is a file with `answer(arguments, box)`, which gives its result.
"""

from pathlib import Path

PACKAGES = ("aws", "azure_native", "cloudflare", "command", "gcp", "kubernetes", "random", "tls")


def tokens(package: str) -> list[str]:
    """Tokens of all types that have a file or a row, read from the text: importing them all would cost what being lazy
    saves."""
    import re

    found = []
    for file in sorted((Path(__file__).parent / package).glob("*.py")):
        form = r'^    "([\w-]+:[\w/]+:\w+)": ' if file.name == "recorded.py" else r'^    token(?:: [^=]+)? = "([^"]+)"'
        found += re.findall(form, file.read_text(), re.MULTILINE)
    return found
