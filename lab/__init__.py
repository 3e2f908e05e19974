"""The cloud in a box: real machines and networks behind stand-ins for the clouds' public seams (DESIGN section 7).

Here: machines, networks, services, provider stand-ins, the operator's desk. Nothing of the product is imported here and
no product file knows that this exists; both are held by tests.
"""
