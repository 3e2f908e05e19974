"""Refusals about backups: where they rest, who may read them, how the job runs, what a guest may be given. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..guest.backup import privileges
from ..schedule import longest_gap_seconds
from . import rds

KEEP_DAYS = 35
SHORTEST_KEEP_DAYS = 7
SOFT_DELETE_DAYS = (7, 365)


def account_problems(name: object, field: str) -> Iterator[str]:
    """Why Azure would not take this storage account's name."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]{3,24}", name):
        yield f"{field} is {name!r}: a storage account's name has 3 to 24 lower-case letters and digits"


def store_problems(args: Mapping[str, Any]) -> list[str]:
    """Why backups must not rest like this."""
    problems = list(account_problems(args.get("account"), "account"))
    public = list(args.get("public_accounts") or [])
    for name in public:
        problems += account_problems(name, "public_accounts")
    if args.get("account") in public:
        problems.append(
            f"account {args['account']} holds the backups and also public pages: one wrong setting would publish the "
            "data; give public_accounts and account different names (K26)"
        )
    if second := args.get("second"):
        problems += _second_problems(second, args)
    keep = args.get("keep_days", KEEP_DAYS)
    if isinstance(keep, int) and keep < SHORTEST_KEEP_DAYS:
        problems.append(
            f"keep_days is {keep}: a mistake in the data that is seen after a holiday would be in every backup; set "
            f"keep_days to {SHORTEST_KEEP_DAYS} or more"
        )
    low, high = SOFT_DELETE_DAYS
    soft = args.get("soft_delete_days", 14)
    if isinstance(soft, int) and not low <= soft <= high:
        problems.append(
            f"soft_delete_days is {soft}: set it from {low} to {high}, so that a deletion can be taken back"
        )
    writer = args.get("writer")
    if writer is not None:
        problems += _writer_problems(writer)
    for operator in args.get("operators") or []:
        if operator.get("principal_type") not in ("User", "Group", "ServicePrincipal"):
            problems.append(
                f"operators: principal_type is {operator.get('principal_type')!r}: give User, Group or ServicePrincipal"
            )
    return problems


def _second_problems(second: Mapping[str, Any], args: Mapping[str, Any]) -> Iterator[str]:
    """Why the standby's own backups would not be out of the account and the region that it restores from."""
    account, location = second.get("account"), second.get("location")
    yield from account_problems(account, "second.account")
    if account == args.get("account"):
        yield (
            f"second.account is {account}, the account of the other backups: give another name, or leave it out when "
            "one account is enough for you"
        )
    if account in list(args.get("public_accounts") or []):
        yield f"second.account is {account}, which has public pages: give it a name of its own (K26)"
    if location == args.get("location"):
        yield (
            f"second.location is {location}, where the other backups are: a region's outage would take both; choose "
            "another region"
        )


def _writer_problems(writer: Mapping[str, Any]) -> Iterator[str]:
    issuer = writer.get("issuer")
    if not isinstance(issuer, str) or not issuer.startswith("https://"):
        yield (
            f"writer.issuer is {issuer!r}: give the cluster's OIDC issuer, an https URL (`aws eks describe-cluster "
            "--name CLUSTER --query cluster.identity.oidc.issuer`)"
        )
    elif issuer.endswith("/"):
        yield f"writer.issuer is {issuer!r}: leave the slash at the end out, Azure compares it letter by letter"
    for field in ("namespace", "service_account"):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", str(writer.get(field) or "")):
            yield f"writer.{field} is {writer.get(field)!r}: give lower-case letters, digits and hyphens"


def vault_problems(args: Mapping[str, Any]) -> list[str]:
    """Why Azure would not take this vault, or why it would hold nothing that helps."""
    problems = []
    name = args.get("vault")
    if not isinstance(name, str) or not re.fullmatch(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", name):
        problems.append(
            f"vault is {name!r}: a vault's name has 3 to 24 letters, digits and single hyphens and begins with a letter"
        )
    generated, given = list(args.get("generated") or []), list(args.get("given") or {})
    for secret in [*generated, *given]:
        if not re.fullmatch(r"[0-9A-Za-z-]{1,127}", secret):
            problems.append(f"secret {secret!r} has a name that Key Vault refuses: use letters, digits and hyphens")
    problems += [
        f"secret {secret} is both generated and given: remove it from one of the two"
        for secret in generated
        if secret in given
    ]
    if not args.get("readers"):
        problems.append("readers is empty: no machine could fetch a secret; give the machines' identity")
    return problems


def job_problems(args: Mapping[str, Any]) -> list[str]:
    """Why the job must not run like this."""
    problems = []
    image = str(args.get("image") or "")
    if not re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image):
        problems.append(
            f"image {image!r} is not pinned: a tag can be moved, so the next run could be other code; name it by "
            "digest, "
            "IMAGE@sha256:… (`docker buildx imagetools inspect IMAGE`) (K25)"
        )
    for field in ("namespace", "job"):
        value = args.get(field, "rds-backup")
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", str(value)):
            problems.append(f"{field} is {value!r}: a Kubernetes name has lower-case letters, digits and hyphens")
    problems += label_problems(args.get("tags") or {})
    problems += schedule_problems(args.get("schedule"))
    database = args.get("database") or {}
    problems += user_problems(database)
    problems += rds.authority_problems("database.tls_ca", database.get("address"), database.get("tls_ca"))
    return problems


_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LABEL = re.compile(rf"({_PREFIX}(\.{_PREFIX})*/)?{_NAME}")
_LABELLED = re.compile(f"({_NAME})?")


def label(tag: str) -> str:
    """A tag's name as Kubernetes takes it for a label: a colon is a slash there."""
    return tag.replace(":", "/")


def label_problems(tags: Mapping[str, str]) -> Iterator[str]:
    """Why Kubernetes would not take tags for labels
    (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set)."""
    for tag, value in tags.items():
        if not (_LABEL.fullmatch(label(tag)) and _LABELLED.fullmatch(value)):
            yield (
                f"tag {tag!r}: {value!r} is no label of Kubernetes: at most 63 letters, digits, '-', '_' or '.', which "
                "start and end with a letter or digit; a name may have one prefix and ':'"
            )


def user_problems(database: Mapping[str, Any]) -> Iterator[str]:
    """Why this login should not run a backup."""
    user = str(database.get("user") or "")
    if user in ("root", "rdsadmin"):
        yield (
            f"database.user is {user}: the job only reads; name a user of its own: CREATE USER 'backup'@'%' …; "
            f"{'; '.join(grants(str(database.get('schema') or '')))}"
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
