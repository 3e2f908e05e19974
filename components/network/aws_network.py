"""A VPC with one public and one private subnet."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..rules.aws_network import AwsNetworkIntent


class AwsNetworkArgs(TypedDict):
    """Arguments of AwsNetwork."""

    region: str
    """For instance ap-northeast-2."""

    availability_zone: NotRequired[str]
    """Of both subnets, for instance ap-northeast-2a. Defaults to "": EC2 chooses one of the account's, for life."""

    vpc_range: str
    """CIDR of the VPC."""

    public_range: str
    """CIDR of the subnet with a route to the internet gateway."""

    private_range: str
    """CIDR of the subnet without one; its way out is up to the topology."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class AwsNetwork(Component):
    """VPC, internet gateway, a public and a private subnet with a route table each, and a free S3 endpoint.

    The same in every mode.
    """

    vpc_id: pulumi.Output[str]
    availability_zone: pulumi.Output[str]
    """Of both subnets."""
    public_subnet_id: pulumi.Output[str]
    private_subnet_id: pulumi.Output[str]
    public_route_table_id: pulumi.Output[str]
    private_route_table_id: pulumi.Output[str]

    def __init__(self, name: str, args: AwsNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("AwsNetwork", name, AwsNetworkIntent.of(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        region, tags = args["region"], args.get("tags", {})

        def named(part: str) -> dict[str, str]:
            return {**tags, "Name": f"{name}-{part}"}

        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args["vpc_range"],
            enable_dns_hostnames=True,
            region=region,
            tags=named("vpc"),
            opts=child,
        )
        internet = aws.ec2.InternetGateway(
            f"{name}-internet", vpc_id=vpc.id, region=region, tags=named("internet"), opts=child
        )
        subnets: dict[str, aws.ec2.Subnet] = {}
        tables: dict[str, aws.ec2.RouteTable] = {}
        zone: pulumi.Input[str] | None = args.get("availability_zone") or None
        for part, cidr in {"public": args["public_range"], "private": args["private_range"]}.items():
            subnets[part] = aws.ec2.Subnet(
                f"{name}-{part}",
                vpc_id=vpc.id,
                cidr_block=cidr,
                availability_zone=zone,
                map_public_ip_on_launch=False,
                region=region,
                tags=named(part),
                opts=child,
            )
            zone = subnets[part].availability_zone  # the other one's, too
            tables[part] = aws.ec2.RouteTable(
                f"{name}-{part}", vpc_id=vpc.id, region=region, tags=named(part), opts=child
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-{part}", subnet_id=subnets[part].id, route_table_id=tables[part].id, region=region, opts=child
            )
        way_out = aws.ec2.Route(
            f"{name}-internet",
            route_table_id=tables["public"].id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=internet.id,
            region=region,
            opts=child,
        )
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            # In China, too; what begins with cn.com.amazonaws there are interface endpoints.
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[tables["public"].id, tables["private"].id],
            region=region,
            tags=named("s3"),
            opts=child,
        )
        self.vpc_id = vpc.id
        # Whoever uses the public subnet waits for its way out: AWS refuses an elastic address before that.
        ready = pulumi.Output.all(subnets["public"].id, way_out.id)
        self.public_subnet_id = ready.apply(lambda known: str(known[0]))
        self.private_subnet_id = subnets["private"].id
        self.availability_zone = subnets["private"].availability_zone
        self.public_route_table_id, self.private_route_table_id = tables["public"].id, tables["private"].id
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "availability_zone": self.availability_zone,
                "public_subnet_id": self.public_subnet_id,
                "private_subnet_id": self.private_subnet_id,
                "public_route_table_id": self.public_route_table_id,
                "private_route_table_id": self.private_route_table_id,
            }
        )
