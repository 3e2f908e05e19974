"""Networks that a topology creates. Here: VPC, virtual network, their ways out. Not here: tunnels between sites."""
