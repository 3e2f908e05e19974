"""Hosts: how a role and its configuration reach a machine, in the cloud or on-prem, and how `pulumi up` waits for it.

Here: GuestStore, Ec2Host, OnPremHost, HostGate, ColdWarmVm. Not here: what a role does (guest/), which hosts a topology
has.
"""
