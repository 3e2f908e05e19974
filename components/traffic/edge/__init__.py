"""What runs or lies at the edge: CloudFront functions (JavaScript) and the notice page (HTML), with values filled in.

Here: files of their own kind, readable and testable alone, and the few lines that fill them. Not here: resources.
"""

import html
import string
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
NOTICE_MARKER = '<meta name="twinsite-page" content="notice">'
"""Text that only the notice page has."""

_RETRY_LINE = "var RETRY_AFTER_SECONDS = 300;"


def notice_page(*, title: str, message: str, standby_url: str) -> str:
    """The notice page as HTML."""
    template = string.Template((HERE / "notice.html").read_text())
    return template.substitute(
        title=html.escape(title),
        message=html.escape(message),
        standby_url=html.escape(standby_url),
        standby_host=html.escape(urlsplit(standby_url).hostname or standby_url),
    )


def edge_function(name: str, *, retry_after_seconds: int) -> str:
    """Source of the edge function NAME.js."""
    source = (HERE / f"{name}.js").read_text()
    if source.count(_RETRY_LINE) != 1:
        raise ValueError(f"{name}.js has no line {_RETRY_LINE!r} to fill in")
    return source.replace(_RETRY_LINE, f"var RETRY_AFTER_SECONDS = {retry_after_seconds};")
