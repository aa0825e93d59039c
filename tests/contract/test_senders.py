"""What every way to tell somebody keeps to. A new sender is tested by an entry in `STANDS`."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.core.clock import FrozenClock, Instant
from opskit.core.errors import OpskitError
from opskit.outside.notify.mail import MailSender
from opskit.outside.notify.settings import Mail
from opskit.outside.notify.slack import SlackSender
from opskit.outside.notify.webhook import WebhookSender
from opskit.records.outbox import Message, Sender
from tests.monitor.probes.authority import Authority
from tests.outside import servers, smtp

CLOCK = FrozenClock(Instant(1_790_856_000_000_000))
SECRET = "a-secret-nobody-may-read"
# Long enough for an answer on a busy machine, short enough for a test that waits for it to be over.
PATIENT, HASTY = 20.0, 0.5


@dataclass(frozen=True)
class Stand:
    """A sender and the server behind it; `taken` gives what the server took, as text."""

    sender: Sender
    taken: Callable[[], list[str]]


Set = Callable[[str, Path, float], AbstractContextManager[Stand]]
HTTP = {
    "takes": servers.plain(b"ok"),
    "refuses": servers.plain(SECRET.encode(), "404 Not Found"),
    "fails": servers.plain(SECRET.encode(), "503 Service Unavailable"),
    "hangs": lambda exchange: exchange.hang(),
    "resets": lambda exchange: exchange.reset(),
    "drips": lambda exchange: exchange.drip(b"HTTP/1.1 200 OK\r\nX: y\r\n"),
}
SMTP: dict[str, dict[str, smtp.Say]] = {
    "takes": {},
    "refuses": {"taken": smtp.reply(f"554 5.7.1 no: {SECRET}")},
    "fails": {"taken": smtp.reply(f"451 4.3.0 later: {SECRET}")},
    "hangs": {"MAIL": smtp.hang},
    "resets": {"DATA": smtp.reset},
    "drips": {"EHLO": smtp.drip},
}


@contextmanager
def webhook(behavior: str, _directory: Path, seconds: float) -> Iterator[Stand]:
    with servers.Server(HTTP[behavior]) as server:
        key = SECRET.encode()
        yield Stand(
            WebhookSender(server.url, key, allow_private=True, clock=CLOCK, seconds=seconds),
            lambda: [servers.body(one).decode() for one in server.requests],
        )


@contextmanager
def slack(behavior: str, _directory: Path, seconds: float) -> Iterator[Stand]:
    with servers.Server(HTTP[behavior]) as server:
        yield Stand(
            SlackSender(f"{server.url}services/{SECRET}", allow_private=True, seconds=seconds),
            lambda: [servers.body(one).decode() for one in server.requests],
        )


@contextmanager
def mail(behavior: str, directory: Path, seconds: float) -> Iterator[Stand]:
    authority = Authority(directory)
    with smtp.MailServer(SMTP[behavior], tls=authority.issue()) as server:
        settings = Mail.model_validate(
            {
                "server": "127.0.0.1", "port": server.port, "from": "opskit@example.org",
                "to": ("ops@example.org",), "user": "opskit", "password_file": "unused",
                "ca_file": str(authority.path),
            }
        )  # fmt: skip
        yield Stand(
            MailSender(settings, SECRET, CLOCK, seconds=seconds),
            lambda: [one.data.decode("ascii") for one in server.letters],
        )


STANDS: dict[str, Set] = {"webhook": webhook, "slack": slack, "mail": mail}
every = pytest.mark.parametrize("stand", STANDS.values(), ids=STANDS)


def message(body: str = "", key: str = "request.submitted-0123456789ab") -> Message:
    plain = {"type": "request.submitted", "subject": "r1", "at": CLOCK.now()}
    return Message(key, "any", body or json.dumps(plain), 0)


def failure(sender: Sender, sent: Message) -> OpskitError:
    """Return how sending failed, after a look for the secret wherever an error may be shown."""
    with pytest.raises(OpskitError) as caught:
        sender.send(sent)
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert SECRET not in shown
    return caught.value


@every
def test_what_is_taken_is_sent_once(stand: Set, tmp_path: Path) -> None:
    with stand("takes", tmp_path, PATIENT) as set_up:
        set_up.sender.send(message())
        (taken,) = set_up.taken()
    assert "r1" in taken
    assert SECRET not in taken


@every
def test_a_repeat_can_be_told_by_its_key(stand: Set, tmp_path: Path) -> None:
    with stand("takes", tmp_path, PATIENT) as set_up:
        set_up.sender.send(message())
        set_up.sender.send(message())
        first, second = set_up.taken()
    assert first == second


@every
@pytest.mark.parametrize(
    ("behavior", "retryable"), [("refuses", False), ("fails", True), ("resets", True)]
)
def test_a_refusal_says_whether_to_try_again_and_nothing_secret(
    stand: Set, tmp_path: Path, behavior: str, retryable: bool
) -> None:
    with stand(behavior, tmp_path, PATIENT) as set_up:
        assert failure(set_up.sender, message()).retryable is retryable


@every
@pytest.mark.parametrize("behavior", ["hangs", "drips"])
def test_who_takes_too_long_is_cut_off_and_asked_again(
    stand: Set, tmp_path: Path, behavior: str
) -> None:
    with stand(behavior, tmp_path, HASTY) as set_up:
        error = failure(set_up.sender, message())
    assert error.retryable
    assert "did not answer within 0.5 s" in error.message


@every
def test_who_is_not_there_may_come_back(stand: Set, tmp_path: Path) -> None:
    with stand("takes", tmp_path, PATIENT) as set_up:
        pass
    assert failure(set_up.sender, message()).retryable


HOSTILE = {
    "newlines": "a\r\nBcc: victim@example.org\r\n\r\nbody",
    "mention": "<!channel> <@U123> <https://evil.example|click> @here",
    "markup": "<script>alert(1)</script> *bold* `code` &amp; [x](http://evil.example)",
    "bidi": "user\u202egnp.exe\u2066",
    "nul": "a\x00b\x1b[31mred\x07",
    "encoded word": "=?utf-8?q?a=0D=0ABcc:_victim@example.org?=",
    "surrogate": "\ud800 lone",
    "long": "x" * 100_000,
    "dots": ".\r\n.\r\nQUIT",
    "unicode": "Zürich 東京 🔥",
}


@every
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_from_anywhere_changes_nothing_but_the_text(
    stand: Set, tmp_path: Path, text: str
) -> None:
    notice = {"title": text, "lines": [text], "commands": ["opskit access show r1"], "urgent": True}
    body = json.dumps(
        {"type": text, "subject": text, "notice": notice, "to": [text, "bob@example.org"]}
    )
    with stand("takes", tmp_path, PATIENT) as set_up:
        set_up.sender.send(message(body))
        (taken,) = set_up.taken()
    if stand is webhook:  # a machine reads it: JSON escapes it, and it is signed as it is
        assert json.loads(taken)["notice"]["title"] == text
        return
    assert len(taken) < 20_000
    assert not set("\x00\x1b\u202e\u2066") & set(taken)
    if stand is slack:
        assert not {"<!channel>", "<@U123>", "<https:"} & set(taken.split())
        assert "<" not in json.dumps(json.loads(taken)["blocks"])
    else:
        head = taken.partition("\r\n\r\n")[0].lower()
        assert [line for line in head.splitlines() if line.startswith(("bcc", "to:"))] == [
            "to: ops@example.org, bob@example.org"
        ]


def test_the_stands_are_those_of_the_channels() -> None:
    from opskit.channels import MAIL, SLACK, WEBHOOK

    assert set(STANDS) == {MAIL, SLACK, WEBHOOK}
