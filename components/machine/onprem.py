"""An existing host on-prem: its role applied over SSH, or handed over to its owners as one archive."""

import shlex
from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_command import remote

from ..payload import guest_file
from . import documents
from .gate import GateMode


class Connection(TypedDict):
    """How to reach a host by SSH."""

    host: pulumi.Input[str]
    port: NotRequired[pulumi.Input[int]]
    """Defaults to 22."""
    user: NotRequired[pulumi.Input[str]]
    """Needs sudo without a password. Defaults to ubuntu."""
    private_key: pulumi.Input[str]
    """OpenSSH or PEM text; always kept secret."""
    host_key: NotRequired[pulumi.Input[str]]
    """`ssh-ed25519 …`; verified when given. Without it the first host that answers is believed."""


class Delivery(str, Enum):
    """How the on-prem end is set up."""

    SSH = "ssh"
    """By `pulumi up`, over SSH."""
    BUNDLE = "bundle"
    """By the host's owners, from the stack output `onprem_bundle`."""


def connection_args(connection: Connection) -> remote.ConnectionArgs:
    """The command provider's form; the key is secret whatever the caller passed."""
    host_key = connection.get("host_key")
    return remote.ConnectionArgs(
        host=connection["host"],
        port=connection.get("port", 22),
        user=connection.get("user", "ubuntu"),
        private_key=pulumi.Output.secret(connection["private_key"]),
        host_key=host_key,
        dial_error_limit=20,
        per_dial_timeout=10,
    )


class OnPremHostArgs(TypedDict):
    """Arguments of OnPremHost."""

    host: str
    """Name in the inventory, for instance onprem-gateway."""

    role: str
    """Guest role: gateway or database."""

    config: pulumi.Input[dict[str, Any]]
    """The role's configuration; nothing secret."""

    secrets: pulumi.Input[dict[str, Any]]
    """The role's secrets; they travel on standard input or inside the secret bundle only."""

    delivery: Delivery
    """By SSH, or as a bundle."""

    connection: Connection | None
    """Needed for delivery by SSH."""


class OnPremHost(pulumi.ComponentResource):
    """A role on an existing host. Other things on the host are left alone; deleting this undoes the role."""

    digest: pulumi.Output[str]
    """Changes when anything that the host is told changes."""

    bundle: pulumi.Output[str | None]
    """Base64 of the archive to hand over (secret); None with delivery by SSH."""

    def __init__(self, name: str, args: OnPremHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        role, connection = args["role"], args["connection"]
        super().__init__("twinsite:index:OnPremHost", name, {"host": args["host"], "role": role}, opts)
        told = pulumi.Output.all(config=args["config"], secrets=args["secrets"])
        packed: pulumi.Output[str] = told.apply(lambda known: documents.bundle(role, known["config"], known["secrets"]))
        archive: pulumi.Output[str] = pulumi.Output.secret(packed)
        # Of the configuration only, unsecreted: a digest of the archive would also be one of the secrets.
        self.digest = pulumi.Output.from_input(args["config"]).apply(
            lambda config: documents.digest(documents.desired(role, config, None))
        )
        if args["delivery"] == Delivery.SSH and connection is not None:
            self.bundle = pulumi.Output.from_input(None)
            remote.Command(
                f"{name}-apply",
                connection=connection_args(connection),
                create=guest_file("agent/over-ssh.sh"),
                delete=f"sudo python3 /opt/twinsite/current/agent/install.py remove {role}",
                stdin=archive,
                logging=remote.Logging.STDERR,
                opts=pulumi.ResourceOptions(parent=self),
            )
        else:
            self.bundle = archive.apply(lambda text: text)
        self.register_outputs({"digest": self.digest, "bundle": self.bundle})


def onprem_followup(
    name: str, connection: Connection, role: str, config: dict[str, Any], opts: pulumi.ResourceOptions
) -> remote.Command:
    """What a host is told only after something else is true: overlays keys of its role's configuration."""
    return remote.Command(
        f"{name}-followup",
        connection=connection_args(connection),
        create=f"sudo python3 /opt/twinsite/current/agent/install.py followup {role}",
        stdin=documents.canonical(config),
        opts=opts,
    )


def put_command(path: str) -> str:
    """Shell that makes its standard input this file."""
    return guest_file("agent/put.sh").replace("${path}", shlex.quote(path))


def onprem_file(name: str, connection: Connection, path: str, content: pulumi.Input[str]) -> remote.Command:
    """One file on an existing host, readable by everyone there; removed again with this. Not for secrets."""
    return remote.Command(
        f"{name}-file",
        connection=connection_args(connection),
        create=put_command(path),
        delete=f"sudo rm -f {shlex.quote(path)}",
        stdin=content,
    )


class HostGateArgs(TypedDict):
    """Arguments of HostGate."""

    connection: Connection | None
    """The place that can see the real thing; None only with GateMode.HANDOVER."""

    role: str
    """Role whose gate runs there."""

    options: NotRequired[pulumi.Input[str] | None]
    """More command-line options of the role's gate."""

    triggers: list[pulumi.Input[Any]]
    """The gate runs again when one of these changes: machine ids, configuration digests."""

    mode: GateMode
    """Wait, or hand over."""

    timeout_seconds: NotRequired[int]
    """Defaults to 300."""


class HostGate(pulumi.ComponentResource):
    """Makes `pulumi up` wait for the real thing, observed on a host, and fail with the software's own words."""

    passed: pulumi.Output[str]
    """What the gate saw. Whatever must come after the real thing depends on this."""

    def __init__(self, name: str, args: HostGateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twinsite:index:HostGate", name, {"role": args["role"], "mode": args["mode"].value}, opts)
        connection = args["connection"]
        if args["mode"] == GateMode.WAIT and connection is not None:
            timeout = args.get("timeout_seconds", 300)
            command: pulumi.Input[str] = f"sudo /usr/local/sbin/twinsite-guest {args['role']} gate --timeout {timeout}"
            options = args.get("options")
            if options is not None:
                command = pulumi.Output.format("{} {}", command, options)
            gate = remote.Command(
                f"{name}-gate",
                connection=connection_args(connection),
                create=command,
                triggers=args["triggers"],
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.passed = gate.stdout
        else:
            pulumi.log.warn(
                f"{name}: handed over, not verified by this `up`; `twinsite status` shows when it works", self
            )
            self.passed = pulumi.Output.from_input("handed over, not verified by this up")
        self.register_outputs({"passed": self.passed})
