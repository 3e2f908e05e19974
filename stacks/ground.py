"""The ground that a stack file names: a file of rates that were measured where the stack stands."""

from pathlib import Path

import pulumi
import yaml

from twinsite.estimate.ground import CLOUD, Ground

from .declared import GROUND
from .settings import Reader


def read(reader: Reader) -> Ground:
    """The clouds' where none is named, and, with a problem in the reader, where the one that is named does not hold:
    not readable, or of other stacks than this one."""
    path = reader.text(GROUND, required=False)
    if not path:
        return CLOUD
    try:
        found = Ground.of(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as problem:
        reader.problems.append(f"{GROUND} {path} cannot be read: {problem}: `pulumi config rm {GROUND}`, or mend it")
        return CLOUD
    space, _, key = found.only_with.partition(":")
    if pulumi.Config(space).get(key) is None:
        reader.problems.append(
            f"{GROUND} {path} is {found.name}'s and holds for stacks that have {found.only_with}, which this one has "
            f"not: what was measured there says nothing of this stack: `pulumi config rm {GROUND}`"
        )
        return CLOUD
    return found
