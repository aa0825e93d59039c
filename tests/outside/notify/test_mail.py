"""Mail: encrypted or not at all, to whom it concerns, recognizable when it comes again."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from opskit.core.clock import FrozenClock, Instant
from opskit.core.errors import OpskitError, OutsideError
from opskit.outside.documents import Document
from opskit.outside.models import validate
from opskit.outside.notify.mail import MailSender
from opskit.outside.notify.settings import Mail
from opskit.records.messages import Message
from tests.monitor.probes.authority import Authority
from tests.outside.smtp import Letter, MailServer, reply

NOON = Instant(1_790_856_000_000_000)
PASSWORD = "correct horse"
NOTICE = {"title": "r1: alice asks", "lines": ["It gives a login."], "commands": ["opskit x"]}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def sender(port: int, authority: Authority | None = None, **settings: object) -> MailSender:
    given: dict[str, object] = {
        "server": "127.0.0.1", "port": port, "from": "opskit@example.org",
        "to": ["ops@example.org"], **settings,
    }  # fmt: skip
    if authority is not None:
        given["ca_file"] = str(authority.path)
    mail = validate(Document("opskit.yaml", given, {}), Mail)
    assert mail is not None
    return MailSender(mail, PASSWORD, FrozenClock(NOON), seconds=20.0)


def message(**body: object) -> Message:
    return keyed("k1", **body)


def keyed(name: str, /, **body: object) -> Message:
    data = {"type": "request.submitted", "at": NOON, "notice": NOTICE, **body}
    return Message(name, "mail", json.dumps(data), 0)


def failure(sender: MailSender, **body: object) -> OpskitError:
    with pytest.raises(OpskitError) as caught:
        sender.send(message(**body))
    assert PASSWORD not in caught.value.message
    return caught.value


def read(letter: Letter) -> EmailMessage:
    return email.message_from_bytes(letter.data, policy=email.policy.default)


def text_of(letter: EmailMessage) -> str:
    return str(letter.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_it_goes_encrypted_after_a_login(authority: Authority, kind: str) -> None:
    with MailServer(tls=authority.issue(), from_the_start=kind == "tls") as server:
        own = {"user": "opskit", "password_file": "f", "tls": kind}
        sender(server.port, authority, **own).send(message())
    (letter,) = server.letters
    assert letter.encrypted
    assert letter.login == f"\0opskit\0{PASSWORD}"
    assert letter.sender == "opskit@example.org"


def test_it_says_what_happened_what_to_type_and_when(authority: Authority) -> None:
    with MailServer(tls=authority.issue()) as server:
        sender(server.port, authority).send(message())
    (letter,) = server.letters
    found = read(letter)
    assert found["Subject"] == "[opskit] r1: alice asks"
    assert found["Date"] == "Thu, 01 Oct 2026 12:00:00 +0000"
    assert found["Auto-Submitted"] == "auto-generated"
    assert "Importance" not in found
    assert text_of(found) == (
        "r1: alice asks\n\nIt gives a login.\n\nNext:\n\n    opskit x\n\n-- \nopskit, message k1\n"
    )
    assert letter.login == ""


def test_a_page_is_marked_as_one(authority: Authority) -> None:
    with MailServer(tls=authority.issue()) as server:
        sender(server.port, authority).send(message(notice={**NOTICE, "urgent": True}))
    found = read(server.letters[0])
    assert (found["Importance"], found["X-Priority"]) == ("high", "1")
    assert found["Subject"] == "[opskit] URGENT: r1: alice asks"


def test_the_same_key_makes_the_same_message_id_and_another_another(authority: Authority) -> None:
    with MailServer(tls=authority.issue()) as server:
        one = sender(server.port, authority)
        for key in ("k1", "k1", "k2"):
            one.send(keyed(key))
    first, again, other = (read(letter)["Message-ID"] for letter in server.letters)
    assert first == again != other
    assert first.endswith("@example.org>")


def test_whom_it_concerns_gets_it_too_in_the_open_and_each_once(authority: Authority) -> None:
    to = ["bob@example.org", "ops@example.org", "not an address", "a@b>\r\nRCPT TO:<c@d"]
    with MailServer(tls=authority.issue()) as server:
        sender(server.port, authority).send(message(to=to))
    (letter,) = server.letters
    assert letter.to == ("ops@example.org", "bob@example.org")
    assert read(letter)["To"] == "ops@example.org, bob@example.org"


def test_a_server_that_offers_no_encryption_gets_neither_letter_nor_password() -> None:
    with MailServer() as server:
        error = failure(sender(server.port, user="opskit", password_file="f"))
    assert error.retryable
    assert "does not offer encryption" in error.message
    assert [line[:4] for line in server.seen] == ["ehlo"]


def test_a_server_nobody_vouches_for_gets_nothing(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with MailServer(tls=authority.issue()) as server:
        error = failure(sender(server.port, Authority(tmp_path / "other")))
    assert error.retryable
    assert "cannot be reached" in error.message
    assert server.letters == []


def test_in_the_clear_only_on_this_machine() -> None:
    with MailServer() as server:
        sender(server.port, tls="none").send(message())
    assert not server.letters[0].encrypted


@pytest.mark.parametrize(
    ("code", "retryable"), [("535 5.7.8 wrong", False), ("454 4.7.0 not now", True)]
)
def test_a_login_that_is_refused_says_so(authority: Authority, code: str, retryable: bool) -> None:
    with MailServer({"AUTH": reply(code)}, tls=authority.issue()) as server:
        error = failure(sender(server.port, authority, user="opskit", password_file="f"))
    assert error.retryable is retryable
    assert error.message == f"the mail server 127.0.0.1 answered {code[:9]} to the login"


@pytest.mark.parametrize(
    ("says", "retryable", "told"),
    [
        ({"bob@example.org": "550 5.1.1 gone"}, False, "1 of 2 recipients: 550 5.1.1"),
        ({"bob@example.org": "450 4.2.0 later"}, True, "1 of 2 recipients: 450 4.2.0"),
        (
            {"bob@example.org": "550 gone", "ops@example.org": "451 later"},
            True,
            "2 of 2 recipients: 451",
        ),
    ],
)
def test_a_recipient_that_is_refused_is_told(
    authority: Authority, says: Mapping[str, str], retryable: bool, told: str
) -> None:
    replies = {name: reply(text) for name, text in says.items()}
    with MailServer(replies, tls=authority.issue()) as server:
        error = failure(sender(server.port, authority), to=["bob@example.org"])
    assert isinstance(error, OutsideError)
    assert error.retryable is retryable
    assert error.message.endswith(told)


def test_what_was_taken_is_not_sent_again_however_the_server_takes_leave(
    authority: Authority,
) -> None:
    with MailServer({"QUIT": reply("421 go away")}, tls=authority.issue()) as server:
        sender(server.port, authority).send(message())
    assert len(server.letters) == 1


def test_the_banner_counts(authority: Authority) -> None:
    with MailServer({"banner": reply("554 no service")}, tls=authority.issue()) as server:
        assert not failure(sender(server.port, authority)).retryable
    with MailServer({"banner": reply("SSH-2.0-OpenSSH")}, tls=authority.issue()) as server:
        assert failure(sender(server.port, authority)).retryable


def test_a_message_without_words_of_its_own_shows_its_fields(authority: Authority) -> None:
    body = {"type": "target.flipped", "target": "shop/http", "from": "up", "to": "down", "at": NOON}
    with MailServer(tls=authority.issue()) as server:
        sender(server.port, authority).send(Message("k", "mail", json.dumps(body), 0))
    found = read(server.letters[0])
    assert found["Subject"] == "[opskit] target flipped: shop/http"
    assert "from: up\nto: down\nat: 2026-10-01T12:00:00Z" in text_of(found)
    assert found["To"] == "ops@example.org"


BROKEN = {
    "another machine in the clear": ({"server": "mail.example.org", "tls": "none"}, "in the clear"),
    "nobody to send to": ({"to": []}, "at least 1"),
    "a user without a password": ({"user": "opskit"}, "go together"),
    "no address": ({"from": "opskit"}, "pattern"),
    "two addresses in one": ({"to": ["a@b.example, c@d.example"]}, "pattern"),
    "a password": ({"password": "x"}, "unknown key"),
}


@pytest.mark.parametrize(("given", "why"), BROKEN.values(), ids=BROKEN)
def test_settings_that_cannot_be_meant_are_refused(given: Mapping[str, object], why: str) -> None:
    plain = {"server": "127.0.0.1", "from": "a@example.org", "to": ["b@example.org"]}
    document = Document("opskit.yaml", {**plain, **given}, {})
    assert validate(document, Mail) is None
    assert why in document.findings[0].message


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_the_kind_of_encryption(tls: str, port: int) -> None:
    assert sender(0, tls=tls).mail.port_used == port
