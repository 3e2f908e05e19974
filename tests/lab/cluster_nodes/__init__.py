"""What test_cluster_nodes.py runs in pods."""
