"""What machines talk to besides each other: names, metadata, the AWS APIs; and the lab's certificate authority.

Here: servers on real host names and addresses, and the checks that AWS does in front of them (signatures, IAM).
Not here: machines and networks (lab/box), provider stand-ins (lab/providers), anything that knows the product.
"""
