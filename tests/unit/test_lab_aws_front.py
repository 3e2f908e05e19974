"""The AWS front with boto3 as the client, under the real host names, on a local port."""

import datetime
import importlib.util
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
import urllib3.util.connection
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials as Keys

from lab.methods import wait_until
from lab.services import credentials
from lab.services.authority import Authority
from lab.services.credentials import Credentials, Register, operator_credentials
from lab.services.front import Front, serve
from lab.services.signature import Denied, Request, verify
from tests.writer_registers import keeps_its_word
from twinsite.guest.errors import Failed
from twinsite.guest.writer.registers import S3Register

REGION = "ap-northeast-2"
BUCKET = "twinsite-guests"
READ_ONE = [
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/hosts/a/*"},
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/hosts/a/status.json"},
        ],
    }
]


class Bench:
    """A front with an operator and a machine whose role can be changed."""

    def __init__(self, folder: Path) -> None:
        self.register = Register(operator_credentials())
        self.roles: dict[str, list[dict[str, Any]]] = {"reader": READ_ONE}
        self.authority = Authority(folder / "ca")
        moto = folder / "moto.sock"
        self.moto = subprocess.Popen(
            [sys.executable, "-m", "lab.services.moto_process", str(moto), str(os.getpid())], stderr=subprocess.DEVNULL
        )
        wait_until(lambda: _accepts(moto), 30, "moto's start")
        listening = socket.create_server(("127.0.0.1", 0))
        self.front = Front(listening, self.authority, self.register, self.roles.get, moto, log=io.StringIO())
        self.port = listening.getsockname()[1]
        serve(self.front)

    def client(self, service: str, keys: Credentials | None = None, **config: Any) -> Any:
        keys = keys or self.register.operator
        return boto3.client(
            service,
            region_name=REGION,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token or None,
            verify=str(self.authority.certificate_path),
            config=Config(retries={"max_attempts": 0}, **config),
        )

    def machine(self, role: str = "reader") -> Credentials:
        return self.register.for_machine(role, "i-0123456789abcdef0")

    def stop(self) -> None:
        self.front.shutdown()
        self.front.server_close()
        self.moto.kill()
        self.moto.wait()


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("front"))
    real = urllib3.util.connection.create_connection
    patch = pytest.MonkeyPatch()

    def to_the_front(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        assert address[0].endswith(".amazonaws.com")
        return real(("127.0.0.1", made.port), *args, **kwargs)

    patch.setattr(urllib3.util.connection, "create_connection", to_the_front)
    s3 = made.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key="hosts/a/desired.json", Body=b'{"host": "a"}')
    s3.put_object(Bucket=BUCKET, Key="hosts/b/desired.json", Body=b'{"host": "b"}')
    yield made
    patch.undo()
    made.stop()


def refusal(call: Any, **arguments: Any) -> tuple[str, int]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("style", ["virtual", "path"])
def test_a_bucket_is_reached_by_host_name_and_by_path(bench: Bench, style: str) -> None:
    s3 = bench.client("s3", s3={"addressing_style": style})
    assert s3.get_object(Bucket=BUCKET, Key="hosts/b/desired.json")["Body"].read() == b'{"host": "b"}'


def test_keys_with_spaces_signs_and_unicode_survive_the_front(bench: Bench) -> None:
    s3 = bench.client("s3")
    key = "odd/a b+c=d&é%20.txt"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * 100_000)
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == 100_000
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix="odd/")["Contents"]] == [key]


def test_a_bucket_policy_that_denies_clear_text_does_not_deny_tls(bench: Bench) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3 = bench.client("s3")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    try:
        assert s3.get_object(Bucket=BUCKET, Key="hosts/b/desired.json")["Body"].read() == b'{"host": "b"}'
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)


def test_a_conditional_get_of_an_unchanged_object_is_304(bench: Bench) -> None:
    s3 = bench.client("s3", bench.machine())
    etag = s3.get_object(Bucket=BUCKET, Key="hosts/a/desired.json")["ETag"]
    assert refusal(s3.get_object, Bucket=BUCKET, Key="hosts/a/desired.json", IfNoneMatch=etag) == ("304", 304)


def test_a_role_reads_what_its_policy_names_and_nothing_else(bench: Bench) -> None:
    s3 = bench.client("s3", bench.machine())
    assert s3.get_object(Bucket=BUCKET, Key="hosts/a/desired.json")["Body"].read() == b'{"host": "a"}'
    assert refusal(s3.get_object, Bucket=BUCKET, Key="hosts/b/desired.json") == ("AccessDenied", 403)
    assert refusal(s3.put_object, Bucket=BUCKET, Key="hosts/a/desired.json", Body=b"") == ("AccessDenied", 403)
    assert refusal(s3.list_objects_v2, Bucket=BUCKET) == ("AccessDenied", 403)
    assert refusal(s3.delete_object, Bucket=BUCKET, Key="hosts/a/status.json") == ("AccessDenied", 403)
    s3.put_object(Bucket=BUCKET, Key="hosts/a/status.json", Body=b"{}")


def test_an_object_that_does_not_exist_is_403_without_list_bucket_and_404_with_it(bench: Bench) -> None:
    key = {"Bucket": BUCKET, "Key": "hosts/a/none.json"}
    assert refusal(bench.client("s3", bench.machine()).get_object, **key) == ("AccessDenied", 403)
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}
    bench.roles["lister"] = [*READ_ONE, {"Statement": listing}]
    assert refusal(bench.client("s3", bench.machine("lister")).get_object, **key) == ("NoSuchKey", 404)


def test_a_secret_is_given_to_the_role_that_may_read_it(bench: Bench) -> None:
    operator = bench.client("secretsmanager")
    arn = operator.create_secret(Name="psk", SecretString="p" + "x" * 47)["ARN"]
    get = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn}
    bench.roles["keeper"] = [{"Statement": [get]}]
    keeper = bench.client("secretsmanager", bench.machine("keeper"))
    assert keeper.get_secret_value(SecretId=arn)["SecretString"] == "p" + "x" * 47
    assert keeper.get_secret_value(SecretId="psk")["ARN"] == arn, "by name, too: AWS evaluates the ARN"
    reader = bench.client("secretsmanager", bench.machine("reader"))
    assert refusal(reader.get_secret_value, SecretId=arn) == ("AccessDeniedException", 400)
    assert refusal(keeper.put_secret_value, SecretId=arn, SecretString="y") == ("AccessDeniedException", 400)


def test_parameters_are_stored_and_guarded(bench: Bench) -> None:
    bench.client("ssm").put_parameter(Name="/twinsite/a", Value="1", Type="String")
    assert bench.client("ssm").get_parameter(Name="/twinsite/a")["Parameter"]["Value"] == "1"
    machine = bench.client("ssm", bench.machine())
    assert refusal(machine.get_parameter, Name="/twinsite/a") == ("AccessDeniedException", 400)


def test_each_caller_learns_its_own_identity(bench: Bench) -> None:
    machine = bench.client("sts", bench.machine()).get_caller_identity()
    assert machine["Arn"] == f"arn:aws:sts::{credentials.ACCOUNT}:assumed-role/reader/i-0123456789abcdef0"
    assert bench.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{credentials.ACCOUNT}:user/operator"


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        ({"access_key": "AKIAMADEUPMADEUPMADE"}, "InvalidAccessKeyId"),
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"token": "wrong"}, "InvalidToken"),
    ],
)
def test_credentials_that_the_lab_did_not_issue_are_refused(bench: Bench, spoilt: dict[str, str], code: str) -> None:
    good = bench.machine()
    keys = Credentials(**{"access_key": good.access_key, "secret_key": good.secret_key, "token": good.token} | spoilt)
    assert refusal(bench.client("s3", keys).get_object, Bucket=BUCKET, Key="hosts/a/desired.json")[0] == code


def test_a_presigned_address_needs_no_keys_and_only_as_it_was_signed(bench: Bench) -> None:
    s3 = bench.client("s3", bench.machine(), signature_version="s3v4", s3={"addressing_style": "virtual"})
    key = {"Bucket": BUCKET, "Key": "hosts/a/desired.json"}
    url = s3.generate_presigned_url("get_object", Params={**key, "ResponseContentType": "a/b c"}, ExpiresIn=60)
    pool = urllib3.PoolManager(ca_certs=str(bench.authority.certificate_path))
    assert pool.request("GET", url).data == b'{"host": "a"}'
    answer = pool.request("GET", url.replace("hosts/a", "hosts/b"))
    assert (answer.status, b"<Code>SignatureDoesNotMatch</Code>" in answer.data) == (403, True)


def test_a_signature_covers_the_headers_that_the_caller_names_and_a_body_that_no_header_hashes() -> None:
    register = Register(operator_credentials())
    keys, host = register.for_machine("reader", "i-1"), f"ssm.{REGION}.amazonaws.com"
    given = AWSRequest("POST", f"https://{host}/", {"user-agent": "lib/1"}, b'{"Name": "/a"}')
    signer = SigV4Auth(Keys(keys.access_key, keys.secret_key, keys.token), "ssm", REGION)
    # botocore itself leaves the agent's name unsigned; AWS goes by what the caller says that it signed
    signer.headers_to_sign = lambda request: HTTPHeaders.from_dict(
        {**{name.lower(): value for name, value in request.headers.items()}, "host": host}
    )
    signer.add_auth(given)
    headers = {name.lower(): value for name, value in given.headers.items()} | {"host": host}
    assert "user-agent" in headers["authorization"]
    good = Request("POST", host, "/", "", headers, b'{"Name": "/a"}')
    assert verify(good, register) == keys
    for spoilt in ({"body": b'{"Name": "/b"}'}, {"headers": headers | {"user-agent": "lib/2"}}):
        verdict = verify(Request(**{**good.__dict__, **spoilt}), register)
        assert (isinstance(verdict, Denied), getattr(verdict, "code", "")) == (True, "InvalidSignatureException")


def test_an_unsigned_request_is_refused(bench: Bench) -> None:
    pool = urllib3.PoolManager(ca_certs=str(bench.authority.certificate_path))
    answer = pool.request("GET", f"https://{BUCKET}.s3.{REGION}.amazonaws.com/hosts/a/desired.json")
    assert (answer.status, b"<Code>AccessDenied</Code>" in answer.data) == (403, True)


def test_a_client_that_does_not_trust_the_authority_does_not_connect(bench: Bench) -> None:
    with pytest.raises(urllib3.exceptions.MaxRetryError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib3.PoolManager().request("GET", f"https://s3.{REGION}.amazonaws.com/", retries=0)


def test_the_guests_own_signer_reads_writes_and_fetches_a_secret(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's agent signs by itself; what it sends must be right to AWS's rules, not to a client library's."""
    path = Path(__file__).parents[2] / "components" / "guest" / "agent" / "aws.py"
    spec = importlib.util.spec_from_file_location("guest_aws", path)
    assert spec is not None
    assert spec.loader is not None
    guest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(guest)
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda _, *rest, **named: real(("127.0.0.1", bench.port), *rest))
    monkeypatch.setenv("SSL_CERT_FILE", str(bench.authority.certificate_path))
    secret = bench.client("secretsmanager").create_secret(Name="guest psk", SecretString="p1")
    get = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret["ARN"]}
    bench.roles["guest"] = [*READ_ONE, {"Statement": get}]
    issued = bench.machine("guest")
    keys = {"AccessKeyId": issued.access_key, "SecretAccessKey": issued.secret_key, "Token": issued.token}
    content, etag = guest.s3_get(BUCKET, REGION, "hosts/a/desired.json", keys)
    assert content == b'{"host": "a"}'
    assert guest.s3_get(BUCKET, REGION, "hosts/a/desired.json", keys, etag) == (None, etag)
    guest.s3_put(BUCKET, REGION, "hosts/a/status.json", b"{}", keys)
    assert guest.secret(secret["ARN"], secret["VersionId"], REGION, keys) == "p1"
    with pytest.raises(guest.CallError) as caught:
        guest.s3_get(BUCKET, REGION, "hosts/b/desired.json", keys)
    assert caught.value.status == 403
    with pytest.raises(guest.CallError) as caught:
        guest.s3_get(BUCKET, REGION, "hosts/a/desired.json", keys | {"SecretAccessKey": "wrong"})
    assert "SignatureDoesNotMatch" in str(caught.value)


def test_a_guests_register_in_s3_keeps_its_word(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against moto's If-Match and If-None-Match, through the guest's own signer."""
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda _, *rest, **named: real(("127.0.0.1", bench.port), *rest))
    monkeypatch.setenv("SSL_CERT_FILE", str(bench.authority.certificate_path))
    issued = bench.register.operator
    keys = {"AccessKeyId": issued.access_key, "SecretAccessKey": issued.secret_key, "Token": issued.token or ""}
    keeps_its_word(S3Register(BUCKET, REGION, lambda: keys))
    with pytest.raises(Failed, match=r"(?s)s3://nobodys/writer\.json cannot be read: .*NoSuchBucket"):
        S3Register("nobodys", REGION, lambda: keys).read()
    bench.roles["reader"] = READ_ONE
    issued = bench.machine()
    keys = {"AccessKeyId": issued.access_key, "SecretAccessKey": issued.secret_key, "Token": issued.token}
    with pytest.raises(Failed, match=r"(?s)its identity needs s3:GetObject, s3:PutObject and s3:ListBucket"):
        S3Register(BUCKET, REGION, lambda: keys).read()


def signed(register: Register, when: datetime.datetime | None = None, region: str = REGION) -> Request:
    """A request as botocore signs it; `when` overrides its clock."""
    keys = register.for_machine("reader", "i-1")
    host = f"{BUCKET}.s3.{REGION}.amazonaws.com"
    request = AWSRequest("GET", f"https://{host}/hosts/a/desired.json?list-type=2&prefix=a%2Fb")
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    SigV4Auth(Keys(keys.access_key, keys.secret_key, keys.token), "s3", region).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": host}
    return Request("GET", host, "/hosts/a/desired.json", "list-type=2&prefix=a%2Fb", headers, b"")


def test_a_signature_is_checked_against_path_query_scope_and_clock() -> None:
    register = Register(operator_credentials())
    good = signed(register)
    assert verify(good, register) == register.for_machine("reader", "i-1")

    def code(request: Request, now: datetime.datetime | None = None) -> str:
        verdict = verify(request, register, now)
        return verdict.code if isinstance(verdict, Denied) else "accepted"

    def changed(**fields: Any) -> Request:
        return Request(**{**good.__dict__, **fields})

    now = datetime.datetime.now(datetime.UTC)
    assert code(changed(path="/hosts/b/desired.json")) == "SignatureDoesNotMatch"
    assert code(changed(query="list-type=2&prefix=c")) == "SignatureDoesNotMatch"
    assert code(changed(headers={**good.headers, "x-amz-acl": "public-read"})) == "AccessDenied"
    assert code(signed(register, region="us-east-1")) == "AuthorizationHeaderMalformed"
    assert code(good, now + datetime.timedelta(minutes=16)) == "RequestTimeTooSkewed"
    assert code(good, now + datetime.timedelta(hours=7)) == "ExpiredToken"
