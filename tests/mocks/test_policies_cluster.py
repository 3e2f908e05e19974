"""The lists of rights of what is in clusters: Kubernetes' own, and Google's, whose IAM decides there as well."""

import json
from pathlib import Path

FOLDER = Path("policies")
GCP, KUBERNETES = (json.loads((FOLDER / "actions" / f"{name}.json").read_text()) for name in ("gcp", "kubernetes"))
WATCHED: dict[str, list[str]] = KUBERNETES["types"]
"""Type → what the provider lists and watches for one, itself first."""


def test_googles_list_has_what_the_provider_waits_to_list() -> None:
    known = {kind: of["permissions"] for kind, of in GCP["types"].items() if kind.startswith("kubernetes:")}
    assert set(known) == set(WATCHED)
    role = set(json.loads((FOLDER / "gcp" / "aws-gcp.deployer.json").read_text())["includedPermissions"])
    for kind, permissions in known.items():
        listed = {one.split(".")[1].lower() for one in permissions if one.endswith(".list")}
        assert listed == {one.rpartition("/")[2] for one in WATCHED[kind]}, kind
        assert set(permissions) <= role, kind
    assert "container.persistentVolumeClaims.list" in known["kubernetes:apps/v1:Deployment"]
    # What may be listed may be watched [GKE, permissions of IAM: there is none that ends so].
    assert [one for one in role if one.endswith(".watch")] == []


def test_every_type_is_listed_itself() -> None:
    for kind, watched in WATCHED.items():
        _, version, name = kind.split(":")
        group = version.partition("/")[0]
        plural = name.lower() + ("es" if name.endswith("s") else "s")
        assert watched[0] == (plural if group == "core" else f"{group}/{plural}")
        assert watched[-1] == "events"
