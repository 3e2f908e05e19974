"""Hosts: how a role and its configuration reach a machine, in the cloud or on-prem, and how `pulumi up` waits for it.

Here: GuestStore, Ec2Host, OnPremHost, HostGate, ColdWarmVm. Not here: what a role does (guest/), which hosts a topology
has. Provider SDKs are heavy, so the names below load their module on first use.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .ec2 import Ec2Host, Ec2HostArgs, ec2_followup
    from .gate import GateMode
    from .onprem import (
        Connection,
        Delivery,
        HostGate,
        HostGateArgs,
        OnPremHost,
        OnPremHostArgs,
        onprem_file,
        onprem_followup,
    )
    from .store import GuestStore, GuestStoreArgs

_HOME = {
    "Connection": ".onprem",
    "Delivery": ".onprem",
    "Ec2Host": ".ec2",
    "Ec2HostArgs": ".ec2",
    "GateMode": ".gate",
    "GuestStore": ".store",
    "GuestStoreArgs": ".store",
    "HostGate": ".onprem",
    "HostGateArgs": ".onprem",
    "OnPremHost": ".onprem",
    "OnPremHostArgs": ".onprem",
    "ec2_followup": ".ec2",
    "onprem_file": ".onprem",
    "onprem_followup": ".onprem",
}

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

__getattr__ = lazily(__name__, _HOME)
