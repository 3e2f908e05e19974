"""Locks of a backup vault that nobody can take back."""

from collections.abc import Iterator

from pulumi_policy import PolicyConfigSchema, Severity

from ..judging import Resource, each


def problems(one: Resource) -> Iterator[str]:
    grace = one.get("changeableForDays")
    if grace is not None and not one.config.get("compliance"):
        yield (
            f"changeableForDays is {grace:g}, which makes the lock a compliance lock: after those days nobody, not AWS "
            "either, shortens it; leave it out (governance), or accept it with `compliance: true` in this policy's "
            "configuration"
        )
    least, most = one.get("minRetentionDays"), one.get("maxRetentionDays")
    if least is not None and most is not None and least > most:
        yield f"minRetentionDays {least:g} is above maxRetentionDays {most:g}, so every job would fail: swap them"


POLICY = each(
    "vault-lock-irreversible",
    Severity.HIGH,
    "A vault is locked in governance mode unless somebody decided otherwise (K50; AWS Backup, Vault Lock).",
    {"aws:backup/vaultLockConfiguration:VaultLockConfiguration": problems},
    PolicyConfigSchema({"compliance": {"type": "boolean", "default": False}}),
)
