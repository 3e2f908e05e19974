"""Benchmarks: figures the product promises, each measured beside what it is compared to, in the same run.

Here: one module a benchmark, the table of them (registry.py), how figures are judged and shown. Programs that a
benchmark runs and nothing imports are in programs/ (for Pulumi), guest/ (on a host) and probe/ (counts imports). Not
here: tests (nothing here asserts), anything of the product or the lab; both are driven by the commands that a person
would type.
"""
