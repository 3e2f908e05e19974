"""RTO, RPO and cost before anything exists: figures with their basis, paths of steps, prices, and what each part adds.

Here: pure arithmetic over settings, and the one table of prices (prices.yaml). Not here: what a topology puts together
(its own `estimate.py` in stacks/), looking prices up, measuring (operations/drill, benchmarks/).
"""
