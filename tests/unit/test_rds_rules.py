"""Refusals about databases on Amazon RDS: whose certificates they have, and where to get the authority's."""

import pytest

from twinsite.rules.backup import BackupJobIntent
from twinsite.rules.rds import authority_problems, bundle_url

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
COMMON = "https://truststore.pki.rds.amazonaws.com"
GOVERNMENT = "https://truststore.pki.us-gov-west-1.rds.amazonaws.com"
CHINA = "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn"


def problems(address: object, pem: object = "") -> list[str]:
    return list(authority_problems("primary_database_ca", address, pem, " | pulumi config set primary_database_ca"))


@pytest.mark.parametrize(
    ("address", "bundle"),
    [
        ("clinic.c0abc.ap-northeast-2.rds.amazonaws.com", f"{COMMON}/ap-northeast-2/ap-northeast-2-bundle.pem"),
        ("CLINIC.C0ABC.Us-East-1.RDS.amazonaws.com.", f"{COMMON}/us-east-1/us-east-1-bundle.pem"),
        ("clinic.cluster-c0abc.eu-west-3.rds.amazonaws.com", f"{COMMON}/eu-west-3/eu-west-3-bundle.pem"),
        ("clinic.c0abc.us-gov-west-1.rds.amazonaws.com", f"{GOVERNMENT}/us-gov-west-1/us-gov-west-1-bundle.pem"),
        ("clinic.c0abc.rds.us-gov-east-1.amazonaws.com", f"{GOVERNMENT}/us-gov-east-1/us-gov-east-1-bundle.pem"),
        ("clinic.c0abc.rds.cn-north-1.amazonaws.com.cn", f"{CHINA}/cn-north-1/cn-north-1-bundle.pem"),
        ("clinic.c0abc.cn-northwest-1.rds.amazonaws.com.cn", f"{CHINA}/cn-northwest-1/cn-northwest-1-bundle.pem"),
    ],
)
def test_a_host_of_rds_without_amazons_authority_is_refused_with_the_command_that_brings_its_regions_bundle(
    address: str, bundle: str
) -> None:
    (said,) = problems(address)
    assert said.startswith(f"primary_database_ca is empty and {address.rstrip('.').lower()} is a host of Amazon RDS")
    assert said.endswith(f"`curl -fsS {bundle} | pulumi config set primary_database_ca`")
    assert problems(address, PEM) == []


@pytest.mark.parametrize(
    "address",
    [
        "clinic.proxy-c0abc.ap-northeast-2.rds.amazonaws.com",  # ACM's, which systems trust
        "db.example.com",
        "rds.amazonaws.com.example.com",
        "10.0.0.5",
        "",
        None,
        object(),  # an Output: nobody knows it yet
    ],
)
def test_other_hosts_and_those_that_nobody_knows_yet_may_go_by_the_systems_authorities(address: object) -> None:
    assert problems(address) == []


@pytest.mark.parametrize("address", ["clinic.c0abc.ap-northeast-2.rds.amazonaws.com", "db.example.com"])
def test_a_file_name_or_an_address_is_not_the_text_of_an_authority(address: str) -> None:
    for wrong in ("/etc/ssl/rds.pem", bundle_url("eu-west-1")):
        (said,) = problems(address, wrong)
        assert wrong[:40] in said
        assert "give the text itself" in said


def test_a_backup_job_asks_it_of_its_database() -> None:
    job = {"namespace": "n", "image": f"r/b@sha256:{'a' * 64}", "schedule": "1 1 * * *"}
    database = {"user": "backup", "address": "clinic.c0abc.ap-northeast-2.rds.amazonaws.com"}
    (said,) = BackupJobIntent.of({**job, "database": database}).problems()
    assert said.startswith("database.tls_ca is empty")
    assert BackupJobIntent.of({**job, "database": {**database, "tls_ca": PEM}}).problems() == []
