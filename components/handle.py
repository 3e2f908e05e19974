"""An argument that is another component: a program gives the component, or a plain handle of what is read from it.

Here: how such an argument is declared and read (ADR 40). Not here: a handle's fields, and what is done with one; they
stand beside the component.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

H = TypeVar("H", bound=Mapping[str, object])
H_co = TypeVar("H_co", covariant=True)


class HasHandle(Protocol[H_co]):
    """A component that others take."""

    @property
    def handle(self) -> H_co:
        """What they read of it. An attribute that the class does not declare: it is no output of the component."""


if TYPE_CHECKING:
    Given: TypeAlias = H | HasHandle[H]
else:

    class Given:
        """At run time the handle alone is declared: Pulumi's schema inference refuses unions."""

        def __class_getitem__(cls, handle: Any) -> Any:
            return handle


def handle_of(given: "Given[H]") -> H:
    """What is read of the component that was given."""
    return given if isinstance(given, Mapping) else given.handle
