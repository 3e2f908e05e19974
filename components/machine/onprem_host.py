"""An existing host on-prem: its role applied over SSH, or handed over to its owners as one archive."""

import shlex
from collections.abc import Mapping
from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_command import remote

from .. import inventory
from ..component import Component
from ..payload import guest_file
from ..rules.hosts import HostGateIntent, OnPremHostIntent
from . import documents
from .gate import GATE_SECONDS, GateMode
from .status import say_last_words

_INSTALLER = "/opt/twinsite/current/agent/install.py"


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


def login(connection: Connection | None) -> dict[str, pulumi.Input[Any]]:
    """How to log in, without the key; for the inventory. Empty where the stack has no login."""
    if connection is None:
        return {}
    return {
        "address": connection["host"],
        "user": connection.get("user", "ubuntu"),
        "host_key": connection.get("host_key", ""),
        "port": connection.get("port", 22),
    }


def onprem_entry(
    name: str, address: str, role: str, known: Mapping[str, Any], bundle: str, again: str
) -> inventory.Host:
    """The host for the inventory. `known` is what `login` gave; `again`, the resource that delivers anew, is of no use
    with a bundle."""
    way = inventory.Ssh(
        known.get("address", address), known.get("user", ""), known.get("host_key", ""), int(known.get("port", 22))
    )
    return inventory.Host(name, "onprem", address, (role,), way, bundle=bundle, again="" if bundle else again)


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

    delivery: NotRequired[Delivery]
    """By SSH, or as a bundle. Defaults to SSH."""

    connection: NotRequired[Connection | None]
    """Needed for delivery by SSH."""

    gone: NotRequired[bool]
    """The host exists no more: what deletes this then leaves it alone, and does not fail on it. Defaults to False."""


