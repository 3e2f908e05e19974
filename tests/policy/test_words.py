"""What is taken for a secret in a text, and what is not."""

import base64

import pytest

from policy.secrets.words import is_secret_name, secret_in


@pytest.mark.parametrize(
    "text",
    [
        "password: ${DB_PASSWORD}",
        "spring.datasource.password=<set by the vault>",
        "passwordFile=/run/secrets/db",
        "lock_passwd: false",
        "chpasswd: {expire: false}",
        "token: https://vault.example.com/token",
        'secret: "arn:aws:secretsmanager:eu-central-1:1:secret:db"',
        "-----BEGIN CERTIFICATE-----",
        "jdbc:mysql://db.example.com:3306/shop",
        "git clone https://github.com/owner/name@v1",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA",
    ],
)
def test_a_text_without_a_secret_is_let_pass(text: str) -> None:
    assert secret_in(text) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("export K=ASIAIOSFODNN7EXAMPLE", "an access key of AWS"),
        ("AccountName=a;AccountKey=" + "A" * 40, "an account key of Azure"),
        ("mysql://root:horse1@db/shop", "a password in a URL"),
        ("MYSQL_PWD='horse1' mysqldump", "a password"),
        ('{"password": "horse1"}', "a password"),
        ("[secret]", "what the program itself marks as a secret"),
    ],
)
def test_a_secret_is_named_by_its_kind_and_seen_through_base64(text: str, what: str) -> None:
    assert secret_in(text) == what
    if text != "[secret]":
        assert secret_in(base64.b64encode(f"#cloud-config\n{text}\n".encode()).decode()) == what


def test_a_variable_that_says_where_a_secret_lies_holds_none() -> None:
    assert is_secret_name("DB_PASSWORD") and is_secret_name("apiToken")
    assert not is_secret_name("DB_PASSWORD_FILE") and not is_secret_name("SECRET_ARN") and not is_secret_name("TABLE")
