"""Each family's verdict: what is ok, what is not and how it is mended, and what counts as not asked."""

import dataclasses
import datetime
import json
import pathlib
from typing import Any

import pytest

from operations.amazon import Refused
from operations.doctor import (
    certificates,
    clock,
    delegation,
    identity,
    issuer,
    names,
    offers,
    policies,
    quotas,
    registrations,
    rights,
    state,
)
from operations.doctor.answers import Answer, Finding
from operations.unanswered import CouldNotAsk
from tests.doctor_world import FakeAws, FakeAzure
from twinsite.needs import Aws, Azure, Cluster, Home, Machine, MySqlServer

OK, NOT_OK = Answer.OK, Answer.NOT_OK
AWS = Aws("eu-west-1", "", "eu-west-1a", (Machine("gateway", "t3.micro", "ami-0123456789abcdef0"),), 1, 1)
AZURE = Azure("sub", "here", (), "rg", (Machine("standby", "Standard_B2s", "P:O:S:latest"),),
              MySqlServer("Standard_B2s", "8.4"), ("one",), "kv", 1)  # fmt: skip
NOW = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)


def says(found: Finding, answer: Answer, *words: str) -> None:
    assert found.answer == answer, found
    text = f"{found.words} → {found.fix}"
    assert [one for one in words if one not in text] == [], text
    assert answer == OK or found.fix


# Identity and rights.


def test_the_root_user_is_nobody_to_deploy_with() -> None:
    says(identity.caller("arn:aws:iam::1:root", "1"), NOT_OK, "no policy limits", "policies/aws/")
    says(identity.at_aws(FakeAws({})), OK, "assumed-role/deployer", "123456789012")


def test_a_subscription_must_be_there_and_enabled() -> None:
    one = {"displayName": "Ours", "state": "Enabled", "tenantId": "t"}
    says(identity.at_azure(FakeAzure({"/subscriptions/sub": one}), "sub"), OK, "Ours")
    says(identity.at_azure(FakeAzure({"/subscriptions/sub": {**one, "state": "Warned"}}), "sub"), NOT_OK, "Warned")
    says(identity.at_azure(FakeAzure({}), "sub"), NOT_OK, "none that this identity sees", "az account list")
    with pytest.raises(CouldNotAsk, match="azure-native:subscriptionId is not made"):
        identity.at_azure(FakeAzure({}), "")


def simulated(given: dict[str, Any], no: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalDecision": "implicitDeny" if action in no else "allowed"}
            for action in given["ActionNames"]
        ]
    }


def test_every_action_of_the_list_is_simulated_for_the_role_behind_the_session() -> None:
    file = policies.path("aws", "onprem-aws", "pilot-light", "deployer")
    assert file is not None
    role = {"Role": {"Arn": "arn:aws:iam::123456789012:role/path/deployer"}}
    aws = FakeAws({"iam:GetRole": role, "iam:SimulatePrincipalPolicy": simulated})
    words = {"region": "eu-west-1", "stack": "dev", "gateway_ami": "ami-1", "source_ami": "ami-2"}
    found = rights.at_aws(aws, file, "deployer", words)
    wanted = {action for one in policies.statements(file.read_text()) for action in one.actions}
    says(found, OK, f"all {len(wanted)} of policies/aws/onprem-aws.deployer.json")
    asked = [given for call, given in aws.asked if call == "iam:SimulatePrincipalPolicy"]
    assert {action for given in asked for action in given["ActionNames"]} == wanted
    assert {given["PolicySourceArn"] for given in asked} == {"arn:aws:iam::123456789012:role/path/deployer"}
    assert "<" not in json.dumps([given["ResourceArns"] for given in asked])
    entries = {
        entry["ContextKeyName"]: entry["ContextKeyValues"] for given in asked for entry in given["ContextEntries"]
    }
    assert entries["aws:ResourceTag/twinsite:stack"] == ["dev"]