class OnPremHost(Component):
    """A role on an existing host. Other things on the host are left alone; deleting this undoes the role.

    `pulumi up --replace '**::NAME-apply'` brings everything to a host that was built anew.
    """

    digest: pulumi.Output[str]
    """Changes when anything that the host is told changes."""

    delivered: pulumi.Output[str]
    """Changes when it was brought there anew although nothing has changed; empty with a bundle. What has looked at the
    host or told it more looks and tells again."""

    bundle: pulumi.Output[str | None]
    """Base64 of the archive to hand over (secret); None with delivery by SSH."""

    def __init__(self, name: str, args: OnPremHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = OnPremHostIntent.of(args)
        super().__init__("OnPremHost", name, known, opts)
        role, connection = args["role"], args.get("connection")
        told = pulumi.Output.all(config=args["config"], secrets=args["secrets"])
        packed: pulumi.Output[str] = told.apply(lambda known: documents.bundle(role, known["config"], known["secrets"]))
        archive: pulumi.Output[str] = pulumi.Output.secret(packed)
        # Of the configuration only, unsecreted: a digest of the archive would also be one of the secrets.
        self.digest = pulumi.Output.from_input(args["config"]).apply(
            lambda config: documents.digest(documents.desired(role, config, None))
        )
        if known.delivery == Delivery.SSH and connection is not None:
            self.bundle = pulumi.Output.from_input(None)
            self.delivered = _brought(
                f"{name}-apply",
                f"{name}-undo",
                connection,
                create=guest_file("agent/over-ssh.sh"),
                undo=undo_command(role),
                stdin=archive,
                gone=known.gone,
                parent=self,
            )
        else:
            self.bundle = archive.apply(lambda text: text)
            self.delivered = pulumi.Output.from_input("")
        self.register_outputs({"digest": self.digest, "bundle": self.bundle, "delivered": self.delivered})


def _brought(
    name: str,
    undo_name: str,
    connection: Connection,
    create: pulumi.Input[str],
    undo: str,
    stdin: pulumi.Input[str],
    gone: bool,
    parent: pulumi.Resource | None = None,
) -> pulumi.Output[str]:
    """Brings something to a host, and takes it away when it is deleted; changes when it was brought anew.

    Two commands (ADR 12). The engine's replacement runs the new `create` and then the old `delete`: one command would
    take away what it has just brought. So what brings has no `delete`, and what takes away has nothing but that; when
    the latter is replaced, it goes first, and its new id in the other's text has that one run again.
    """
    takes = remote.Command(
        undo_name,
        connection=connection_args(connection),
        delete=undo,
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True, retain_on_delete=gone),
    )
    brings = remote.Command(
        name,
        connection=connection_args(connection),
        # No trigger: that would replace the former form, one command, whose `delete` then ran last.
        create=pulumi.Output.concat(create, "\n# undone by ", takes.id),
        stdin=stdin,
        logging=remote.Logging.STDERR,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.concat(takes.id, " ", brings.id)


def onprem_followup(
    name: str,
    connection: Connection,
    role: str,
    config: dict[str, Any],
    delivered: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> remote.Command:
    """What a host is told only after something else is true: overlays keys of its role's configuration. Told again
    when `delivered`, the host's, changes."""
    return remote.Command(
        f"{name}-followup",
        connection=connection_args(connection),
        create=f"sudo python3 {_INSTALLER} followup {role}",
        stdin=documents.canonical(config),
        triggers=[delivered],
        opts=opts,
    )


def undo_command(role: str) -> str:
    """Shell that takes a role away; a host that was built anew has nothing to undo."""
    return f"sudo sh -c 'test ! -e {_INSTALLER} || exec python3 {_INSTALLER} remove {role}'"


def put_command(path: str) -> str:
    """Shell that makes its standard input this file."""
    return guest_file("agent/put.sh").replace("${path}", shlex.quote(path))


def onprem_file(
    name: str,
    connection: Connection,
    path: str,
    content: pulumi.Input[str],
    delivered: pulumi.Input[str],
    gone: bool = False,
) -> None:
    """One file on an existing host, readable by everyone there; removed again with this. Not for secrets. Put there
    again when `delivered`, the host's, changes; `gone` as in OnPremHost."""
    _brought(
        f"{name}-file",
        f"{name}-file-undo",
        connection,
        create=pulumi.Output.concat(put_command(path), "# again after ", delivered),
        undo=f"sudo rm -f {shlex.quote(path)}",
        stdin=content,
        gone=gone,
    )


class HostGateArgs(TypedDict):
    """Arguments of HostGate."""

    connection: NotRequired[Connection | None]
    """The place that can see the real thing. Left out only with GateMode.HANDOVER."""

    role: str
    """Role whose gate runs there."""

    options: NotRequired[pulumi.Input[str] | None]
    """More command-line options of the role's gate."""

    elsewhere: NotRequired[pulumi.Input[dict[str, str]]]
    """A machine that the gate cannot see into (Ec2Host.status); when the gate fails, its last words are told."""

    triggers: list[pulumi.Input[Any]]
    """The gate runs again when one of these changes: machine ids, configuration digests."""

    mode: NotRequired[GateMode]
    """Wait, or hand over. Defaults to WAIT."""

    timeout_seconds: NotRequired[int]
    """Defaults to GATE_SECONDS, 900."""


class HostGate(Component):
    """Makes `pulumi up` wait for the real thing, observed on a host, and fail with the software's own words."""

    passed: pulumi.Output[str]
    """What the gate saw. Whatever must come after the real thing depends on this."""

    def __init__(self, name: str, args: HostGateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = HostGateIntent.of(args)
        super().__init__("HostGate", name, known, opts)
        connection = args.get("connection")
        if known.mode == GateMode.WAIT and connection is not None:
            timeout = args.get("timeout_seconds", GATE_SECONDS)
            command: pulumi.Input[str] = f"sudo /usr/local/sbin/twinsite-guest {args['role']} gate --timeout {timeout}"
            options = args.get("options")
            if options is not None:
                command = pulumi.Output.format("{} {}", command, options)
            elsewhere = args.get("elsewhere")
            hooks = [] if elsewhere is None else [say_last_words(f"{name}-gate-words", elsewhere, self)]
            gate = remote.Command(
                f"{name}-gate",
                connection=connection_args(connection),
                create=command,
                triggers=args["triggers"],
                opts=pulumi.ResourceOptions(parent=self, hooks=pulumi.ResourceHookBinding(on_error=hooks)),
            )
            self.passed = gate.stdout
        else:
            pulumi.log.warn(
                f"{name}: handed over, not verified by this `up`; `twinsite status` shows when it works", self
            )
            self.passed = pulumi.Output.from_input("handed over, not verified by this up")
        self.register_outputs({"passed": self.passed})
