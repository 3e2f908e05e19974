"""Tools of drills that run on the hosts: faults, probes, the acked-write ledger, lock and journal of operations.

Here: stdlib-only programs that the operator starts over SSH as root; each ends by itself when the operator is gone. Not
here: what decides (operations/), what configures a host for good (gateway/, database/).
"""
