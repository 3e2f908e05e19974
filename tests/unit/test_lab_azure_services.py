"""Azure's APIs of the lab, asked directly: tokens, roles, blobs, websites, secrets, commands."""

import base64
import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from lab.client import LabError
from lab.services import shared_key
from lab.services.api import Answer
from lab.services.azure import BACKING, KEY, SECRET, TENANT, Operator
from lab.services.azure_blob import ACCOUNT, CONTAINER, WEBSITE, Blobs
from lab.services.azure_commands import Commands
from lab.services.azure_login import Login
from lab.services.azure_management import MACHINE, Management, machine_of
from lab.services.azure_rights import ASSIGNMENT, SPREAD_SECONDS, Roles
from lab.services.azure_tenant import APPLICATION, CREDENTIAL, IDENTITY, Tenant
from lab.services.azure_vault import VAULT, Vaults
from lab.services.signature import Request

RG = "/subscriptions/s/resourceGroups/rg/providers"
STORE = f"{RG}/Microsoft.Storage/storageAccounts/drbackup"
BACKUPS = f"{STORE}/blobServices/default/containers/mysql-backup"
WHO = f"{RG}/Microsoft.ManagedIdentity/userAssignedIdentities/writer"
VM = f"{RG}/Microsoft.Compute/virtualMachines/standby"
WRITER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
STORAGE, KEYS = "https://storage.azure.com", "https://vault.azure.net"


