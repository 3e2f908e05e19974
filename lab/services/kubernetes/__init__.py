"""A Kubernetes cluster as far as the topologies use one: Deployments, their pods, Services, what an Ingress leads to.

Here: rules as they are documented, one file each, and what keeps pods on nodes in step. Not here: jobs and who starts
jobs (../cluster.py), kubectl's words (../kubectl.py), the provider's records (lab/providers/kubernetes), a real
control plane (ADR 62).
"""
