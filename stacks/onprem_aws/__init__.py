"""On-prem and one AWS region: a tunnel, and a MySQL replica that lives through its cuts."""
