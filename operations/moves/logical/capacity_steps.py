"""Steps that give a site what it needs to serve, before anybody is moved there, and take it away when it stands by."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...steps import Outcome, Plane, Say
from .hands import PAGE_SECONDS, PODS_SECONDS, Hands
from .step import InCluster, MoveStep


@dataclass(frozen=True)
class AddNodes(MoveStep):
    """Pool `serving`, which no `pulumi up` resizes (ADR 49)."""

    number: int
    """A zone."""
    needs = "Google has the machines, and the project the quota"
    phases = ("creation",)

    @property
    def name(self) -> str:
        return f"add-nodes-{self.site}"

    @property
    def title(self) -> str:
        return f"give {self.site}'s pool of nodes {self.number} a zone"

    @property
    def undo(self) -> str:
        return f"resize it to 0 (stack output resize) once {self.site} stands by"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.nodes,)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(f"{hands.nodes(self.site, True, say)} nodes")


@dataclass(frozen=True)
class AddReaders(InCluster):
    """With the role that they have: the site reads until it is the writer."""

    number: int
    needs = "there are nodes for them"
    phases = ("start",)

    @property
    def name(self) -> str:
        return f"add-readers-{self.site}"

    @property
    def title(self) -> str:
        return f"have {self.number} pods of the application ready at {self.site}, as they are"

    @property
    def undo(self) -> str:
        return f"scale the Deployment to 0 (stack output scale) once {self.site} stands by"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        pods = hands.pods(self.site)
        pods.scale(self.number)
        return Outcome(pods.settle(say, PODS_SECONDS))


class SeeReaders(MoveStep):
    """What a drill that moves nobody ends with."""

    needs = "pods are ready"

    @property
    def name(self) -> str:
        return f"see-readers-{self.site}"

    @property
    def title(self) -> str:
        return f"get the application's page at {self.site}'s own address"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.pages,)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        name, home = hands.stateful(), self.site == self.ground.home

        def lacking() -> str:
            page = hands.eyes.at_home(name) if home else hands.eyes.at_away(name)
            seen = hands.eyes.site_of_page(name, page)
            return "" if seen == self.site else page.words or f"status {page.status} without {self.site}'s marker"

        waited = hands.wait(f"the application at {self.site}", PAGE_SECONDS, lacking, say)
        return Outcome(f"with {self.site}'s marker", figures={"application_seconds": waited})


@dataclass(frozen=True)
class Rest(InCluster):
    """Of a site that stands by: nodes cost, and no `pulumi up` takes them away."""

    always_: bool = False
    needs = "users are at the other site"
    again = True

    @property
    def name(self) -> str:
        return f"rest-{self.site}"

    @property
    def title(self) -> str:
        return f"take {self.site}'s added pods and nodes away again"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.api(self.site), self.ground.nodes)

    @property
    def always(self) -> bool:
        return self.always_

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.pods(self.site).scale(0)
        return Outcome(f"{hands.nodes(self.site, False, say)} nodes")
