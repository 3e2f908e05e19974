"""An EC2 machine that is told what to be by documents in the store, and changes in place."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_tls as tls

from ..component import Component
from ..handle import Given, handle_of
from ..partition import partition
from ..protection import grow_only, keep_while_active
from ..rules.hosts import Ec2HostIntent
from . import documents
from .guest_store import GuestStoreHandle
from .offers import offered

OPERATOR = "twinsite"
"""Login that operators get on machines that twinsite creates."""


class Ec2HostArgs(TypedDict):
    """Arguments of Ec2Host."""

    host: str
    """Name in the inventory, for instance aws-gateway."""

    role: str
    """Guest role: gateway or database."""

    config: pulumi.Input[dict[str, Any]]
    """The role's configuration; nothing secret."""

    secrets: pulumi.Input[dict[str, Any]]
    """The role's secrets; they travel through Secrets Manager only."""

    ami: str
    """Pinned image id of a Debian or Ubuntu with systemd and cloud-init."""

    instance_type: str
    """For instance t3.small."""

    availability_zone: pulumi.Input[str]
    """Where the subnet is and the data volume will be; EC2 is asked whether it has the instance type there."""

    subnet_id: pulumi.Input[str]
    """Subnet of the network interface."""

    private_address: str
    """Fixed IPv4 address inside the subnet."""

    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Security groups of the network interface."""

    store: Given[GuestStoreHandle]
    """Where the machine finds its documents."""

    operator_keys: list[str]
    """SSH public keys of the people who may log in as `twinsite`."""

    forwards: NotRequired[bool]
    """Turns the source/destination check off, for a gateway. Defaults to False."""

    followup: NotRequired[bool]
    """Whether ec2_followup tells it more later; the machine looks for it only then. Defaults to False."""

    data_volume_gib: NotRequired[int]
    """Adds an encrypted data volume that outlives the machine. No configuration change then replaces the machine. A
    larger size grows volume and file system in place; a smaller one is refused."""

    generation: NotRequired[int]
    """For a machine with a data volume: raise it to have the machine replaced by one with the image and the bootstrap
    of now, on the same volume. Never go back to a number that was used. Defaults to 1."""

    site_is_active: NotRequired[bool]
    """True while this site serves: deleting the data volume is then refused, also in preview. Defaults to False."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Ec2Host(Component):
    """One EC2 machine: interface, instance, role, secret, desired document, recovery alarm; optionally a data volume.

    User data only bootstraps. A changed role configuration and changed programs, the agent's included, arrive in place
    within seconds (ADR 26); only another image replaces the machine, and on a machine with a data volume only a raised
    `generation` does (ADR 13).
    """

    instance_id: pulumi.Output[str]
    interface_id: pulumi.Output[str]
    private_address: str
    host_key: pulumi.Output[str]
    """SSH host key, `ssh-ed25519 …`."""
    digest: pulumi.Output[str]
    """Changes when anything that the host is told changes."""
    data_volume_id: pulumi.Output[str | None]
    status: pulumi.Output[dict[str, str]]
    """Where its last verdict is, for a gate elsewhere: {"host", "bucket", "region", "machine"}."""

    def __init__(self, name: str, args: Ec2HostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        store, host = handle_of(args["store"]), args["host"]
        known = Ec2HostIntent.of({**args, "store_roles": store["payload_keys"]})
        super().__init__("Ec2Host", name, known, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = {**args.get("tags", {}), "Name": host}
        region = store["region"]

        key = tls.PrivateKey(f"{name}-ssh", algorithm="ED25519", opts=child)
        secret = aws.secretsmanager.Secret(
            f"{name}-secret", recovery_window_in_days=7, region=region, tags=tags, opts=child
        )
        told: pulumi.Output[str] = pulumi.Output.all(role=args["secrets"], ssh_host_key=key.private_key_openssh).apply(
            documents.canonical
        )
        secret_text: pulumi.Output[str] = pulumi.Output.secret(told)
        value = aws.secretsmanager.SecretVersion(
            f"{name}-secret",
            secret_id=secret.id,
            region=region,
            secret_string=secret_text,
            opts=child,
        )
        profile = self._identity(name, args, secret.arn, tags)
        desired = pulumi.Output.all(
            config=args["config"],
            arn=secret.arn,
            version=value.version_id,
            volume=self._volume(name, args, tags, region),
            # The document is written once what it names is there.
            payload_key=store["payload_keys"][args["role"]],
        ).apply(lambda known: _desired(args, known))
        document = aws.s3.BucketObjectv2(
            f"{name}-desired",
            bucket=store["bucket"],
            region=region,
            key=f"hosts/{host}/desired.json",
            content=desired,
            content_type="application/json",
            opts=child,
        )
        interface = aws.ec2.NetworkInterface(
            f"{name}-interface",
            subnet_id=args["subnet_id"],
            private_ips=[args["private_address"]],
            security_groups=args["security_group_ids"],
            source_dest_check=not args.get("forwards", False),
            region=region,
            tags=tags,
            opts=child,
        )
        keeps, generation = "data_volume_gib" in args, args.get("generation", 1)
        ami, user_data = self._bootstrap(name, args, generation)
        as_first_made = keeps and generation == 1
        instance = aws.ec2.Instance(
            f"{name}-instance",
            ami=ami,
            instance_type=args["instance_type"],
            primary_network_interface={"network_interface_id": interface.id},
            iam_instance_profile=profile.name,
            user_data=user_data,
            user_data_replace_on_change=not as_first_made,
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            root_block_device={"encrypted": True, "volume_type": "gp3"},
            region=region,
            tags=tags,
            # One interface carries the address, so the old machine lets go of it before the new one takes it.
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=True,
                depends_on=[document],
                hooks=offered(f"{name}-instance", self, region, args["availability_zone"]),
                # The interface says it, and the provider lets no program say it here as well. Yet it compares its own
                # default, true, with what the interface has, and the next `up` would switch a gateway's check on again
                # (terraform-provider-aws#44768).
                ignore_changes=["sourceDestCheck", *(["ami", "userData"] if as_first_made else [])],
            ),
        )
        if self._volume_resource is not None:
            aws.ec2.VolumeAttachment(
                f"{name}-data",
                device_name="/dev/sdf",
                volume_id=self._volume_resource.id,
                instance_id=instance.id,
                region=region,
                # Stopping first lets the guest unmount; a forced detach of a mounted volume loses what is in flight.
                stop_instance_before_detaching=True,
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self._recovery_alarm(name, region, instance, tags)
        self.instance_id = instance.id
        self.status = pulumi.Output.all(store["bucket"], instance.id).apply(
            lambda known: {"host": host, "bucket": str(known[0]), "region": region, "machine": str(known[1])}
        )
        self.interface_id = interface.id
        self.private_address = args["private_address"]
        self.host_key = key.public_key_openssh.apply(lambda line: line.strip())
        self.digest = desired.apply(lambda text: documents.digest(json.loads(text)))
        self.register_outputs(
            {
                "instance_id": self.instance_id,
                "interface_id": self.interface_id,
                "private_address": self.private_address,
                "host_key": self.host_key,
                "digest": self.digest,
                "data_volume_id": self.data_volume_id,
                "status": self.status,
            }
        )

    def _bootstrap(self, name: str, args: Ec2HostArgs, generation: int) -> tuple[pulumi.Input[str], pulumi.Output[str]]:
        """Image and user data. The bootstrap in it is of the day on which the machine's image was chosen; with a data
        volume both are of the day on which its generation was raised.

        `ignore_changes` alone could not rebuild: the engine holds ignored inputs at their old values also when it
        replaces. A Stash keeps the first value that it was given, and another image or generation is another Stash.
        """
        store, host = handle_of(args["store"]), args["host"]
        bootstrap: pulumi.Input[str] = documents.bootstrap()
        if "data_volume_gib" not in args:
            bootstrap = pulumi.Stash(f"{name}-bootstrap-{args['ami']}", input=bootstrap, opts=_kept(self)).output
        user_data: pulumi.Output[str] = pulumi.Output.all(store["bucket"], bootstrap).apply(
            lambda known: documents.user_data(known[1], known[0], store["region"], host, generation)
        )
        if "data_volume_gib" not in args or generation == 1:
            return args["ami"], user_data
        kept = pulumi.Stash(
            f"{name}-bootstrap-{generation}",
            input={"ami": args["ami"], "user_data": user_data},
            opts=_kept(self),
        )
        return kept.output.apply(lambda known: str(known["ami"])), kept.output.apply(
            lambda known: str(known["user_data"])
        )

    def _identity(
        self, name: str, args: Ec2HostArgs, secret_arn: pulumi.Output[str], tags: dict[str, str]
    ) -> aws.iam.InstanceProfile:
        """Reads its own documents and its own secret, writes its own status; nothing else."""
        child = pulumi.ResourceOptions(parent=self)
        store = handle_of(args["store"])
        region = partition(store["region"])
        trust = [_allow("sts:AssumeRole", None, f"ec2.{region.dns_suffix}")]
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=documents.canonical(_statements(trust)),
            tags=tags,
            opts=child,
        )
        aws.iam.RolePolicy(
            f"{name}-role",
            role=role.name,
            policy=pulumi.Output.all(bucket=store["bucket"], secret=secret_arn).apply(
                lambda known: documents.canonical(
                    _statements(
                        [
                            _allow(
                                "s3:GetObject",
                                [
                                    f"arn:{region.name}:s3:::{known['bucket']}/payload/*",
                                    f"arn:{region.name}:s3:::{known['bucket']}/hosts/{args['host']}/*",
                                ],
                            ),
                            _allow(
                                "s3:PutObject",
                                [
                                    f"arn:{region.name}:s3:::{known['bucket']}/status/{args['host']}/status.json",
                                    # Of an agent of a former version, on a machine that no change replaces.
                                    f"arn:{region.name}:s3:::{known['bucket']}/hosts/{args['host']}/status.json",
                                ],
                            ),
                            _allow("secretsmanager:GetSecretValue", [known["secret"]]),
                        ]
                    )
                )
            ),
            opts=child,
        )
        return aws.iam.InstanceProfile(f"{name}-role", role=role.name, tags=tags, opts=child)

    def _volume(self, name: str, args: Ec2HostArgs, tags: dict[str, str], region: str) -> pulumi.Output[str | None]:
        self._volume_resource: aws.ebs.Volume | None = None
        if "data_volume_gib" in args:
            self._volume_resource = aws.ebs.Volume(
                f"{name}-data",
                availability_zone=args["availability_zone"],
                size=args["data_volume_gib"],
                type="gp3",
                encrypted=True,
                # Acts from the state: only a volume that an `up` with this line has seen leaves a snapshot.
                final_snapshot=True,
                region=region,
                tags=tags,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    hooks=pulumi.ResourceHookBinding(
                        before_delete=keep_while_active(
                            f"{name}-data", args["host"], args.get("site_is_active", False)
                        ).before_delete,
                        before_update=[
                            grow_only(f"{name}-data", f"the data volume of {args['host']}", "data_volume_gib", ["size"])
                        ],
                    ),
                ),
            )
            self.data_volume_id = self._volume_resource.id.apply(lambda found: found)
        else:
            self.data_volume_id = pulumi.Output.from_input(None)
        return self.data_volume_id

    def _recovery_alarm(self, name: str, region: str, instance: aws.ec2.Instance, tags: dict[str, str]) -> None:
        """Moves the machine to other hardware, with its addresses and volumes, when its host fails."""
        aws.cloudwatch.MetricAlarm(
            f"{name}-recover",
            alarm_description=f"Recovers {tags['Name']} when its host fails",
            namespace="AWS/EC2",
            metric_name="StatusCheckFailed_System",
            dimensions={"InstanceId": instance.id},
            statistic="Maximum",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            period=60,
            evaluation_periods=2,
            # Recovery needs the metric itself; absent data would recover a machine that was stopped on purpose.
            treat_missing_data="missing",
            alarm_actions=[f"arn:{partition(region).name}:automate:{region}:ec2:recover"],
            region=region,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def ec2_followup(
    name: str, store: Given[GuestStoreHandle], host: str, config: dict[str, Any], opts: pulumi.ResourceOptions
) -> aws.s3.BucketObjectv2:
    """What a host with `followup` is told only after something else is true: overlays keys of its role's
    configuration."""
    place = handle_of(store)
    return aws.s3.BucketObjectv2(
        f"{name}-followup",
        bucket=place["bucket"],
        region=place["region"],
        key=f"hosts/{host}/followup.json",
        content=pulumi.Output.from_input(config).apply(documents.canonical),
        content_type="application/json",
        opts=opts,
    )


def _desired(args: Ec2HostArgs, known: dict[str, Any]) -> str:
    config = dict(known["config"])
    if known["volume"] is not None:
        config |= {"data_device": known["volume"], "data_gib": args["data_volume_gib"]}
    document = documents.desired(
        args["role"], config, {"user": OPERATOR, "keys": args["operator_keys"]} if args["operator_keys"] else None
    )
    secret = {"arn": known["arn"], "version": known["version"]}
    places = {
        "payload_key": known["payload_key"],
        "secret": secret,
        "followup": args.get("followup", False),
    }
    return documents.canonical({**document, **places})


def _kept(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """For a Stash, whose output stays in any case: without this a preview says that it is updated."""
    return pulumi.ResourceOptions(parent=parent, ignore_changes=["input"])


def _allow(action: str, resources: list[str] | None, service: str = "") -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action}
    if service:
        statement["Principal"] = {"Service": service}
    if resources is not None:
        statement["Resource"] = resources
    return statement


def _statements(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
