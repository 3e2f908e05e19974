"""MySQL on EC2, its live replica on-prem, a tunnel between the two: settings in Pulumi.STACK.yaml, work in twinsite."""

from twinsite.stacks.program import main

main()
