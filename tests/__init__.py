"""All tests: unit, property, mocks, engine (real Pulumi, recorded only), lab (real machines). STYLE section 5.

Here: tests and their helpers. Not here: benchmarks, anything that a product file imports.
"""
