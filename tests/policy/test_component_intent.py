"""Every kind of component is judged by its own rule, from what it has published."""

import json

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as LATER

from twinsite.rules.intents import INTENTS

from .pack import Given, said

BAD = {"twinsite:index:GuestStore": {"roles": ["nobody"]}}
"""Arguments that the rule refuses, where it has nothing against none at all."""


@pytest.mark.parametrize("kind", sorted(INTENTS))
def test_what_the_rule_of_a_component_refuses_the_pack_refuses_in_its_words(kind: str) -> None:
    intent = INTENTS[kind].of(BAD.get(kind, {}))
    problems = intent.problems()
    assert problems
    published = json.loads(json.dumps(intent.published()), parse_int=float)  # as Pulumi has numbers
    assert said([Given(kind, "it", {"intent": published})]) == {"component-intent": [f"it: {one}" for one in problems]}


def test_a_part_of_an_intent_that_is_not_known_leaves_the_component_undecided() -> None:
    page = Given("twinsite:index:EdgeCertificate", "page", {"intent": {"intent_version": 1.0, "fqdn": LATER}})
    (message,) = said([page])["component-intent"]
    assert message.startswith("page: could not decide, because intent.fqdn is not known")
