"""Where things lie, and the digests by which a step knows that it has nothing to do."""

import hashlib
import os
import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
VENV = TREE / ".venv"
GO_MODULE = TREE / "scripts" / "tools" / "pulumi-cli"
LANGUAGE_HOST = TREE / "scripts" / "tools" / "language_python"


def cache() -> Path:
    """The one folder outside the tree that set-up writes to, save for distribution packages."""
    return Path(os.environ.get("TWINSITE_CACHE") or Path.home() / ".cache" / "twinsite").absolute()


def tools() -> Path:
    """`tools()/current/bin` holds the Pulumi CLI and its Python language host."""
    return cache() / "tools"


def pinned_version() -> str:
    """Version of the Pulumi CLI that is downloaded or built: the one of the pinned Go module."""
    found = re.search(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", (GO_MODULE / "go.mod").read_text())
    if found is None:
        raise LookupError(f"{GO_MODULE}/go.mod does not require github.com/pulumi/pulumi/pkg/v3")
    return found.group(1)


def digest(*parts: str | Path) -> str:
    """Of texts and of files' contents."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.read_bytes() if isinstance(part, Path) else part.encode()).digest())
    return total.hexdigest()[:16]
