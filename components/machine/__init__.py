"""Hosts: how a role and its configuration reach a machine, in the cloud or on-prem, and how `pulumi up` waits for it.

Here: GuestStore, Ec2Host, OnPremHost, HostGate. Not here: what a role does (guest/), which hosts a topology has.
"""

from .ec2 import Ec2Host, Ec2HostArgs, ec2_followup
from .onprem import (
    Connection,
    Delivery,
    GateMode,
    HostGate,
    HostGateArgs,
    OnPremHost,
    OnPremHostArgs,
    onprem_file,
    onprem_followup,
)
from .store import GuestStore, GuestStoreArgs

__all__ = [
    "Connection",
    "Delivery",
    "Ec2Host",
    "Ec2HostArgs",
    "GateMode",
    "GuestStore",
    "GuestStoreArgs",
    "HostGate",
    "HostGateArgs",
    "OnPremHost",
    "OnPremHostArgs",
    "ec2_followup",
    "onprem_file",
    "onprem_followup",
]
