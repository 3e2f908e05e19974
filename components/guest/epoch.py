"""Who the writer is, as a document says it: a site, and how many failovers and failbacks there were (ADR 18). Pure."""

import json
from dataclasses import dataclass

DOCUMENT = "writer.json"


@dataclass(frozen=True)
class Writer:
    """Which site may write, and since which failover or failback, counted."""

    site: str
    epoch: int


def parse(content: bytes) -> Writer:
    """The document. ValueError when it is none."""
    try:
        said = json.loads(content)
        site, epoch = said["site"], said["epoch"]
    except (TypeError, KeyError) as error:
        raise ValueError(f"{DOCUMENT} names no site and epoch") from error
    if not isinstance(site, str) or not site or not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise ValueError(f"{DOCUMENT} names site {site!r} and epoch {epoch!r}")
    return Writer(site, epoch)
