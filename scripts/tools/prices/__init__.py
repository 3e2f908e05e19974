"""`./scripts/prices`: the committed table of prices, renewed from the clouds' public price lists.

Here: where each thing is in a list (lookups.yaml), reading the lists (aws.py, azure.py, gcp.py), writing the table
(renew.py). Not here: computing with prices (components/estimate).
"""
