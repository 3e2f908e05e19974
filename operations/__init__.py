"""The `twinsite` command: what a person does after `pulumi up`.

Here: inventory → facts → plan → steps → journal → evidence → report, over hosts as they are reached in production. Not
here: Pulumi resources (components/), programs that run on the hosts (components/guest/), anything that knows the lab.
"""