def test_a_right_that_lacks_is_named_and_a_role_that_cannot_be_looked_up_has_no_path() -> None:
    file = policies.path("aws", "aws-azure", "cold", "deployer")
    denied = CouldNotAsk("you may not ask it: iam:GetRole is refused")
    aws = FakeAws(
        {
            "iam:GetRole": denied,
            "iam:SimulatePrincipalPolicy": lambda given: simulated(given, ("sns:CreateTopic", "acm:DeleteCertificate")),
        }
    )
    found = rights.at_aws(aws, file, "deployer", {})
    says(found, NOT_OK, "2 of ", "sns:CreateTopic", "acm:DeleteCertificate", "--policies", "put-role-policy")
    assert aws.asked[-1][1]["PolicySourceArn"] == "arn:aws:iam::123456789012:role/deployer"


def test_an_organizations_no_counts() -> None:
    one = {"EvalActionName": "a:B", "EvalDecision": "allowed"}
    assert rights.decisions([one]) == [("a:B", True)]
    assert rights.decisions([{**one, "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}]) == [
        ("a:B", False)
    ]


def test_a_no_for_one_of_several_resources_counts() -> None:
    each = [
        {"EvalResourceName": name, "EvalResourceDecision": said}
        for name, said in (("a", "allowed"), ("b", "implicitDeny"))
    ]
    one = {"EvalActionName": "a:B", "EvalDecision": "allowed", "ResourceSpecificResults": each}
    assert rights.decisions([one]) == [("a:B", False)]


def test_azures_roles_add_up_and_each_takes_away_from_itself_only() -> None:
    contributor = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
    access = {"actions": ["Microsoft.Authorization/roleAssignments/write"], "notActions": []}
    write = "Microsoft.Authorization/roleAssignments/write"
    assert not rights.permitted([contributor], write, "actions", "notActions")
    assert rights.permitted([contributor, access], write, "actions", "notActions")
    assert not rights.permitted([contributor], "x/blobs/read", "dataActions", "notDataActions")


def test_azures_rights_are_asked_at_the_group_or_above_while_there_is_none() -> None:
    file = policies.path("azure", "aws-azure", "warm", "deployer")
    scope = "/subscriptions/sub/providers/Microsoft.Authorization/permissions"
    everything = {"value": [{"actions": ["*"], "notActions": [], "dataActions": ["*"], "notDataActions": []}]}
    azure = FakeAzure({scope: everything})
    says(rights.at_azure(azure, file, "deployer", "sub", "rg"), OK, "aws-azure.deployer.warm.json")
    assert [one.rpartition("/providers/")[0] for one in azure.asked] == [
        "GET /subscriptions/sub/resourceGroups/rg",
        "GET /subscriptions/sub",
    ]
    reader = {"value": [{"actions": ["*/read"], "notActions": []}]}
    found = rights.at_azure(FakeAzure({scope: reader}), file, "deployer", "sub", "rg")
    says(found, NOT_OK, "Microsoft.", "az role assignment create")


def test_the_cluster_is_asked_for_each_verb_and_resource() -> None:
    cluster = Cluster("", "petclinic")
    file = policies.path("kubernetes", "aws-azure", "cold", "operator")
    assert file is not None
    given = rights.reviews(cluster, list(policies.rules(file.read_text())))
    about = [one["spec"]["resourceAttributes"] for one in given["items"]]
    logs = {"namespace": "petclinic", "verb": "get", "group": "", "resource": "pods", "subresource": "log"}
    assert logs in about
    answered = [
        {**one, "status": {"allowed": one["spec"]["resourceAttributes"]["verb"] != "delete"}} for one in given["items"]
    ]
    text = "\n".join(json.dumps(one) for one in answered)
    asked = rights.reviewed(identity.objects(text))
    assert len(asked) == len(about)
    assert [what for what, may in asked.items() if not may] == ["delete jobs"]
    says(rights.held(asked, file, "apply it"), NOT_OK, "1 of ", "delete jobs")


def test_who_needs_nothing_there_is_ok_and_a_role_that_answers_nothing_is_not() -> None:
    assert policies.path("aws", "aws-azure", "warm", "operator") is None
    says(rights.at_aws(FakeAws({}), None, "operator", {}), OK, "needs none")
    with pytest.raises(CouldNotAsk):
        rights.held({}, pathlib.Path("x"), "y")


def test_the_lists_are_written_filled_in_with_what_is_still_to_fill(tmp_path: pathlib.Path) -> None:
    written = dict(
        policies.write(tmp_path, "aws-azure", "warm", {"subscription": "sub", "zone_id": "Z9", "namespace": "n"})
    )
    assert sorted(path.name for path in written) == [
        "aws-aws-azure.deployer.json", "aws-doctor.json", "azure-aws-azure.deployer.warm.json",
        "azure-aws-azure.operator.json", "azure-doctor.json", "kubernetes-aws-azure.deployer.yaml",
        "kubernetes-aws-azure.operator.yaml",
    ]  # fmt: skip
    assert "hostedzone/Z9" in (tmp_path / "aws-aws-azure.deployer.json").read_text()
    assert written[tmp_path / "aws-aws-azure.deployer.json"] == ["account", "partition"]
    assert written[tmp_path / "azure-aws-azure.operator.json"] == ["resource_group"]


# Providers, quotas, offers.


def test_an_unregistered_provider_is_named_with_its_command() -> None:
    listed = [{"namespace": "microsoft.compute", "registrationState": "Registered"},
              {"namespace": "Microsoft.DBforMySQL", "registrationState": "NotRegistered"}]  # fmt: skip
    says(registrations.registered(listed, ["Microsoft.Compute"]), OK)
    found = registrations.registered(listed, ["Microsoft.Compute", "Microsoft.DBforMySQL", "Microsoft.Insights"])
    says(
        found,
        NOT_OK,
        "Microsoft.DBforMySQL, Microsoft.Insights",
        "az provider register --namespace Microsoft.DBforMySQL",
    )
    file = policies.path("azure", "aws-azure", "cold", "deployer")
    assert file is not None
    assert "Microsoft.KeyVault" in registrations.namespaces(file)
    assert "Microsoft.Authorization" not in registrations.namespaces(file)


def machine(size: str, cores: int, stack: str = "", **more: Any) -> dict[str, Any]:
    tags = [{"Key": "twinsite:stack", "Value": stack}] if stack else []
    return {"InstanceType": size, "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": 2}, "Tags": tags, **more}


def test_cpus_of_others_count_and_what_the_stack_has_is_not_wanted_again() -> None:
    running = [machine("m5.large", 1), machine("m5.large", 1, InstanceLifecycle="spot"), machine("p4d.24xlarge", 48),
               machine("t3.micro", 1, "dev")]  # fmt: skip
    room = quotas.cpu_room(running, {"t3.micro": 2, "t3.medium": 2}, ["t3.micro", "t3.medium"], "dev", 5)
    assert (room.used, room.wanted) == (4, 2)
    says(quotas.enough(room, "ask for more"), NOT_OK, "4 of 5 in use, 2 more wanted")
    assert quotas.is_standard("t3.micro") and quotas.is_standard("m7i.large") and quotas.is_standard("im4gn.large")
    assert not any(map(quotas.is_standard, ("p5.48xlarge", "inf2.xlarge", "g5.xlarge", "trn1.2xlarge", "x2idn.large")))


def test_an_account_with_default_quotas_is_asked_for_the_default() -> None:
    gone = Refused("NoSuchResourceException", "no")
    aws = FakeAws(
        {
            "service-quotas:GetServiceQuota": gone,
            "service-quotas:GetAWSDefaultServiceQuota": {"Quota": {"Value": 5.0}},
            "ec2:DescribeAddresses": {"Addresses": [{}] * 5},
            "ec2:DescribeVpcs": {"Vpcs": [{"Tags": [{"Key": "twinsite:stack", "Value": "dev"}]}]},
        }
    )
    found = quotas.counted(aws, AWS, "dev")
    says(found, NOT_OK, "elastic addresses: 5 of 5 in use, 1 more wanted", "--quota-code L-0263D0A3 --desired-value 6")
    assert "VPCs" not in found.words


USAGES = [
    {"name": {"value": "cores"}, "currentValue": 8, "limit": 10},
    {"name": {"value": "standardBSFamily"}, "currentValue": 0, "limit": 1},
]
SKU = {"name": "Standard_B2s", "resourceType": "virtualMachines", "family": "standardBSFamily",
       "capabilities": [{"name": "vCPUs", "value": "2"}], "restrictions": []}  # fmt: skip


def azure(**more: Any) -> FakeAzure:
    return FakeAzure({"/skus": {"value": [SKU]}, "Microsoft.Compute/locations/here/usages": {"value": USAGES}, **more})


def test_azures_cores_are_counted_by_region_and_by_family() -> None:
    says(quotas.at_azure(azure(), AZURE), NOT_OK, "standardBSFamily: 0 of 1 in use, 2 more wanted")
    there = {"resourceGroups/rg/providers/Microsoft.Compute/virtualMachines":
             {"value": [{"properties": {"hardwareProfile": {"vmSize": "Standard_B2s"}}}]}}  # fmt: skip
    says(quotas.at_azure(azure(**there), AZURE), OK, "cores: 8 of 10 in use, 0 more wanted")
    usage = [{"name": {"value": "StandardSkuPublicIpAddresses"}, "currentValue": 20, "limit": 20}]
    says(quotas.address_room(usage, 1, "here"), NOT_OK, "20 of 20")
    says(quotas.address_room(usage, 0, "here"), OK)


def test_a_zone_and_its_types() -> None:
    zones = {"AvailabilityZones": [{"State": "available", "ZoneName": f"eu-west-1{letter}"} for letter in "ab"]}
    offered = [{"InstanceType": "t3.micro", "Location": "eu-west-1a"}]
    said = {
        "ec2:DescribeAvailabilityZones": zones,
        "ec2:DescribeInstanceTypeOfferings": {"InstanceTypeOfferings": offered},
    }
    says(offers.in_zone(FakeAws(said), AWS), OK, "t3.micro in eu-west-1a")
    for zone, words in (
        ("eu-west-1c", "eu-west-1c is not among this account's zones"),
        ("eu-west-1b", "EC2 does not offer t3.micro in eu-west-1b"),
        ("", "EC2 will choose a zone for the subnets, and does not offer t3.micro in eu-west-1b"),
    ):
        found = offers.in_zone(FakeAws(said), dataclasses.replace(AWS, zone=zone))
        says(found, NOT_OK, words, "availability_zone` to one of eu-west-1a")
    everywhere = [{"InstanceType": "t3.micro", "Location": f"eu-west-1{letter}"} for letter in "ab"]
    says(
        offers.zone_offers(everywhere, "", {"eu-west-1a", "eu-west-1b"}, ["t3.micro"]), OK, "each zone of this account"
    )


def test_an_image_must_be_there_and_run_on_the_type() -> None:
    image = {"State": "available", "Architecture": "x86_64", "Name": "ubuntu"}
    fits = {"t3.micro": ["x86_64"]}
    says(offers.image_fits("ami-1", [image], fits, "r", NOW), OK, "ubuntu")
    says(offers.image_fits("ami-1", [], fits, "r", NOW), NOT_OK, "no image in r")
    says(
        offers.image_fits("ami-1", [{**image, "Architecture": "arm64"}], fits, "r", NOW), NOT_OK, "t3.micro cannot run"
    )
    old = {**image, "DeprecationTime": "2026-01-01T00:00:00.000Z"}
    says(offers.image_fits("ami-1", [old], fits, "r", NOW), NOT_OK, "deprecated since 2026-01-01")
    placeholder = Aws("eu-west-1", machines=(Machine("gateway", "t3.micro", "ami-00000000000000000"),))
    says(offers.amis(FakeAws({}), placeholder), NOT_OK, "placeholder", "aws ssm get-parameter")


def test_a_size_that_azure_keeps_from_the_subscription() -> None:
    says(offers.azure_sizes(azure(), AZURE), OK)
    closed = {**SKU, "restrictions": [{"type": "Location", "reasonCode": "NotAvailableForSubscription"}]}
    says(
        offers.sizes_offered({"standard_b2s": closed}, ["Standard_B2s"], "here"), NOT_OK, "NotAvailableForSubscription"
    )
    zone = {**SKU, "restrictions": [{"type": "Zone", "reasonCode": "NotAvailableForSubscription"}]}
    says(offers.sizes_offered({"standard_b2s": zone}, ["Standard_B2s"], "here"), OK)


def test_the_managed_databases_size_and_version() -> None:
    edition = {"name": "Burstable", "supportedSkus": [{"name": "Standard_B2s"}]}
    answer = {
        "properties": {"supportedFlexibleServerEditions": [edition], "supportedServerVersions": [{"name": "8.4"}]}
    }
    asked = MySqlServer("Standard_B2s", "8.4")
    says(offers.server_offered(answer, asked, "here"), OK, "MySQL 8.4")
    says(
        offers.server_offered(answer, MySqlServer("Standard_D2ds_v4", "5.7"), "here"), NOT_OK, "Standard_D2ds_v4", "5.7"
    )
    with pytest.raises(CouldNotAsk, match="neither sizes nor versions"):
        offers.server_offered({"value": []}, asked, "here")
    closed = FakeAzure({"capabilitySets/default": CouldNotAsk("GET x: 500 InternalServerError: y")})
    with pytest.raises(CouldNotAsk, match="closed to a subscription"):
        offers.mysql(closed, AZURE, asked)


def test_an_image_of_the_marketplace_or_of_ones_own() -> None:
    versions = "publishers/P/artifacttypes/vmimage/offers/O/skus/S/versions"
    says(offers.azure_images(FakeAzure({versions: [{"name": "1.0"}, {"name": "1.1"}]}), AZURE), OK, "latest is 1.1")  # type: ignore[dict-item]
    says(offers.azure_images(FakeAzure({}), AZURE), NOT_OK, "P:O:S:latest is no image in here", "az vm image list")
    own = Azure("sub", "here", machines=(Machine("standby", "x", "/subscriptions/s/images/mine"),))
    says(offers.azure_images(FakeAzure({"images/mine": {}}), own), OK, "mine")


# Names, DNS, certificates, state, clock.

TAKEN = {"nameAvailable": False, "reason": "AlreadyExists", "message": "The name is already taken."}


def test_a_name_is_free_or_ours_or_somebody_elses() -> None:
    check, mine = (
        "Microsoft.Storage/checkNameAvailability",
        "resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/one",
    )
    says(names.accounts(FakeAzure({check: {"nameAvailable": True}}), AZURE), OK, "one is free")
    says(names.accounts(FakeAzure({check: TAKEN, mine: {}}), AZURE), OK, "one is this stack's")
    says(names.accounts(FakeAzure({check: TAKEN}), AZURE), NOT_OK, "already taken")


def test_a_deleted_vault_keeps_its_name() -> None:
    check = "Microsoft.KeyVault/checkNameAvailability"
    says(names.vault(FakeAzure({check: {"nameAvailable": True}}), AZURE), OK)
    says(
        names.vault(FakeAzure({check: TAKEN, "resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv": {}}), AZURE),
        OK,
    )
    says(
        names.vault(FakeAzure({check: TAKEN, "locations/here/deletedVaults/kv": {}}), AZURE), NOT_OK, "keyvault recover"
    )
    says(names.vault(FakeAzure({check: TAKEN}), AZURE), NOT_OK, "already taken")


def test_the_domain_must_lead_to_this_zone() -> None:
    own = ["ns-1.awsdns-1.org", "ns-2.awsdns-2.com"]
    says(delegation.delegated("example.com", "example.com", ["NS-1.awsdns-1.org."], own), OK)
    says(
        delegation.delegated("example.com", "example.com", ["ns.other.net"], own), NOT_OK, "ns.other.net", "ns-1.awsdns"
    )
    says(delegation.delegated("example.com", "example.com", [], own), NOT_OK, "not delegated at all")
    says(delegation.delegated("example.com", "example.org", own, own), NOT_OK, "of example.org")
    says(delegation.delegated("dr.example.com", "example.com", [], own), OK, "lies in the zone")


def test_a_zone_of_another_account_or_a_private_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delegation, "_servers", lambda domain: ["ns-1.awsdns-1.org"])
    gone = FakeAws({"route53:GetHostedZone": Refused("NoSuchHostedZone", "no")})
    says(delegation.ask(gone, "example.com", "Z1"), NOT_OK, "no hosted zone of this account")
    private = {"HostedZone": {"Name": "example.com.", "Config": {"PrivateZone": True}}}
    says(delegation.ask(FakeAws({"route53:GetHostedZone": private}), "example.com", "Z1"), NOT_OK, "private")


