"""Refusals about backups: where they rest, who may read them, how the job runs, what a guest may be given. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..guest.backup import privileges
from ..schedule import longest_gap_seconds
from . import rds, twice_problems
from .hosts import generation_problems, packed_problems
from .intent import Intent, Part

KEEP_DAYS = 35
SHORTEST_KEEP_DAYS = 7
SOFT_DELETE_DAYS = (7, 365)


def account_problems(name: str, what: str) -> Iterator[str]:
    """Why Azure would not take this storage account's name."""
    if not re.fullmatch(r"[a-z0-9]{3,24}", name):
        yield f"{what} {name!r} is no storage account's name: use 3 to 24 lower-case letters and digits"


@dataclass(frozen=True, kw_only=True)
class Writer(Part):
    """The service account that writes backups."""

    issuer: str | None = None
    namespace: str = ""
    service_account: str = ""


@dataclass(frozen=True, kw_only=True)
class Operator(Part):
    """Whoever runs `twinsite` commands."""

    principal_id: str = ""
    principal_type: str = ""


@dataclass(frozen=True, kw_only=True)
class SecondAccount(Part):
    """Where the standby's own backups rest."""

    account: str = ""
    location: str = ""


@dataclass(frozen=True, kw_only=True)
class BackupStoreIntent(Intent):
    """What a BackupStore is meant to be."""

    location: str = ""
    account: str = ""
    public_accounts: tuple[str, ...] = ()
    writer: Writer | None = None
    operators: tuple[Operator, ...] = ()
    second: SecondAccount | None = None
    sku: str = "Standard_ZRS"
    keep_days: int = KEEP_DAYS
    soft_delete_days: int = 14
    roles: tuple[str, ...] = ("database", "standby")
    site_is_active: bool = False

    def problems(self) -> list[str]:
        """Why backups must not rest like this."""
        problems = list(account_problems(self.account, "account"))
        for name in self.public_accounts:
            problems += account_problems(name, "public_accounts")
        if self.account in self.public_accounts:
            problems.append(
                f"account {self.account} holds the backups and also public pages: one wrong setting would publish the "
                "data; give public_accounts and account different names (K26)"
            )
        if self.second is not None:
            problems += _second_problems(self.second, self)
        if self.keep_days < SHORTEST_KEEP_DAYS:
            problems.append(
                f"keep_days is {self.keep_days}: a mistake in the data that is seen after a holiday would be in every "
                f"backup; set keep_days to {SHORTEST_KEEP_DAYS} or more"
            )
        low, high = SOFT_DELETE_DAYS
        if not low <= self.soft_delete_days <= high:
            problems.append(
                f"soft_delete_days is {self.soft_delete_days}: set it from {low} to {high}, so that a deletion can be "
                "taken back"
            )
        if self.writer is not None:
            problems += federation_problems(self.writer)
        return [*problems, *operator_problems(self.operators), *packed_problems(self.roles)]


def operator_problems(operators: Sequence[Operator]) -> Iterator[str]:
    """Why Azure would not give these people a role."""
    for one in operators:
        if one.principal_type not in ("User", "Group", "ServicePrincipal"):
            yield f"operators: principal_type is {one.principal_type!r}: give User, Group or ServicePrincipal"
    yield from twice_problems("operators", [one.principal_id for one in operators])


def _second_problems(second: SecondAccount, store: BackupStoreIntent) -> Iterator[str]:
    """Why the standby's own backups would not be out of the account and the region that it restores from."""
    account, location = second.account, second.location
    yield from account_problems(account, "second.account")
    if account == store.account:
        yield (
            f"second.account is {account}, the account of the other backups: give another name, or leave it out when "
            "one account is enough for you"
        )
    if account in store.public_accounts:
        yield f"second.account is {account}, which has public pages: give it a name of its own (K26)"
    if location == store.location:
        yield (
            f"second.location is {location}, where the other backups are: a region's outage would take both; choose "
            "another region"
        )


def federation_problems(writer: Writer) -> Iterator[str]:
    """Why a cloud would not take this service account's word."""
    issuer = writer.issuer
    if issuer is None:
        pass  # policy asks for it, once it is known
    elif not issuer.startswith("https://"):
        yield (
            f"writer.issuer is {issuer!r}: give the cluster's OIDC issuer, an https URL (`aws eks describe-cluster "
            "--name CLUSTER --query cluster.identity.oidc.issuer`)"
        )
    elif issuer.endswith("/"):
        yield f"writer.issuer is {issuer!r}: leave the slash at the end out, it is compared letter by letter"
    for name, value in (("namespace", writer.namespace), ("service_account", writer.service_account)):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
            yield f"writer.{name} is {value!r}: give lower-case letters, digits and hyphens"