class FakeAzurite:
    """Keeps blobs by container and name."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def ask(
        self, method: str, container: str, blob: str, query: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        key = f"{container}/{blob}"
        if "comp=list" in query:
            return 200, [], f'<EnumerationResults ContainerName="{container}"/>'.encode()
        if method == "PUT":
            self.blobs[key] = body
            return 201, [], b""
        if key not in self.blobs:
            return 404, [("x-ms-error-code", "BlobNotFound")], b""
        return 200, [("Content-Type", "text/html"), ("x-ms-blob-type", "BlockBlob")], self.blobs[key]


class Cloud:
    """All services on one dictionary of records."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {
            ACCOUNT: {
                STORE: {
                    "accountName": "drbackup",
                    "allowSharedKeyAccess": False,
                    "primaryEndpoints": {"web": "https://drbackup.z7.web.core.windows.net/"},
                }
            },
            CONTAINER: {BACKUPS: {"publicAccess": "None"}},
            BACKING: {"drbackup/mysql-backup": {"name": "c1"}},
            IDENTITY: {WHO: {"clientId": "client", "principalId": "principal"}},
            VAULT: {f"{RG}/Microsoft.KeyVault/vaults/dr-vault": {}},
            SECRET: {
                "dr-vault/password": {
                    "versions": [{"id": "v1", "value": "old", "created": 1}, {"id": "v2", "value": "new", "created": 2}]
                }
            },
            MACHINE: {VM: {"vmId": "0f8fad5b-d9cb-469f-a165-70867728950e", "name": "standby", "location": "here"}},
        }
        self.operator = Operator.new()
        self.azurite = FakeAzurite()
        self.commands = Commands()
        self.tenant = Tenant(self.operator, self.read)
        roles = Roles(self.operator, self.read)
        self.apis: list[Any] = [
            Login(self.tenant),
            Blobs(self.azurite, self.tenant, roles, self.read, self.put, self.forget),  # type: ignore[arg-type]
            Vaults(self.tenant, roles, self.read, self.put),
            Management(self.tenant, roles, self.read, self.commands, lambda machine: True, lambda machine, what: None),
        ]

    def read(self, token: str) -> dict[str, dict[str, Any]]:
        return self.records.get(token, {})

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.records.setdefault(token, {})[identity] = record

    def forget(self, token: str, identity: str) -> None:
        self.records.get(token, {}).pop(identity, None)

    def assign(self, role: str, scope: str, age: float = SPREAD_SECONDS + 1, principal: str = "principal") -> None:
        made = {"principalId": principal, "scope": scope, "__made": time.time() - age}
        self.put(ASSIGNMENT, f"{scope}{role}", {**made, "roleDefinitionId": f"/x/roleDefinitions/{role}"})

    def ask(
        self, method: str, url: str, token: str = "", body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urllib.parse.urlsplit(url)
        given = {"x-ms-version": "2023-11-03"} | {key.replace("_", "-"): value for key, value in headers.items()}
        if token:
            given["authorization"] = f"Bearer {token}"
        (api,) = [one for one in self.apis if one.owns(parts.hostname)]
        question = Request(method, str(parts.hostname), parts.path, parts.query, given, body)
        status, answered, text = api.answer(question)
        return status, {name.lower(): value for name, value in answered}, text

    def token(self, audience: str) -> str:
        """The identity's, as its machine gets it."""
        return self.tenant.for_machine([WHO], audience, "client", "")[0]

    def login(self, **form: str) -> tuple[int, dict[str, Any]]:
        body = urllib.parse.urlencode({"grant_type": "client_credentials", **form}).encode()
        status, _, text = self.ask("POST", f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token", body=body)
        return status, json.loads(text)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_an_application_of_somebodys_gets_in_by_its_own_secret_and_only_where_it_was_let_in(cloud: Cloud) -> None:
    cloud.put(APPLICATION, "app", {"secret": "word", "principalId": "its-principal"})
    form = {"client_id": "app", "scope": f"{STORAGE}/.default"}
    status, said = cloud.login(client_secret=cloud.operator.secret, **form)
    assert (status, said["error_codes"]) == (401, [7000215])
    status, said = cloud.login(client_secret="word", **form)
    assert status == 200, said
    url = "https://drbackup.blob.core.windows.net/mysql-backup/one"
    assert cloud.ask("PUT", url, said["access_token"], b"x")[0] == 403
    cloud.assign("ba92f5b4-2d11-453d-a403-e96b0029c9fe", BACKUPS, principal="its-principal")
    assert cloud.ask("PUT", url, said["access_token"], b"x")[0] == 201


BLOB = "https://drbackup.blob.core.windows.net/mysql-backup/backups/one/manifest.json"


def test_a_blob_is_written_with_a_role_only_and_a_new_role_takes_its_time(cloud: Cloud) -> None:
    token = cloud.token(STORAGE)
    status, headers, _ = cloud.ask("PUT", BLOB, token, b"{}")
    assert (status, headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")
    cloud.assign(WRITER, BACKUPS, age=0)
    assert cloud.ask("PUT", BLOB, token, b"{}")[0] == 403, "it has not spread yet"
    cloud.assign(WRITER, BACKUPS)
    assert cloud.ask("PUT", BLOB, token, b"{}")[0] == 201
    assert cloud.ask("GET", BLOB, token)[2] == b"{}"


def test_a_reader_writes_and_deletes_nothing_and_a_role_holds_below_its_scope_only(cloud: Cloud) -> None:
    token = cloud.token(STORAGE)
    cloud.assign(READER, BACKUPS)
    cloud.azurite.blobs["c1/backups/one/manifest.json"] = b"{}"
    assert cloud.ask("GET", BLOB, token)[0] == 200
    assert cloud.ask("PUT", BLOB, token, b"x")[0] == 403
    assert cloud.ask("DELETE", BLOB, token)[0] == 403
    cloud.put(BACKING, "drbackup/mysql-backup2", {"name": "c2"})
    other = BLOB.replace("mysql-backup", "mysql-backup2")
    assert cloud.ask("GET", other, token)[0] == 403, "a longer name is not inside"


def test_a_list_names_the_container_as_its_owner_does(cloud: Cloud) -> None:
    cloud.assign(READER, STORE)
    url = "https://drbackup.blob.core.windows.net/mysql-backup?restype=container&comp=list"
    assert cloud.ask("GET", url, cloud.token(STORAGE))[2] == b'<EnumerationResults ContainerName="mysql-backup"/>'


@pytest.mark.parametrize(
    ("code", "listed", "deleted"), [("KeyVaultVaultNotFound", 200, 404), ("AuthorizationFailure", 403, 403)]
)
def test_without_its_key_an_account_lists_and_deletes_and_behind_its_firewall_it_does_nothing(
    cloud: Cloud, code: str, listed: int, deleted: int
) -> None:
    (blobs,) = [one for one in cloud.apis if isinstance(one, Blobs)]
    token, container = cloud.token(STORAGE), BLOB.partition("/backups")[0]
    cloud.assign(WRITER, STORE)
    cloud.ask("PUT", BLOB, token, b"{}")
    blobs.refuse("drbackup", code)
    for method in ("GET", "HEAD", "PUT"):
        status, headers, _ = cloud.ask(method, BLOB, token)
        assert (status, headers["x-ms-error-code"]) == (403, code)
    assert cloud.ask("GET", f"{container}?restype=container&comp=list", token)[0] == listed
    assert cloud.ask("GET", f"{container}?restype=container&comp=list&include=metadata", token)[0] == 403
    assert cloud.ask("DELETE", f"{BLOB}.gone", token)[0] == deleted
    blobs.refuse("drbackup", "off")
    assert cloud.ask("GET", BLOB, token)[2] == b"{}"
    for account, wrong in (("drbackup", "NoSuchCode"), ("nobodys", code)):
        with pytest.raises(LabError):
            blobs.refuse(account, wrong)


def test_nobody_reads_without_a_token_unless_account_and_container_allow_it(cloud: Cloud) -> None:
    cloud.azurite.blobs["c1/backups/one/manifest.json"] = b"{}"
    assert cloud.ask("GET", BLOB)[1]["x-ms-error-code"] == "PublicAccessNotPermitted"
    cloud.records[ACCOUNT][STORE]["allowBlobPublicAccess"] = True
    assert cloud.ask("GET", BLOB)[:2][0] == 404
    cloud.records[CONTAINER][BACKUPS]["publicAccess"] = "Blob"
    assert cloud.ask("GET", BLOB)[0] == 200
    assert cloud.ask("PUT", BLOB, body=b"x")[0] == 404


def test_who_has_the_accounts_key_may_do_everything_where_the_account_takes_keys(cloud: Cloud) -> None:
    sent = {"x-ms-version": "2023-11-03", "x-ms-date": "Sat, 28 Nov 2026 22:00:00 GMT"}

    def ask(key: bytes, method: str = "GET", query: str = "") -> tuple[int, str]:
        path = urllib.parse.urlsplit(BLOB).path
        signed = shared_key.authorization(key, "drbackup", method, path, query, sent)
        given = {name.replace("-", "_"): value for name, value in sent.items()}
        status, headers, _ = cloud.ask(method, f"{BLOB}?{query}", authorization=signed, **given)
        return status, headers.get("x-ms-error-code", "")

    cloud.azurite.blobs["c1/backups/one/manifest.json"] = b"{}"
    cloud.put(KEY, "drbackup", {"key": base64.b64encode(b"the key").decode()})
    assert ask(b"the key") == (403, "KeyBasedAuthenticationNotPermitted")
    for takes in (True, None):  # null means that it does [Microsoft Learn, Storage Accounts - Create]
        cloud.records[ACCOUNT][STORE]["allowSharedKeyAccess"] = takes
        assert ask(b"the key") == (200, "")
        assert ask(b"the key", "PUT", "comp=metadata") == (201, "")
        assert ask(b"another") == (403, "AuthenticationFailed")
    assert cloud.ask("GET", f"{BLOB}?sig=x")[1]["x-ms-error-code"] == "AuthenticationFailed", "the lab knows no SAS"
    cloud.forget(KEY, "drbackup")
    assert ask(b"") == (403, "AuthenticationFailed"), "an account without a key is nobody's"


@pytest.mark.parametrize(
    ("audience", "status", "code"),
    [(KEYS, 401, "InvalidAuthenticationInfo"), ("https://drbackup.blob.core.windows.net", 404, "BlobNotFound")],
)
def test_a_token_counts_where_it_is_for(cloud: Cloud, audience: str, status: int, code: str) -> None:
    cloud.assign(READER, BACKUPS)
    found = cloud.ask("GET", BLOB, cloud.token(audience))
    assert (found[0], found[1]["x-ms-error-code"]) == (status, code)


def test_a_website_answers_anybody_and_what_is_missing_with_its_404_document(cloud: Cloud) -> None:
    url = "https://drbackup.z7.web.core.windows.net"
    assert cloud.ask("GET", f"{url}/")[0] == 404
    cloud.put(WEBSITE, f"{STORE}/staticWebsite", {"indexDocument": "index.html", "error404Document": "404.html"})
    cloud.put(BACKING, "drbackup/$web", {"name": "cweb"})
    cloud.azurite.blobs |= {"cweb/index.html": b"notice", "cweb/404.html": b"nothing", "cweb/latch/dr": b"set"}
    assert cloud.ask("GET", f"{url}/") == (200, {"content-type": "text/html"}, b"notice")
    assert cloud.ask("GET", f"{url}/latch/dr")[0::2] == (200, b"set")
    assert cloud.ask("GET", f"{url}/latch/www")[0::2] == (404, b"nothing")
    assert cloud.ask("POST", f"{url}/")[0] == 405
    assert cloud.ask("GET", "https://drbackup.z8.web.core.windows.net/")[0] == 404, "that is another account's zone"


def test_secrets_need_a_role_and_the_newest_version_is_the_value(cloud: Cloud) -> None:
    url = "https://dr-vault.vault.azure.net/secrets/password"
    status, headers, _ = cloud.ask("GET", f"{url}?api-version=7.4")
    assert status == 401
    assert 'resource="https://vault.azure.net"' in headers["www-authenticate"]
    status, _, text = cloud.ask("GET", f"{url}?api-version=7.4", cloud.token(KEYS))
    assert (status, json.loads(text)["error"]["code"]) == (403, "Forbidden")
    cloud.assign(SECRETS_USER, f"{RG}/Microsoft.KeyVault/vaults/dr-vault")
    assert json.loads(cloud.ask("GET", f"{url}?api-version=7.4", cloud.token(KEYS))[2])["value"] == "new"
    assert json.loads(cloud.ask("GET", f"{url}/v1?api-version=7.4", cloud.token(KEYS))[2])["value"] == "old"
    assert cloud.ask("PUT", f"{url}?api-version=7.4", cloud.token(KEYS), b'{"value": "x"}')[0] == 403
    assert cloud.ask("GET", f"{url}?api-version=7.4", cloud.token(STORAGE))[0] == 401


def test_owner_alone_reads_neither_blobs_nor_secrets(cloud: Cloud) -> None:
    cloud.assign("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "/subscriptions/s")
    assert cloud.ask("GET", BLOB, cloud.token(STORAGE))[0] == 403
    url = "https://dr-vault.vault.azure.net/secrets/password?api-version=7.4"
    assert cloud.ask("GET", url, cloud.token(KEYS))[0] == 403


def test_the_operators_secret_gives_a_token_and_a_wrong_one_entras_error(cloud: Cloud) -> None:
    scope = {"scope": f"{STORAGE}/.default", "client_id": cloud.operator.client_id}
    status, found = cloud.login(**scope, client_secret=cloud.operator.secret)
    assert status == 200
    assert cloud.ask("PUT", BLOB, found["access_token"], b"{}")[0] == 201
    status, found = cloud.login(**scope, client_secret="guess")
    assert (status, found["error"], found["error_codes"]) == (401, "invalid_client", [7000215])
    assert cloud.login(client_id=cloud.operator.client_id, scope=STORAGE)[1]["error"] == "invalid_scope"


def change(key: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda credential: credential.update({key: value})


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (change("issuer", "https://elsewhere.example"), "AADSTS700211"),
        (change("subject", "system:serviceaccount:petclinic:other"), "AADSTS700213"),
        (lambda credential: credential.update(audiences=["api://other"]), "AADSTS700212"),
        (None, ""),
    ],
)
def test_a_service_accounts_token_is_believed_with_its_exact_credential(
    cloud: Cloud, harm: Callable[[dict[str, Any]], None] | None, code: str
) -> None:
    from lab.services.azure_tenant import CLUSTER_ISSUER, EXCHANGE

    credential: dict[str, Any] = {
        "issuer": CLUSTER_ISSUER,
        "subject": "system:serviceaccount:petclinic:rds-backup",
        "audiences": [EXCHANGE],
    }
    if harm is not None:
        harm(credential)
    cloud.put(CREDENTIAL, f"{WHO}/federatedIdentityCredentials/job", credential)
    status, found = cloud.login(
        client_id="client",
        scope=f"{STORAGE}/.default",
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=cloud.tenant.service_account("petclinic", "rds-backup"),
    )
    if harm is None:
        assert cloud.tenant.read(found["access_token"])["oid"] == "principal"  # type: ignore[index]
    else:
        assert (status, found["error_description"].partition(":")[0]) == (401, code)


def test_a_token_of_another_tenants_key_is_worth_nothing(cloud: Cloud) -> None:
    forged = Cloud().tenant.issue("client", "principal", STORAGE, 3600)[0]
    cloud.assign(WRITER, BACKUPS)
    assert cloud.ask("PUT", BLOB, forged, b"x")[0] == 401
    expired = cloud.tenant.issue("client", "principal", STORAGE, -1)[0]
    assert cloud.ask("PUT", BLOB, expired, b"x")[0] == 401


def test_run_command_answers_as_azure_does_also_when_the_script_fails(cloud: Cloud) -> None:
    base, version = "https://management.azure.com", "?api-version=2024-07-01"
    token = cloud.tenant.for_secret(cloud.operator.client_id, cloud.operator.secret, base)[0]
    script = json.dumps({"commandId": "RunShellScript", "script": ["echo one", "exit 3"]}).encode()
    assert cloud.ask("POST", f"{base}{VM}/runCommand{version}", cloud.token(base), script)[0] == 403
    status, headers, _ = cloud.ask("POST", f"{base}{VM}/runCommand{version}", token, script)
    assert status == 202
    machine = machine_of(cloud.records[MACHINE][VM])
    command = cloud.commands.next(machine)
    assert command is not None
    assert command["script"] == "echo one\nexit 3"
    assert cloud.ask("GET", headers["location"], token)[0] == 202
    assert not cloud.commands.done("vm-another", command["id"], {}), "nobody answers for another machine"
    cloud.commands.done(machine, command["id"], {"exit_code": 3, "stdout": "one\n", "stderr": "", "timed_out": False})
    status, _, text = cloud.ask("GET", headers["location"], token)
    assert status == 200
    (value,) = json.loads(text)["value"]
    assert value["code"] == "ProvisioningState/succeeded", "Azure does not look at the exit code"
    assert value["message"] == "Enable succeeded: \n[stdout]\none\n\n[stderr]\n"
