"""The latch against Route 53's checkers and servers on the wire, its objects in two accounts, at the real cadence.

Names are asked of Route 53's own servers, so a resolver's TTL is not in the times.
"""

import concurrent.futures
from pathlib import Path

import pytest

from lab.services.azurite import why_not
from lab.services.edge_function import why_not as why_no_functions

from .conftest import Provisioned
from .one_lab import OneLab
from .whole_box import needs_a_box

LACKING = why_not() or why_no_functions()
pytestmark = [needs_a_box, pytest.mark.skipif(bool(LACKING), reason=LACKING or "nothing is missing")]
TREE = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "traffic_site"

EDGE = "198.51.100.70"
MACHINE = "203.0.113.9"
"""Of the one name, which leads to a plain address."""
PRIMARY = "none"
"""This site has no load balancer: its alias has no address. What matters is that it is not the edge."""

WWW, DR, ONE, WITNESS = "www.example.com", "dr.example.com", "one.example.com", "latch-witness.example.com"
CLEAR, SET = "192.0.2.1", "192.0.2.2"
LATCH_SECONDS = 10 + 6
"""The promise without the TTL: interval x 1 + 6."""

HEALTH_SECONDS = 10 * 3 + 6


class Site(Provisioned):
    """The program of traffic_site at the operator's desk."""

    def sh(self, script: str) -> str:
        return self.must("bash", "-ec", f"cd $HOME/traffic_site; {script}")

    def desk(self, *words: str) -> str:
        """What desk.py prints."""
        return self.must("python", str(PROGRAM / "desk.py"), *words).strip()

    def seconds_until(self, name: str, answer: str, within: float) -> float:
        return float(self.desk("until", name, answer, str(within)))

    def answers(self, name: str, seconds: float) -> list[str]:
        """Every answer within this time."""
        return self.desk("watch", name, str(seconds)).split("\n")

    def put(self, account: str, blob: str, text: str = "set") -> None:
        assert self.desk("put", account, blob, text) == "201"

    def delete(self, account: str, blob: str) -> None:
        assert self.desk("delete", account, blob) == "202"

    def status(self, output: str, path: str, *options: str) -> list[str]:
        """Status, Retry-After and Cache-Control of a distribution's answer."""
        shown = "%{http_code} %header{retry-after} %header{cache-control}"
        command = ["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", f"'{shown}'", *options]
        return self.sh(f"{' '.join(command)} https://$(pulumi stack output {output}){path}").split()


@pytest.fixture(scope="module")
def bare(one_lab: OneLab) -> Site:
    """The lab with the project at the desk, nothing provisioned."""
    one_lab.up(without="traffic_site")
    one_lab.uses.add("traffic_site")
    made = Site()
    made.must("bash", "-ec", f'cp -r "{PROGRAM}" "$HOME"; cd "$HOME/traffic_site"; pulumi stack init test')
    made.sh(f"sed -i 's#^runtime:.*#runtime: {{name: python, options: {{virtualenv: {TREE}/.venv}}}}#' Pulumi.yaml")
    made.sh(f"pulumi config set tree {TREE}; pulumi config set aws:region ap-northeast-2")
    made.sh("pulumi config set azure-native:location koreacentral")
    return made


@pytest.fixture(scope="module")
def first_answers(bare: Site) -> list[list[str]]:
    """What dr and one were answered with from before the first `up` until after it."""
    with concurrent.futures.ThreadPoolExecutor() as beside:
        watched = [beside.submit(bare.answers, name, 75) for name in (DR, ONE)]
        bare.sh("pulumi up --yes --skip-preview --non-interactive")
        return [one.result() for one in watched]


@pytest.fixture(scope="module")
def site(bare: Site, first_answers: list[list[str]]) -> Site:
    bare.put("shoplatch", "primary", "served by site aws")
    bare.seconds_until(WWW, PRIMARY, HEALTH_SECONDS)
    return bare


def test_no_user_is_led_to_the_standby_while_the_checks_are_new(site: Site, first_answers: list[list[str]]) -> None:
    for answers in first_answers:
        assert not {EDGE, MACHINE} & set(answers)
        assert PRIMARY in answers, "the positive control: the name was there to be asked for"
    assert site.desk("until", WITNESS, CLEAR, "1")


def test_the_notice_is_a_503_that_nobody_keeps_and_its_health_page_a_200(site: Site) -> None:
    assert site.status("notice", "/any/page") == ["503", "300", "no-store"]
    assert site.status("notice", "/petclinic/owners", "-X", "POST") == ["503", "300", "no-store"]
    assert site.status("notice", "/healthz")[0] == "200"
    assert site.status("front", "/petclinic/")[0] in ("502", "504"), "there is no machine yet"


def test_a_dead_primary_moves_the_notice_and_not_the_application(site: Site) -> None:
    site.delete("shoplatch", "primary")
    assert site.seconds_until(WWW, EDGE, HEALTH_SECONDS + 5) <= HEALTH_SECONDS
    assert site.answers(DR, 2) == [PRIMARY]
    assert site.answers(ONE, 2) == [PRIMARY], "its own check of the primary is as red, and for alarms only"


def test_the_latch_moves_every_name_within_its_promise(site: Site) -> None:
    for account in ("shopnotice", "shoplatch"):
        site.put(account, "latch/dr")
    assert site.seconds_until(DR, EDGE, LATCH_SECONDS + 5) <= LATCH_SECONDS
    assert site.seconds_until(WWW, EDGE, 1) <= 1
    assert site.seconds_until(ONE, MACHINE, 1) <= 1
    assert int(site.desk("ttl", ONE)) <= 60
    assert site.seconds_until(WITNESS, SET, 1) <= 1


def test_with_the_latch_set_an_up_changes_nothing(site: Site) -> None:
    site.sh("pulumi up --yes --skip-preview --refresh --expect-no-changes --non-interactive")


@pytest.mark.parametrize("lost", ["shopnotice", "shoplatch"])
def test_with_the_latch_set_neither_the_primarys_return_nor_a_red_standby_nor_one_lost_object_moves_anybody(
    site: Site, lost: str
) -> None:
    site.put("shoplatch", "primary", "served by site aws")  # AWS is back
    site.delete("shopnotice", "healthz")  # the notice's own check goes red; dr's is, without a machine
    site.delete(lost, "latch/dr")
    try:
        with concurrent.futures.ThreadPoolExecutor() as both:
            seen = list(both.map(lambda name: site.answers(name, HEALTH_SECONDS + 4), (WWW, DR, ONE)))
        assert seen == [[EDGE], [EDGE], [MACHINE]]
    finally:
        site.put(lost, "latch/dr")
        site.put("shopnotice", "healthz", "twinsite-ok")


def test_without_the_latch_users_are_back_at_the_primary(site: Site) -> None:
    for account in ("shopnotice", "shoplatch"):
        site.delete(account, "latch/dr")
    assert site.seconds_until(DR, PRIMARY, LATCH_SECONDS + 5) <= LATCH_SECONDS
    assert site.seconds_until(WWW, PRIMARY, LATCH_SECONDS + 5) <= LATCH_SECONDS
    assert site.seconds_until(ONE, PRIMARY, 1) <= 1
    assert site.desk("until", WITNESS, CLEAR, "5")
