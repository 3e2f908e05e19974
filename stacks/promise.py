"""What a stack has promised, and where the records go that hold it to that: for its inventory."""

from collections.abc import Callable
from typing import Any

import pulumi

from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.figures import Item
from twinsite.estimate.path import critical
from twinsite.inventory import Expected, Promise

from . import budget, ground
from .declared import EVIDENCE, STAMP_AUTHORITIES, STAMP_URL
from .settings import Reader

PLACES = ("s3://", "azblob://", "file:///")


def evidence(reader: Reader) -> str:
    """Where records go; "" where nothing is set."""
    found = reader.text(EVIDENCE, required=False)
    if found and not found.startswith(PLACES):
        reader.problems.append(
            f"{EVIDENCE} is {found!r}: `pulumi config set {EVIDENCE} PLACE` with s3://BUCKET/PREFIX, "
            f"azblob://ACCOUNT/CONTAINER or file:///FOLDER, or `pulumi config rm {EVIDENCE}`"
        )
        return ""
    return found


def stamps(reader: Reader) -> tuple[str, str]:
    """(URL, PEM) of who stamps records; both empty where nobody does."""
    url, authorities = (reader.text(key, required=False) for key in (STAMP_URL, STAMP_AUTHORITIES))
    if url and not url.startswith(("http://", "https://")):
        reader.problems.append(
            f"{STAMP_URL} is {url!r}: `pulumi config set {STAMP_URL} URL` with http:// or https://, "
            f"or `pulumi config rm {STAMP_URL}`"
        )
    if bool(url) != ("-----BEGIN CERTIFICATE-----" in authorities):
        reader.problems.append(
            f"{STAMP_URL} and {STAMP_AUTHORITIES} go together: a stamp of somebody whom nobody trusts shows nothing: "
            f"`pulumi config set {STAMP_AUTHORITIES} < ca.pem` with the PEM of whom its certificate leads to, or "
            "`pulumi config rm` both"
        )
    return url, authorities


def promised(estimate: Callable[..., Estimate], settings: Any) -> Promise:
    """By the settings of the stack that is being built, which the program has read and found right."""
    reader = Reader(pulumi.Config().get)
    allowed, here = budget.read(reader), ground.read(reader)
    mode = estimate(settings, ground=here).modes[settings.dr_mode.value]
    objectives = (allowed.rto_seconds, allowed.rpo_seconds)
    return Promise(*objectives, evidence(reader), *stamps(reader), here.name, expected(mode))


def expected(mode: Mode) -> tuple[Expected, ...]:
    """What a drill is compared with. Pure."""
    return tuple(_expected(one) for one in (*critical(mode.path), *mode.heals))


def _expected(one: Item) -> Expected:
    kind = one.kind.value if one.kind else ""
    return Expected(one.name, kind, one.value, one.basis.value, one.source, one.measured, one.backup_gib)
