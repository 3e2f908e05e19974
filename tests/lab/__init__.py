"""Tests on the whole box: real machines, networks and services. They need root and systemd-nspawn.

Here: what only machines can show. Not here: what a fake or the real engine alone can show (tests/unit, tests/engine).
"""
