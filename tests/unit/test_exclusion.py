"""What an `up` leaves out while a site is dead, where another site is made by the same packages."""

from typing import Any

import pytest

from operations.moves.exclusion import Exclusion
from twinsite.inventory import Site

URN = "urn:pulumi:dr::twinsite::"
SEOUL = Site("seoul", ("aws",), "ap-northeast-2")
TOKYO = Site("tokyo", ("aws",), "ap-northeast-1")
AWS = Site("aws", ("aws", "kubernetes"), "ap-northeast-2")
GCP = Site("gcp", ("gcp", "kubernetes"), "asia-northeast3")


def resource(kind: str, name: str, provider: str = "", **inputs: Any) -> dict[str, Any]:
    state = {"inputs": inputs, "provider": f"{provider}::some-id" if provider else ""}
    return {"urn": f"{URN}{kind}::{name}", "op": "create", "newState": state}


def provider(package: str, name: str, **inputs: Any) -> dict[str, Any]:
    return resource(f"pulumi:providers:{package}", name, **inputs)


def excluded(words: list[str]) -> list[str]:
    assert words[::2] == ["--exclude"] * (len(words) // 2)
    return words[1::2]


def test_what_only_one_site_has_is_left_out_by_its_types() -> None:
    assert excluded(Exclusion(AWS, (Site("azure", ("azure-native",)),)).words()) == ["**aws:*/**", "**kubernetes:*/**"]


def test_of_two_regions_of_one_provider_the_dead_one_is_left_out_by_its_resources_regions() -> None:
    there = provider("aws", "default", region="ap-northeast-1")
    steps = [
        there,
        resource("aws:ec2/instance:Instance", "database-seoul", there["urn"], region="ap-northeast-2"),
        resource("aws:ec2/instance:Instance", "database-tokyo", there["urn"], region="ap-northeast-1"),
        # Without a region of its own it is where its provider is.
        resource("aws:s3/bucket:Bucket", "copies", there["urn"]),
    ]
    out = Exclusion(SEOUL, (TOKYO,))
    assert out.words() == []
    assert excluded(out.words(steps)) == [steps[1]["urn"]]
    assert excluded(Exclusion(TOKYO, (SEOUL,)).words(steps)) == [steps[2]["urn"], steps[3]["urn"]]
    assert out.problems(steps) == []


def test_of_two_clusters_the_dead_sites_is_left_out_by_its_providers_name() -> None:
    eks, gke = provider("kubernetes", "cluster-aws"), provider("kubernetes", "cluster-gcp")
    steps = [
        eks,
        gke,
        resource("kubernetes:apps/v1:Deployment", "petclinic-aws", eks["urn"]),
        resource("kubernetes:apps/v1:Deployment", "petclinic-gcp", gke["urn"]),
    ]
    out = Exclusion(AWS, (GCP,))
    assert excluded(out.words()) == ["**aws:*/**"]
    assert excluded(out.words(steps)) == ["**aws:*/**", steps[2]["urn"]]
    assert out.problems(steps) == []


def test_what_nothing_tells_apart_is_refused_with_the_fix() -> None:
    cluster = provider("kubernetes", "default_4_24_0")
    steps = [cluster, resource("kubernetes:core/v1:Secret", "told", cluster["urn"])]
    (problem,) = Exclusion(AWS, (GCP,)).problems(steps)
    assert problem.startswith("told may stand at aws or gcp: ")
    assert "give its provider a name with the site's" in problem


@pytest.mark.parametrize(("dead", "needs"), [(SEOUL, [("told", "gate-seoul")]), (TOKYO, [])])
def test_what_is_new_at_the_dead_region_and_needed_elsewhere_is_named(dead: Site, needs: list[tuple[str, str]]) -> None:
    new = resource("aws:ec2/instance:Instance", "gate-seoul", region="ap-northeast-2")
    other = resource("aws:s3/object:Object", "told", region="ap-northeast-1")
    other["newState"]["dependencies"] = [new["urn"]]
    others = tuple(site for site in (SEOUL, TOKYO) if site is not dead)
    assert Exclusion(dead, others).new_and_needed([new, other]) == needs
