"""What runs on a node: pods in network namespaces of their own, probes, restarts. Standard library only.

Not here: which pods a node has (..keeper), images (the node's own files stand in for them).
"""
