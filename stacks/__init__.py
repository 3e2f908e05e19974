"""Topologies: one module each, from settings to components to exports. Not here: how a component does its work.

A topology module has NAME, MODES (the dr_modes it offers), `read(reader)` and `build(settings)`.
"""

import importlib
from types import ModuleType

_MODULES = {"onprem-aws": "stacks.onprem_aws", "aws-azure": "stacks.aws_azure"}

TOPOLOGIES = tuple(_MODULES)


def topology(name: str) -> ModuleType:
    """The module of a topology; only its provider SDKs are imported. KeyError when there is none of that name."""
    return importlib.import_module(_MODULES[name])
