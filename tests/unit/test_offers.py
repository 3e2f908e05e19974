"""Where EC2 offers a machine's type, judged by what an account has said."""

import pytest

from twinsite.rules.hosts import offer_problems

ZONES = {"us-east-1a", "us-east-1b", "us-east-1e"}
MOST = {"us-east-1a", "us-east-1b", "us-east-1d"}
SET = "`pulumi config set availability_zone` to one of us-east-1a, us-east-1b, or choose another instance type"
OTHER = ": choose another instance type"


@pytest.mark.parametrize(
    ("zone", "offering", "made", "says", "fix"),
    [
        ("", MOST, False, "EC2 will choose a zone for the subnets, and does not offer t3.micro in us-east-1e", SET),
        ("us-east-1e", MOST, False, "EC2 does not offer t3.micro in us-east-1e", SET),
        ("us-east-1e", MOST, True, "EC2 does not offer t3.micro in us-east-1e", OTHER),
        ("us-east-1d", MOST, False, "us-east-1d is not among this account's zones", SET),
        ("us-east-1a", set(), False, "EC2 does not offer t3.micro in us-east-1a", OTHER),
    ],
)
def test_a_zone_without_the_type_is_refused(zone: str, offering: set[str], made: bool, says: str, fix: str) -> None:
    (problem,) = offer_problems("t3.micro", zone, ZONES, offering, made)
    assert says in problem
    assert problem.endswith(fix)


@pytest.mark.parametrize(("zone", "offering"), [("us-east-1a", MOST), ("", ZONES)])
def test_a_zone_that_has_it_is_taken(zone: str, offering: set[str]) -> None:
    assert list(offer_problems("t3.micro", zone, ZONES, offering)) == []
