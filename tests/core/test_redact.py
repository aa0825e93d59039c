"""The second net: planted canaries never survive, harmless text is left alone."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, strategies as st

from opskit.core.redact import MASK, Redactor, secret_values

CANARY = "C4n4ryV4lu3Xq7Zm2"
LONG = CANARY * 3
HEX = "0123456789abcdef" * 4


def pem(label: str, newline: str = "\n") -> str:
    return newline.join((f"-----BEGIN {label}-----", LONG, f"-----END {label}-----"))


# What the text is, and the part of it that nobody may read afterwards.
SHAPES: dict[str, tuple[str, str]] = {
    "openssh key": (pem("OPENSSH PRIVATE KEY"), CANARY),
    "rsa key": (pem("RSA PRIVATE KEY"), CANARY),
    "pkcs8 key": (pem("PRIVATE KEY"), CANARY),
    "key cut off": (f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{LONG}\n{LONG}", CANARY),
    "key in one line": (pem("EC PRIVATE KEY", r"\n"), CANARY),
    "pgp key": (pem("PGP PRIVATE KEY BLOCK"), CANARY),
    "age key": (f"AGE-SECRET-KEY-1{HEX.upper()[:58]}", HEX.upper()[:58]),
    "md5 crypt": (f"root:$1$saltsalt${CANARY}abcde:19000:0", CANARY),
    "sha512 crypt": (f"root:$6$rounds=5000$saltsalt${LONG}:19000:0", CANARY),
    "yescrypt": (f"root:$y$j9T${CANARY}${LONG}:19000:0", CANARY),
    "bcrypt": (f"$2b$12${LONG}", CANARY),
    "argon2": (f"$argon2id$v=19$m=65536,t=3,p=4${CANARY}${LONG}", CANARY),
    "apache md5": (f"admin:$apr1$abcdefgh${CANARY}", CANARY),
    "postgresql scram": (f"SCRAM-SHA-256$4096:{CANARY}==${LONG}=:{LONG}=", CANARY),
    "aws key id": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "aws secret key": (f"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/{CANARY}", CANARY),
    "github token": (f"ghp_{LONG[:36]}", CANARY),
    "github fine-grained token": (f"github_pat_11ABCDEFG0_{LONG}", CANARY),
    "gitlab token": (f"glpat-{CANARY}xyz", CANARY),
    "slack token": (f"xoxb-123456789012-{CANARY}", CANARY),
    "slack webhook": (f"https://hooks.slack.com/services/T0000/B0000/{CANARY}", CANARY),
    "stripe key": (f"sk_live_{CANARY}abcdefg", CANARY),
    "google key": (f"AIzaSy{LONG[:33]}", CANARY),
    "npm token": (f"npm_{LONG[:36]}", CANARY),
    "pypi token": (f"pypi-AgEIcHlwaS5vcmc{LONG}", CANARY),
    "vault token": (f"hvs.{LONG}", CANARY),
    "json web token": (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{CANARY}", CANARY),
    "url with login": (f"postgresql://app:{CANARY}@db.example/app", CANARY),
    "url with password only": (f"redis://:{CANARY}@cache.example:6379/0", CANARY),
    "bearer": (f"Authorization: Bearer {CANARY}", CANARY),
    "basic": (f"authorization: basic {base64.b64encode(CANARY.encode()).decode()}", "QzRu"),
    "token header": (f"Authorization: Token {CANARY}", CANARY),
    "vault header": (f"X-Vault-Token: {CANARY}", CANARY),
    "api key header": (f"X-Api-Key: {CANARY}", CANARY),
    "environment": (f"DB_PASSWORD={CANARY}", CANARY),
    "ini": (f"password = {CANARY}", CANARY),
    "yaml": (f"ansible_become_pass: {CANARY}", CANARY),
    "yaml block": (f"db_password: |\n  {CANARY}\n", CANARY),
    "removed line of a diff": (f"-    secret: '{CANARY}'", CANARY),
    "json": (json.dumps({"password": CANARY}), CANARY),
    "json within json": (json.dumps(json.dumps({"password": CANARY})), CANARY),
    "quoted with spaces": (f'passphrase: "correct horse {CANARY} staple"', CANARY),
    "quoted with an apostrophe": (f'password="it\'s {CANARY}"', CANARY),
    "quoted with a comma": (f"token='a,b;{CANARY}'", CANARY),
    "connection string": (f"Server=db;User Id=sa;Password={CANARY};Encrypt=yes", CANARY),
    "azure key": (f"AccountName=ops;AccountKey={CANARY}==;EndpointSuffix=core", CANARY),
    "option with a space": (f"mysqldump --user app --password {CANARY} app", CANARY),
    "option with equals": (f"vault login --token={CANARY}", CANARY),
    "sql": (f"ALTER USER app WITH PASSWORD '{CANARY}'", CANARY),
    "credential": (f"credential: {CANARY}", CANARY),
    "auth key": (f"auth_key={CANARY}", CANARY),
    "private key name": (f"private_key: {CANARY}", CANARY),
}

HARMLESS = (
    "",
    "changed: [web1] => (item=passwd)",
    "PasswordAuthentication no",
    "The password was not changed",
    "password",
    "pass: 3 checks, 2 skipped",
    "/etc/passwd: Permission denied",
    "-rw-r--r-- 1 root root 1823 /etc/passwd",
    "Basic authentication is disabled",
    "Bearer certificates expire in 3 days",
    "https://example.org:8080/path@v2?x=1",
    "git@github.com:org/ops.git",
    "mailto:alice@example.org",
    "5 hosts at $1 each: $5",
    "2026-11-21T09:15:02Z web1 sshd[812]: Accepted publickey for alice",
    "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ alice@example.org",
    "update-crypto-policies: DEFAULT",
    "tokens: 5",
    "secretary: alice",
    "max_password_age: 90",
    "key: value",
    "monkey=banana",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_in_any_known_shape_is_masked(shape: str) -> None:
    text, secret = SHAPES[shape]
    assert secret in text, "a canary that was not planted cannot be found"
    for surrounded in (text, f"before {text}", f"before\n{text}\nafter"):
        shown = Redactor()(surrounded)
        assert secret not in shown
        assert MASK in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert Redactor()(text) == text


def test_what_surrounds_a_secret_stays_readable() -> None:
    text = f"task failed on web1: DB_PASSWORD={CANARY} rejected by db1"
    assert Redactor()(text) == f"task failed on web1: DB_PASSWORD={MASK} rejected by db1"


@given(st.text())
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = Redactor()(text)
    assert Redactor()(once) == once


# Secrets that are known


def low_escapes(secret: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quote(secret, safe=""))


def urlsafe(secret: str) -> str:
    return base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
    "base64 for urls": urlsafe,
    "url": lambda secret: quote(secret, safe=""),
    "url with slashes": quote,
    "url in lower case": low_escapes,
    "form": quote_plus,
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json in utf-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "json within json": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "html": html.escape,
    "shell": lambda secret: shlex.quote(secret).strip("'"),
}
# None of these characters is in the mask or in the text around it.
SECRETS = st.text(
    "ABCXYZ0189!\"#$%&'*+,-./:;<=>?@\\^_`{|}~ éß☃𝄞\n", min_size=4, max_size=24
).filter(lambda secret: secret == secret.strip(" '\"\\"))


@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRETS)
def test_a_known_secret_is_masked_in_whatever_form_it_travels(form: str, secret: str) -> None:
    travelling = FORMS[form](secret)
    shown = Redactor().with_secrets([secret])(f"(([{travelling}]))")
    assert travelling not in shown
    assert shown.startswith("(([")
    assert shown.endswith("]))")


@given(st.lists(st.text("ABCXYZ0189", min_size=4, max_size=12), min_size=1, max_size=4))
def test_each_line_of_a_secret_is_masked_however_it_is_indented(lines: list[str]) -> None:
    shown = Redactor().with_secrets(["\n".join(lines)])
    indented = "".join(f"\n+    {line}" for line in lines)
    assert shown(indented) == f"\n+    {MASK}" * len(lines)


@given(st.lists(SECRETS, min_size=1, max_size=4))
def test_secrets_may_contain_each_other(secrets: list[str]) -> None:
    shown = Redactor().with_secrets(secrets)
    for secret in secrets:
        assert secret not in shown(f"(({secret}))")


def test_a_secret_of_three_characters_is_not_searched_for() -> None:
    assert Redactor().with_secrets(["abc"])("abcdef abc") == "abcdef abc"


def test_more_secrets_add_to_those_that_are_known() -> None:
    one = Redactor().with_secrets(["FIRSTSECRET"])
    both = one.with_secrets(["SECONDSECRET"])
    assert both("FIRSTSECRET SECONDSECRET") == f"{MASK} {MASK}"
    assert one("FIRSTSECRET SECONDSECRET") == f"{MASK} SECONDSECRET"


# A host chooses what it prints: no text may keep the controller busy for long.


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "eyJ-",
        "eyJaaaaaaaa.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "pass",
        "password=",
        "password ",
        "password\n",
        "--password ",
        "Bearer ",
        "://",
        "://a:",
        "$6$",
        "ghp_",
        "SCRAM-SHA-256$",
        '"',
        "\\",
        " ",
    ],
)
def test_a_hostile_text_takes_linear_time(piece: str) -> None:
    # Where the work grows with the square of the length, this takes many minutes.
    text = (piece * 400_000)[:400_000]
    assert len(Redactor()(text)) <= 2 * len(text)


# Of a long text only the start is shown


@given(st.text(max_size=60), st.integers(1, 20))
def test_the_start_of_a_short_text_is_that_of_the_whole(text: str, length: int) -> None:
    redactor = Redactor().with_secrets(["QQQQQQ"])
    assert redactor.start_of(f"QQQQQQ{text}", length) == redactor(f"QQQQQQ{text}")[:length]


@pytest.mark.parametrize("before", range(0, 61, 7))
@pytest.mark.parametrize("times", [1, 10_000])
def test_no_piece_of_a_secret_is_left_where_a_long_text_was_cut(before: int, times: int) -> None:
    """Where nearly all is masked, what is shown comes from near the place of the cut."""
    secret = "Q" * 6_000
    text = "x" * before + secret * times
    shown = Redactor().with_secrets([secret]).start_of(text, 2_000)
    assert shown.startswith(("x" * before, MASK))
    assert "Q" not in shown


@pytest.mark.timeout(60)
def test_the_length_of_a_text_does_not_matter_to_its_start() -> None:
    text = "password=" * 20_000_000
    assert Redactor().start_of(text, 2_000) == MASK


# Finding the secrets among variables


def test_secrets_are_found_by_name_at_any_depth() -> None:
    variables = {
        "db_password": "one",
        "api": {"api_key": "two", "url": "https://api.example"},
        "users": [{"name": "alice", "passphrase": "three"}, {"name": "bob"}],
        "tokens": ["four", "five"],
        "AUTH_KEY": "six",
        "retries": 3,
        "motd": "seven",
    }
    assert secret_values(variables) == {"one", "two", "three", "four", "five", "six"}


@pytest.mark.parametrize("value", ["{{ vault_password }}", "x{{ y }}", None, 5, True, {}, []])
def test_what_is_no_text_or_still_a_template_is_no_value(value: object) -> None:
    assert secret_values({"password": value}) == set()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "passwd",
            "pass",
            "passphrase",
            "db_password",
            "PASSWORD",
            "secret",
            "secrets",
        ),
        *("token", "api_key", "apikey", "private_key", "credentials", "ansible_become_pass"),
    ],
)
def test_a_name_that_says_secret(name: str) -> None:
    assert secret_values({name: "value"}) == {"value"}


@pytest.mark.parametrize("name", ["user", "password_file_mode", "passport", "tokenizer", "key"])
def test_a_name_that_does_not(name: str) -> None:
    assert secret_values({name: "value"}) == set()
