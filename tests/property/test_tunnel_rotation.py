"""Rotation of the pre-shared key, killed anywhere: the two ends always share the key that either signs with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_gateway_settings import AWS, KEYS, ONPREM
from twinsite.guest.gateway import rotation
from twinsite.guest.gateway.settings import parse, parse_keys


@dataclass
class End:
    """What one host has applied."""

    base: dict[str, Any]
    sign: int = 1
    keys: tuple[int, ...] = (1, 2)

    def apply(self, generation: int, lowest: int, peer: "End") -> bool:
        """Whether it was applied; False when the host refused it."""
        config = parse({**self.base, "psk_sign": generation, "psk_min": lowest})
        if rotation.jump_problem(self.sign, config) or rotation.peer_problem(
            self.sign, config, {"psk_sign": peer.sign}
        ):
            return False
        given = {str(n): KEYS[n] for n in (generation - 1, generation, generation + 1) if n >= 1}
        self.keys = tuple(parse_keys({"psk": given}, config))
        self.sign = generation
        return True

    def accepts(self, peer: "End") -> bool:
        return peer.sign in self.keys


def steps(onprem: End, aws: End, generation: int, aws_first: bool) -> list[Callable[[], bool]]:
    """One `pulumi up` with this generation, as StrongSwanTunnel orders it."""
    lowest = max(1, generation - 1)
    moves = [lambda: onprem.apply(generation, lowest, aws), lambda: aws.apply(generation, lowest, onprem)]
    return [
        *(reversed(moves) if aws_first else moves),
        lambda: onprem.apply(generation, generation, aws),
        lambda: aws.apply(generation, generation, onprem),
    ]


RUNS = st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 4)), min_size=1, max_size=20)


@given(RUNS)
def test_the_ends_can_always_authenticate_each_other(runs: list[tuple[int, bool, int]]) -> None:
    """Whatever generations somebody asks for, in whatever order the ends move, wherever each `up` is killed."""
    onprem, aws = End(ONPREM), End(AWS)
    for generation, aws_first, killed_after in runs:
        for step in steps(onprem, aws, generation, aws_first)[:killed_after]:
            if not step():
                break  # a refusal fails this `up`
            assert onprem.accepts(aws) and aws.accepts(onprem), (onprem, aws)


@given(RUNS)
def test_a_killed_rotation_can_always_be_finished(runs: list[tuple[int, bool, int]]) -> None:
    onprem, aws = End(ONPREM), End(AWS)
    for generation, aws_first, killed_after in runs:
        for step in steps(onprem, aws, generation, aws_first)[:killed_after]:
            if not step():
                break
    goal = max(onprem.sign, aws.sign)
    assert [step() for step in steps(onprem, aws, goal, False)] == [True] * 4
    assert onprem.keys == aws.keys == (goal, goal + 1)


@given(st.booleans())
def test_a_finished_rotation_leaves_no_old_key(aws_first: bool) -> None:
    onprem, aws = End(ONPREM), End(AWS)
    for generation in (1, 2, 3):
        for step in steps(onprem, aws, generation, aws_first):
            step()
    assert onprem.keys == aws.keys == (3, 4)


def test_the_model_finds_a_rotation_that_forgets_the_pre_provisioned_key() -> None:
    """Positive control: without g+1 held beforehand, moving one end first cuts the tunnel."""
    onprem, aws = End(ONPREM, keys=(1,)), End(AWS, keys=(1,))
    onprem.apply(2, 1, aws)
    assert not aws.accepts(onprem)
