"""Topologies: one package each, from settings to components to exports. Not here: how a component does its work.

A topology is a folder here, or in a folder `stacks` elsewhere on Python's path (`twinsite/stacks` for the wheel), named
as the topology, `_` for `-`; it imports what is here relatively, so that it fits both.
`settings.yaml` in it has its settings' defaults and descriptions. Its module `build` has

    NAME, SITES (names), MODES (the dr_modes it offers, lowest first),
    PACKAGES (names of the Pulumi providers it uses in any mode; with more than one mode),
    read(reader) -> settings, refusals(settings) -> sentences, build(settings) -> exports, needs(settings, home),
    estimate(settings, ground=CLOUD) -> twinsite.estimate.answer.Estimate, of every mode, from settings that may still
    have gaps.

`python -m stacks` says what a stack needs without Pulumi's engine. Adding one changes no file outside its own folder.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings import Reader

__path__ = pkgutil.extend_path(__path__, __name__)

TOPOLOGIES = tuple(sorted(one.name.replace("_", "-") for one in pkgutil.iter_modules(__path__) if one.ispkg))


def package(name: str) -> str:
    """The Python package of a topology."""
    return f"{__name__}.{name.replace('-', '_')}"


def topology(name: str) -> ModuleType:
    """The module of a topology; only its provider SDKs are imported. KeyError when there is none of that name."""
    if name not in TOPOLOGIES:
        raise KeyError(name)
    return importlib.import_module(f"{package(name)}.build")


def chosen(reader: "Reader") -> ModuleType | None:
    """The topology that the settings name; None, and a problem in the reader, when they name none that is here."""
    from .declared import PROMISED, SHARED, declared

    name = reader.text("topology", required=False)
    known = name in TOPOLOGIES
    reader.problems += reader.elsewhere({*SHARED, *PROMISED, *(declared(name) if known else ())})
    if known:
        return topology(name)
    if not reader.problems:
        reader.problems.append(
            f"topology is {name!r}: `pulumi config set topology …` with one of {', '.join(TOPOLOGIES)}"
        )
    return None
