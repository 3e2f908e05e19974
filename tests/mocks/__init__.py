"""Tests that run components against Pulumi's mock monitor: counts, inputs, options, secrets, refusals.

Here: harness.py (the recording monitor) and one module a component. Not here: what only the real engine shows
(replacement, protection, no-change previews; tests/engine) or what only machines show (tests/lab).
"""