@dataclass(frozen=True, kw_only=True)
class SecretVaultIntent(Intent):
    """What a SecretVault is meant to hold; names, never values."""

    location: str = ""
    vault: str = ""
    generated: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    operators: tuple[Operator, ...] = ()
    generation: int = 1
    site_is_active: bool = False

    def problems(self) -> list[str]:
        """Why Azure would not take this vault, or why it would hold nothing that helps."""
        problems = []
        if not re.fullmatch(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", self.vault):
            problems.append(
                f"vault is {self.vault!r}: a vault's name has 3 to 24 letters, digits and single hyphens and begins "
                "with a letter"
            )
        for secret in [*self.generated, *self.given]:
            if not re.fullmatch(r"[0-9A-Za-z-]{1,127}", secret):
                problems.append(f"secret {secret!r} has a name that Key Vault refuses: use letters, digits and hyphens")
        problems += [
            f"secret {secret} is both generated and given: remove it from one of the two"
            for secret in self.generated
            if secret in self.given
        ]
        if not self.readers:
            problems.append("readers is empty: no machine could fetch a secret; give the machines' identity")
        return [
            *problems,
            *operator_problems(self.operators),
            *generation_problems("generation", self.generation),
        ]


@dataclass(frozen=True, kw_only=True)
class BackupDatabase(Part):
    """What is backed up, and by whom."""

    address: str | None = None
    port: int = 3306
    user: str = ""
    schema: str = ""
    tls_ca: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackupJobIntent(Intent):
    """What a BackupJob is meant to do."""

    namespace: str = ""
    job: str = "rds-backup"
    image: str = ""
    schedule: str = ""
    database: BackupDatabase = BackupDatabase()
    site: str | None = None
    streams: int = 4
    starting_deadline_seconds: int = 3600
    active_deadline_seconds: int = 14400
    tags: dict[str, str] = field(default_factory=dict)
    """They become labels, which Kubernetes takes less of."""

    def problems(self) -> list[str]:
        """Why the job must not run like this."""
        database = self.database
        return [
            *pod_problems(self.image, namespace=self.namespace, job=self.job),
            *label_problems(self.tags),
            *schedule_problems(self.schedule),
            *user_problems(database.user, database.schema),
            *rds.authority_problems("database.tls_ca", database.address, database.tls_ca),
        ]


_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LABEL = re.compile(rf"({_PREFIX}(\.{_PREFIX})*/)?{_NAME}")
_LABELLED = re.compile(f"({_NAME})?")


def label(tag: str) -> str:
    """A tag's name as Kubernetes takes it for a label: a colon is a slash there."""
    return tag.replace(":", "/")


def pod_problems(image: str, **names: str) -> Iterator[str]:
    """Why a job's pods must not run this image, or cannot have these names."""
    if not re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image):
        yield (
            f"image {image!r} is not pinned, a tag can be moved and the next run be other code (K25): write "
            "IMAGE@sha256:… (`docker buildx imagetools inspect IMAGE` tells it)"
        )
    for name, value in names.items():
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", value):
            yield f"{name} {value!r} is no name at Kubernetes: use lower-case letters, digits and hyphens, at most 52"


def label_problems(tags: Mapping[str, str]) -> Iterator[str]:
    """Why Kubernetes would not take tags for labels
    (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set)."""
    for tag, value in tags.items():
        if not (_LABEL.fullmatch(label(tag)) and _LABELLED.fullmatch(value)):
            yield (
                f"tag {tag!r}: {value!r} is no label of Kubernetes: at most 63 letters, digits, '-', '_' or '.', which "
                "start and end with a letter or digit; a name may have one prefix and ':'"
            )


def user_problems(user: str, schema: str) -> Iterator[str]:
    """Why this login should not run a backup."""
    if user in ("root", "rdsadmin"):
        yield (
            f"database.user is {user}: the job only reads; name a user of its own: CREATE USER 'backup'@'%' …; "
            f"{'; '.join(grants(schema))}"
        )


def grants(schema: str, user: str = "backup") -> list[str]:
    """What the job's user is given, statement by statement."""
    return privileges.statements(privileges.BACKUP, schema, privileges.account(f"{user}@%"))


def failback_grants(schema: str, user: str = "backup") -> list[str]:
    """What a failback needs of the same user beyond it."""
    return privileges.statements(privileges.RETURN, schema, privileges.account(f"{user}@%"))


def kept_aside(schema: str, dump: str) -> str:
    """The schema in which a failback that brings this dump home keeps the old tables: one a dump, whatever is done
    again."""
    return privileges.aside_prefix(schema) + dump.replace("-", "_").lower()


def schedule_problems(schedule: object) -> Iterator[str]:
    """Why this is no schedule."""
    try:
        longest_gap_seconds(str(schedule or ""))
    except ValueError as error:
        yield f"schedule {error}; the RPO is computed from it"
