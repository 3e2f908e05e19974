"""A name that people can remember."""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.types import Call
from lab.providers.random.drawing import RandomType

ADVERBS = ("barely", "calmly", "deeply", "eagerly", "firmly", "gladly", "mostly", "neatly", "openly", "surely")
ADJECTIVES = ("able", "brave", "calm", "eager", "fair", "golden", "keen", "loyal", "noble", "quick", "steady", "warm")
ANIMALS = ("badger", "crane", "dingo", "falcon", "gecko", "heron", "ibex", "lynx", "marmot", "otter", "raven", "tapir")


class RandomPet(RandomType):
    """`length` words; its id is the name."""

    token = "random:index/randomPet:RandomPet"
    defaults: ClassVar[Mapping[str, Any]] = {"length": 2, "separator": "-"}

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        given = {**self.defaults, **inputs}
        length = given["length"]
        words = [secrets.choice(ADVERBS) for _ in range(length - 2)]
        words += [secrets.choice(ADJECTIVES)] if length > 1 else []
        words.append(secrets.choice(ANIMALS))
        prefix = [given["prefix"]] if given.get("prefix") else []
        return given["separator"].join([*prefix, *words]), {}
