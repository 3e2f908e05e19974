"""The lab's sts:AssumeRoleWithWebIdentity: who gets keys of a role for a pod's token, and what everybody else hears."""

import json
import time
import urllib.parse
from typing import Any

import pytest

from lab.services.credentials import ACCOUNT, Register, operator_credentials
from lab.services.signature import Request
from lab.services.signer import Signer
from lab.services.web_identity import PROVIDER, ROLE, WebIdentity

ISSUER = "https://oidc.eks.ap-northeast-2.amazonaws.com/id/1"
SUBJECT = "system:serviceaccount:crm:twinsite-writer"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/agents"


def trust(**conditions: Any) -> dict[str, Any]:
    of = ISSUER.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": ARN},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions or {"StringEquals": {f"{of}:aud": "sts.amazonaws.com", f"{of}:sub": SUBJECT}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


class Account:
    """One provider, one role, and an issuer's key."""

    def __init__(self) -> None:
        self.signer, self.register = Signer(), Register(operator_credentials())
        self.records: dict[str, dict[str, Any]] = {
            PROVIDER: {ARN: {"url": ISSUER, "clientIdLists": ["sts.amazonaws.com"], "arn": ARN}},
            ROLE: {"agents": {"assumeRolePolicy": json.dumps(trust())}},
        }
        self.sts = WebIdentity(self.register, lambda token: self.records[token], self.signer)

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": ISSUER, "sub": SUBJECT, "aud": ["sts.amazonaws.com"], "exp": now + 600}
        return self.signer.sign({**given, **claims})

    def ask(self, token: str, accept: str = "application/json", **form: str) -> tuple[int, Any]:
        asked = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE_ARN}
        body = urllib.parse.urlencode({**asked, "RoleSessionName": "s", "WebIdentityToken": token, **form}).encode()
        request = Request("POST", "sts.ap-northeast-2.amazonaws.com", "/", "", {"accept": accept}, body)
        assert self.sts.asked(request)
        status, _, said = self.sts.answer(request)
        return status, json.loads(said) if "json" in accept else said.decode()


def test_a_trusted_pod_gets_keys_of_the_role_as_json_and_as_xml() -> None:
    account = Account()
    status, said = account.ask(account.token())
    assert status == 200, said
    keys = said["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"]
    known = account.register.find(keys["AccessKeyId"])
    assert known is not None
    assert (known.role, known.session, known.token) == ("agents", "s", keys["SessionToken"])
    status, said = account.ask(account.token(), accept="*/*")
    assert status == 200
    assert "<AccessKeyId>ASIA" in said
    assert keys["AccessKeyId"] not in said, "new ones each time"


@pytest.mark.parametrize(
    ("claims", "form", "code", "status"),
    [
        ({"sub": "system:serviceaccount:crm:default"}, {}, "AccessDenied", 403),
        ({"aud": ["https://iam.googleapis.com/x"]}, {}, "InvalidIdentityToken", 400),
        ({"iss": "https://another.example.com"}, {}, "InvalidIdentityToken", 400),
        ({"exp": 1}, {}, "ExpiredTokenException", 400),
        ({}, {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/none"}, "AccessDenied", 403),
        ({}, {"RoleArn": "arn:aws:iam::210987654321:role/agents"}, "AccessDenied", 403),
        ({}, {"DurationSeconds": "7200"}, "ValidationError", 400),
        ({}, {"RoleSessionName": ""}, "ValidationError", 400),
    ],
)
def test_who_is_not_trusted_gets_none(claims: dict[str, Any], form: dict[str, str], code: str, status: int) -> None:
    account = Account()
    found, said = account.ask(account.token(**claims), **form)
    assert (found, said["Error"]["Code"]) == (status, code)
    if form.get("RoleSessionName") != "":
        found, text = account.ask(account.token(**claims), accept="*/*", **form)
        assert found == status
        assert f"<Code>{code}</Code>" in text


def test_a_token_that_another_key_signed_or_a_role_that_trusts_by_what_is_not_evaluated_gives_none() -> None:
    account = Account()
    assert account.ask(Account().token())[1]["Error"]["Code"] == "InvalidIdentityToken"
    account.records[ROLE]["agents"] = {"assumeRolePolicy": json.dumps(trust(NumericLessThan={"x": "1"}))}
    assert account.ask(account.token())[0] == 403
    denied = trust()
    denied["Statement"].append({**denied["Statement"][0], "Effect": "Deny"})
    account.records[ROLE]["agents"] = {"assumeRolePolicy": json.dumps(denied)}
    assert account.ask(account.token())[0] == 403
