"""A Pulumi program with the topology `pairs` times over, each in a VPC of its own (config `pairs`)."""

import atexit
import dataclasses
import gc

import pulumi

from stacks.onprem_aws import build as onprem_aws
from stacks.settings import Reader

gc.disable()  # as the program itself does (stacks/program.py)
atexit.register(gc.freeze)

config = pulumi.Config()
reader = Reader(config.get)
settings = onprem_aws.read(reader)
reader.finish(f"stack {pulumi.get_stack()}")

for number in range(1, config.require_int("pairs") + 1):
    # The topology's name is the prefix of all its resources' names.
    onprem_aws.NAME = f"pair-{number}"
    onprem_aws.build(
        dataclasses.replace(
            settings,
            connection_name=f"pair-{number}",
            vpc_range=f"10.{number}.0.0/16",
            public_range=f"10.{number}.1.0/24",
            private_range=f"10.{number}.2.0/24",
            gateway_address=f"10.{number}.1.10",
            source_address=f"10.{number}.2.20",
        )
    )