def test_a_certificate_that_ends_soon() -> None:
    day = 86400.0
    says(certificates.lasting("www", 100 * day, 0.0, "renew"), OK)
    says(certificates.lasting("www", 20 * day, 0.0, "renew"), NOT_OK, "20 days")
    says(certificates.lasting("www", 0.0, day, "renew"), NOT_OK, "over since 1970-01-01")


def test_a_certificate_as_openssl_tells_of_it() -> None:
    text = "Hostname dr.example.com does match certificate\nnotAfter=Nov 29 00:00:00 2027 GMT\n"
    says(certificates.read("origin_certificate", "dr.example.com", text, NOW.timestamp()), OK, "until 2027-11-29")
    other = text.replace("does match", "does NOT match")
    says(
        certificates.read("origin_certificate", "dr.example.com", other, NOW.timestamp()), NOT_OK, "not for dr.example"
    )
    says(certificates.read("origin_certificate", "dr.example.com", "", NOW.timestamp()), NOT_OK, "no certificate")


@pytest.mark.parametrize(
    ("backend", "answer", "words"),
    [
        ("", NOT_OK, "nobody is logged in"),
        ("file:///home", NOT_OK, "on this machine alone"),
        ("https://api.pulumi.com", OK, "by itself"),
        ("s3://states?region=eu-west-1", NOT_OK, "put-bucket-versioning --bucket states"),
        ("azblob://state?storage_account=kept", OK, "keeps versions"),
    ],
)
def test_where_the_state_is(backend: str, answer: Answer, words: str) -> None:
    aws = FakeAws({"s3:GetBucketVersioning": {"Status": "Suspended"}})
    account = {"name": "kept", "id": "/subscriptions/sub/x/kept"}
    there = FakeAzure(
        {
            "providers/Microsoft.Storage/storageAccounts": {"value": [account]},
            "kept/blobServices/default": {"properties": {"isVersioningEnabled": True}},
        }
    )
    says(state.ask(Home(backend), aws, there, AZURE), answer, words)


def test_a_backend_that_nobody_here_can_ask_is_not_ok_by_silence() -> None:
    with pytest.raises(CouldNotAsk, match="gs://bucket"):
        state.ask(Home("gs://bucket"), FakeAws({}), None, None)


def test_a_clock_that_is_off() -> None:
    date = "Sun, 29 Nov 2026 00:00:00 GMT"
    says(clock.skew("h", date, NOW.timestamp() + 2), OK)
    says(clock.skew("h", date, NOW.timestamp() + 400), NOT_OK, "400 s ahead of h", "set-ntp")
    says(clock.skew("h", date, NOW.timestamp() - 61), NOT_OK, "behind")
    with pytest.raises(CouldNotAsk):
        clock.skew("h", "", 0)


def test_the_issuer_is_compared_letter_by_letter() -> None:
    says(issuer.matches("https://i", 200, '{"issuer": "https://i"}'), OK)
    says(issuer.matches("https://i", 200, '{"issuer": "https://i/"}'), NOT_OK, "calls itself https://i/")
    says(issuer.matches("https://i", 404, ""), NOT_OK, "404")
