"""What every way to tell somebody keeps to. A new sender is tested by an entry in `STANDS`."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from email.utils import format_datetime
from pathlib import Path
from typing import get_args

import pytest

from opskit.core.clock import SECOND, FrozenClock, Instant, to_datetime
from opskit.core.errors import OpskitError, Throttled
from opskit.core.notice import Item, Link, Notice, Status, Weight, as_body
from opskit.core.text import clean
from opskit.outside.notify.alertmanager import AlertmanagerSender
from opskit.outside.notify.apprise import AppriseSender
from opskit.outside.notify.kinds import Channel
from opskit.outside.notify.mail import MailSender
from opskit.outside.notify.ntfy import NtfySender
from opskit.outside.notify.pagerduty import PagerDutySender
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.settings import Mail
from opskit.outside.notify.slack import SlackSender
from opskit.outside.notify.teams import TeamsSender
from opskit.outside.notify.webhook import WebhookSender
from opskit.records.messages import Message, Sender
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


CODES = {
    **dict.fromkeys((400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 415, 422, 451), False),
    **dict.fromkeys((408, 425, 429, 500, 502, 503, 504), True),
}
# Two minutes after the clock of the senders.
LATER = format_datetime(to_datetime(CLOCK.now() + 120 * SECOND), usegmt=True)
Set = Callable[[str, Path, float], AbstractContextManager[Stand]]
HTTP = {
    "takes": servers.plain(b"ok"),
    "refuses": servers.plain(SECRET.encode(), "404 Not Found"),
    "fails": servers.plain(SECRET.encode(), "503 Service Unavailable"),
    "hangs": lambda exchange: exchange.hang(),
    "resets": lambda exchange: exchange.reset(),
    "drips": lambda exchange: exchange.drip(b"HTTP/1.1 200 OK\r\nX: y\r\n"),
    "redirects": servers.plain(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:1/"),
    **{f"says {code}": servers.plain(SECRET.encode(), f"{code} No") for code in CODES},
    "waits seconds": servers.plain(b"", "429 Too Many Requests", "Retry-After: 120"),
    "waits for a date": servers.plain(b"", "503 Unavailable", f"Retry-After: {LATER}"),
    "waits, it says": servers.plain(b"", "429 Too Many Requests", "Retry-After: a while"),
}
SMTP: dict[str, dict[str, smtp.Say]] = {
    "takes": {},
    "refuses": {"taken": smtp.reply(f"554 5.7.1 no: {SECRET}")},
    "fails": {"taken": smtp.reply(f"451 4.3.0 later: {SECRET}")},
    "hangs": {"MAIL": smtp.hang},
    "resets": {"DATA": smtp.reset},
    "drips": {"EHLO": smtp.drip},
}


def posting(made: Callable[[Endpoint], Sender], path: str = "") -> Set:
    """Return the stand of a channel that posts to one URL, of which `path` is the end."""

    @contextmanager
    def stand(behavior: str, _directory: Path, seconds: float) -> Iterator[Stand]:
        with servers.Server(HTTP[behavior]) as server:
            where = Endpoint("the other side", server.url + path, True, seconds, CLOCK)
            yield Stand(
                made(where), lambda: [servers.body(one).decode() for one in server.requests]
            )

    return stand


webhook = posting(lambda where: WebhookSender(where, SECRET.encode()))
slack = posting(SlackSender, f"services/{SECRET}")
teams = posting(TeamsSender, f"workflows/{SECRET}")
pagerduty = posting(lambda where: PagerDutySender(where, SECRET))
ntfy = posting(lambda where: NtfySender(where, "topic", SECRET))
alertmanager = posting(lambda where: AlertmanagerSender((where,), SECRET))


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


@contextmanager
def apprise(behavior: str, _directory: Path, seconds: float) -> Iterator[Stand]:
    with servers.Server(HTTP[behavior]) as server:
        yield Stand(
            AppriseSender(f"json://127.0.0.1:{server.port}/{SECRET}", CLOCK, seconds),
            lambda: [servers.body(one).decode() for one in server.requests],
        )


BY_HTTP: dict[str, Set] = {
    "webhook": webhook, "slack": slack, "teams": teams, "pagerduty": pagerduty, "ntfy": ntfy,
    "alertmanager": alertmanager,
}  # fmt: skip
STANDS: dict[str, Set] = {**BY_HTTP, "apprise": apprise, "mail": mail}
# Without the one that starts a process for each message.
swift = pytest.mark.parametrize("stand", [*BY_HTTP.values(), mail], ids=[*BY_HTTP, "mail"])
every_http = pytest.mark.parametrize(
    "stand", [*BY_HTTP.values(), apprise], ids=[*BY_HTTP, "apprise"]
)
by_http = pytest.mark.parametrize("stand", BY_HTTP.values(), ids=BY_HTTP)
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
    if stand is not pagerduty:  # whose routing key stands in the event
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


@by_http
@pytest.mark.parametrize(("code", "retryable"), CODES.items())
def test_only_a_refusal_for_good_is_final(
    stand: Set, tmp_path: Path, code: int, retryable: bool
) -> None:
    with stand(f"says {code}", tmp_path, PATIENT) as set_up:
        error = failure(set_up.sender, message())
    assert error.retryable is retryable
    assert error.message.endswith(f"the other side answered {code}")


@every_http
@pytest.mark.parametrize(
    ("behavior", "seconds"),
    [("waits seconds", 120), ("waits for a date", 120), ("waits, it says", 0)],
)
def test_who_asks_to_be_left_alone_says_for_how_long(
    stand: Set, tmp_path: Path, behavior: str, seconds: int
) -> None:
    with stand(behavior, tmp_path, PATIENT) as set_up:
        error = failure(set_up.sender, message())
    assert isinstance(error, Throttled)
    assert error.seconds == seconds


@every_http
def test_a_redirect_is_not_followed(stand: Set, tmp_path: Path) -> None:
    with stand("redirects", tmp_path, PATIENT) as set_up:
        assert not failure(set_up.sender, message()).retryable
        assert len(set_up.taken()) == 1


@every
def test_a_sender_shows_no_secret(stand: Set, tmp_path: Path) -> None:
    with stand("takes", tmp_path, PATIENT) as set_up:
        assert SECRET not in repr(set_up.sender)


FAULT = Notice(
    "disk full", ("on web1",), status=Status.FIRING, severity=Weight.CRITICAL, group="disk/web1",
    items=(Item((("alertname", "DiskFull"), ("host", "web1")), (("free", "5 %"),)),),
    links=(Link("runbook", "https://ops.example/disk"),), at=CLOCK.now(),
)  # fmt: skip


@swift
@pytest.mark.parametrize("status", Status)
def test_each_status_is_told(stand: Set, tmp_path: Path, status: Status) -> None:
    said = replace(FAULT, status=status)
    with stand("takes", tmp_path, PATIENT) as set_up:
        set_up.sender.send(message(json.dumps(as_body(said))))
        (taken,) = set_up.taken()
    resolves = stand is pagerduty and status in {Status.RESOLVED, Status.ACKNOWLEDGED}
    assert ("disk/web1" if resolves else "disk full") in taken


@every
def test_what_may_be_a_repeat_says_so(stand: Set, tmp_path: Path) -> None:
    with stand("takes", tmp_path, PATIENT) as set_up:
        set_up.sender.send(replace(message(), attempts=1))
        (taken,) = set_up.taken()
    if stand is not webhook:  # whose receiver knows by the id
        assert "possible repeat" in taken.replace("=\r\n", "")


HOSTILE = {
    "newlines": "a\r\nBcc: victim@example.org\r\n\r\nbody",
    "mention": "<!channel> <@U123> <https://evil.example|click> @here",
    "markup": "<script>alert(1)</script> *bold* `code` &amp; [x](http://evil.example)",
    "bidi": "user\u202egnp.exe\u2066",
    "nul": "a\x00b\x1b[31mred\x07",
    "encoded word": "=?utf-8?q?a=0D=0ABcc:_victim@example.org?=",
    "surrogate": "\ud800 lone",
    "long": "x" * 1_000_000,
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
    if stand is mail:
        head = taken.partition("\r\n\r\n")[0].lower()
        assert [line for line in head.splitlines() if line.startswith(("bcc", "to:"))] == [
            "to: ops@example.org, bob@example.org"
        ]
        return
    said = json.loads(taken)
    assert all(clean(one, keep="\n") == one for one in texts(said))
    if stand is slack:
        assert not {"<!channel>", "<@U123>", "<https:"} & set(taken.split())
        assert "<" not in json.dumps(said["blocks"])
    if stand is teams:  # only a TextBlock reads Markdown
        assert '"TextBlock"' not in taken
    if stand is ntfy:
        assert said["markdown"] is False
        assert len(said["message"].encode()) <= 4_096


def texts(value: object) -> Iterator[str]:
    """Yield every text in what was read from JSON, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_the_stands_are_those_of_the_channels() -> None:
    union = get_args(get_args(Channel)[0])
    assert set(STANDS) == {get_args(one.model_fields["kind"].annotation)[0] for one in union}
