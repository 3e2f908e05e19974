"""AWS serves, Google Cloud stands by: settings in Pulumi.STACK.yaml, work in twinsite."""

from twinsite.stacks.program import main

main()
