"""Sending: every recipient gets each version once, whatever fails and whoever asks again."""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from opskit.app import App
from opskit.core.clock import HOUR, FrozenClock, Instant, from_datetime
from opskit.core.errors import ConfigError, ExitCode, Refused
from opskit.core.interval import Interval
from opskit.records.ledger import Entry, Ledger, entries
from opskit.records.messages import Delivered, Message, Sender
from tests.cli.inside import Inside
from tests.outside.servers import Server, body, plain
from tests.outside.smtp import MailServer, reply


def at(month: int, day: int = 1, hour: int = 0) -> Instant:
    return from_datetime(datetime(2026, month, day, hour, tzinfo=UTC))


OCTOBER = Interval(at(10), at(11))
TWO = "{mail: [a@example.org, b@example.org]}"


def opskit(ops: Path, report: str, port: int = 9, slack: str = "") -> App:
    """Return opskit early in November, with a mail server on this machine."""
    text = (
        "standard: playbooks/standard.yml\ninventory: [inventory/hosts.ini]\n"
        f"mail: {{server: 127.0.0.1, port: {port}, tls: none, from: ops@example.org,"
        " to: [all@example.org]}\n"
    )
    if slack:
        (ops / "hook").write_text(slack)
        (ops / "hook").chmod(0o600)
        text += "slack: {url_file: hook, allow_private: true}\n"
    (ops / "opskit.yaml").write_text(f"{text}report: {report}\n")
    found = App.find(ops / "opskit.yaml", {"USER": "ops"})
    return replace(found, clock=FrozenClock(at(11, 2, 7)))


def began(app: App) -> None:
    """Let opskit have been there since September."""
    with app.database.write() as connection:
        Ledger(FrozenClock(at(9)), "cli:test").append(connection, "waiver.added", "web", {})


def ledger(app: App) -> list[Entry]:
    with app.database.read() as connection:
        return list(entries(connection))


def deliver(app: App) -> Delivered:
    done = app.deliver()
    assert done is not None
    return done


def letters(server: MailServer) -> list[EmailMessage]:
    return [email.message_from_bytes(one.data, policy=email.policy.SMTP) for one in server.letters]


def test_each_recipient_gets_a_mail_of_their_own_with_the_report_attached(ops: Path) -> None:
    with MailServer() as server:
        app = opskit(ops, TWO, server.port)
        owed = app.sending.send(OCTOBER)
        assert (owed.new, owed.before) == (2, 0)
        assert deliver(app).sent == 2
    first, second = letters(server)
    assert [one["To"] for one in (first, second)] == ["a@example.org", "b@example.org"]
    assert first["From"] == "ops@example.org"
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Subject"].strip().startswith("Operations in October 2026: No service")
    (attached,) = first.iter_attachments()
    assert attached.get_filename() == "operations-2026-10.html"
    assert owed.issued.id in attached.get_content()
    words = first.get_body(("plain",))
    assert words is not None
    assert "The whole report is attached: operations-2026-10.html." in words.get_content()
    assert owed.issued.id in words.get_content()


def test_asking_again_and_a_second_scheduler_send_nothing_twice(ops: Path) -> None:
    with MailServer() as server:
        app = opskit(ops, TWO, server.port)
        other = opskit(ops, TWO, server.port)
        app.sending.send(OCTOBER)
        again = other.sending.send(OCTOBER)
        assert (again.new, again.before) == (0, 2)
        deliver(app)
        deliver(other)
        assert other.sending.send(OCTOBER).new == 0
        assert deliver(other).sent == 0
    assert len(server.letters) == 2
    assert [one.kind for one in ledger(app)].count("report.queued") == 1


def test_who_was_forgotten_gets_it_and_nobody_else_again(ops: Path) -> None:
    with MailServer() as server:
        opskit(ops, "{mail: [a@example.org]}", server.port).sending.send(OCTOBER)
        app = opskit(ops, TWO, server.port)
        assert (app.sending.send(OCTOBER).new, deliver(app).sent) == (1, 2)
        assert app.sending.send(OCTOBER, ("c@example.org",)).new == 1
        deliver(app)
    assert [one["To"] for one in letters(server)] == [f"{n}@example.org" for n in "abc"]


def test_the_ledger_says_what_was_owed_and_what_came_of_it_but_not_to_whom(ops: Path) -> None:
    with MailServer() as server:
        app = opskit(ops, TWO, server.port)
        owed = app.sending.send(OCTOBER)
        deliver(app)
    told = [one for one in ledger(app) if one.kind.startswith("report.")]
    assert [one.kind for one in told] == [
        "report.issued", "report.queued", "report.delivered", "report.delivered",
    ]  # fmt: skip
    assert json.loads(told[1].data) == {
        "id": owed.issued.id, "version": 1, "deliveries": {"report-mail": 2},
    }  # fmt: skip
    assert not any("example.org" in one.data for one in told)


def test_a_mail_server_that_is_down_for_an_hour_gets_it_later(ops: Path) -> None:
    with MailServer(says={"banner": reply("421 4.3.2 closed for now")}) as closed:
        app = opskit(ops, "{mail: [a@example.org]}", closed.port)
        app.sending.send(OCTOBER)
        assert deliver(app).failed == 1
    with MailServer() as server:
        later = opskit(ops, "{mail: [a@example.org]}", server.port)
        assert deliver(later).sent == 0
        assert isinstance(later.clock, FrozenClock)
        later.clock.advance(HOUR)
        assert deliver(later).sent == 1
    assert len(server.letters) == 1


def test_an_address_that_is_refused_for_good_is_given_up_and_noted(ops: Path) -> None:
    with MailServer(says={"a@example.org": reply("550 5.1.1 nobody here")}) as server:
        app = opskit(ops, TWO, server.port)
        app.sending.send(OCTOBER)
        done = deliver(app)
    assert (done.sent, done.dead) == (1, 1)
    kinds = [one.kind for one in ledger(app)]
    assert kinds.count("report.delivered") == kinds.count("report.undelivered") == 1


class Killed(BaseException):
    """The end of a process, where nothing of it goes on."""


class Dying:
    """Sends, and dies before it could say so."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender

    def send(self, message: Message) -> Instant | None:
        self.sender.send(message)
        raise Killed


class Kept:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[Message] = []

    def send(self, message: Message) -> None:
        self.got.append(message)


def one_of(app: App) -> Message:
    """Return the first delivery that is owed to readers by mail."""
    kept = Kept()
    app.outbox.deliver({"report-mail": kept}, limit=1)
    (message,) = kept.got
    return message


def test_a_crash_before_the_mark_repeats_the_same_letter_under_the_same_name(ops: Path) -> None:
    with MailServer() as server:
        app = opskit(ops, "{mail: [a@example.org]}", server.port)
        app.sending.send(OCTOBER)
        (made,) = (one() for name, one in app.sending.senders().items() if name == "report-mail")
        with pytest.raises(Killed):
            app.outbox.deliver({"report-mail": Dying(made)})
        assert isinstance(app.clock, FrozenClock)
        app.clock.advance(HOUR)
        assert deliver(app).sent == 1
    first, again = server.letters
    assert first.data == again.data


def test_what_is_owed_is_small_and_names_the_report(ops: Path) -> None:
    app = opskit(ops, TWO)
    owed = app.sending.send(OCTOBER)
    message = one_of(app)
    assert len(message.body) < 1_000
    assert json.loads(message.body)["report"] == owed.issued.id


def test_a_directory_gets_files_that_their_group_may_read(ops: Path) -> None:
    (ops / "reports").mkdir(mode=0o750)
    app = opskit(ops, "{directory: reports, forms: [html, csv, text]}")
    (ops / "reports" / "operations-2026-10.txt").symlink_to(ops / "opskit.yaml")
    before = (ops / "opskit.yaml").read_bytes()
    app.sending.send(OCTOBER)
    assert deliver(app).sent == 1
    names = sorted(one.name for one in (ops / "reports").iterdir())
    assert names == [f"operations-2026-10.{end}" for end in ("html", "txt", "zip")]
    for one in (ops / "reports").iterdir():
        assert not one.is_symlink()
        assert stat.S_IMODE(one.stat().st_mode) == 0o640
    assert (ops / "opskit.yaml").read_bytes() == before


@pytest.mark.parametrize("wrong", ["link", "missing", "open"])
def test_a_directory_that_others_could_turn_elsewhere_gets_nothing_until_it_is_right(
    ops: Path, wrong: str
) -> None:
    (ops / "elsewhere").mkdir()
    where = ops / "reports"
    if wrong == "link":
        where.symlink_to(ops / "elsewhere")
    elif wrong == "open":
        where.mkdir()
        where.chmod(0o777)
    app = opskit(ops, "{directory: reports}")
    app.sending.send(OCTOBER)
    assert deliver(app).failed == 1
    assert not list((ops / "elsewhere").iterdir())
    where.unlink() if wrong == "link" else None
    where.mkdir(exist_ok=True)
    where.chmod(0o750)
    assert isinstance(app.clock, FrozenClock)
    app.clock.advance(HOUR)
    assert deliver(app).sent == 1


def test_slack_gets_page_one_with_a_link_to_the_file(ops: Path) -> None:
    with Server(plain(b"ok")) as server:
        report = "{slack: true, link: 'https://ops.example/r/'}"
        app = opskit(ops, report, slack=f"{server.url}services/T0/B0/x")
        app.sending.send(OCTOBER)
        assert deliver(app).sent == 1
    said = json.loads(body(server.requests[0]))
    assert said["blocks"][0]["text"]["text"] == "Operations in October 2026"
    assert said["blocks"][-1]["elements"][0]["text"] == (
        "<https://ops.example/r/operations-2026-10.html|The whole report>"
    )


def test_a_month_that_goes_on_and_a_week_are_not_sent(ops: Path) -> None:
    app = opskit(ops, TWO)
    for period in (Interval(at(11), at(12)), Interval(at(10), at(10, 8))):
        with pytest.raises(Refused, match="only a whole month that is over"):
            app.sending.send(period)
    assert ledger(app) == []


def test_nobody_and_a_channel_that_is_not_set_up_are_mistakes(ops: Path) -> None:
    with pytest.raises(ConfigError, match="nobody is named who gets the report"):
        opskit(ops, "{}").sending.send(OCTOBER)
    with pytest.raises(ConfigError, match="by slack, which is not set up"):
        opskit(ops, "{slack: true}").sending.send(OCTOBER)


def test_later_evidence_sends_version_two_beside_the_first(ops: Path) -> None:
    (ops / "reports").mkdir(mode=0o750)
    app = opskit(ops, "{directory: reports, forms: [text]}")
    began(app)
    first = app.sending.send(OCTOBER)
    deliver(app)
    (ops / "services.yaml").write_text(
        "services:\n  web:\n    owner: team\n    probes:\n      - kind: tcp\n"
        "        address: 127.0.0.1:9\n"
    )
    later = opskit(ops, "{directory: reports, forms: [text]}")
    second = later.sending.send(OCTOBER)
    deliver(later)
    assert (first.issued.version, second.issued.version) == (1, 2)
    names = sorted(one.name for one in (ops / "reports").iterdir())
    assert names == ["operations-2026-10-v2.txt", "operations-2026-10.txt"]


def test_the_command_sends_and_says_so(ops: Path, inside: Inside) -> None:
    with MailServer() as server:
        opskit(ops, "{mail: [a@example.org], attach: []}", server.port)
        done = inside("report", "send")
        again = inside("report", "send", "--month", "last", "--to", "a@example.org")
    assert (done.code, again.code) == (ExitCode.OK, ExitCode.OK)
    assert "1 delivery owed now, 0 deliveries owed or done before\n1 sent" in done.err
    assert "0 deliveries owed now, 1 delivery owed or done before\n0 sent" in again.err
    assert len(server.letters) == 1
    wrong = inside("report", "send", "--to", "a@b\nBcc: x")
    assert (wrong.code, len(wrong.err.splitlines())) == (ExitCode.USAGE, 2)


def test_the_schedule_is_shown_and_looked_for(ops: Path, inside: Inside) -> None:
    opskit(ops, "{mail: [a@example.org]}")
    assert inside("report", "schedule", "--check").code == ExitCode.FINDINGS
    shown = inside("report", "schedule", "--day", "3", "--at", "08:30")
    assert shown.out == (
        '# In opskit.yaml:\nschedule:\n  - cron: "30 8 3 * *"\n'
        "    command: report send --month last\n"
    )
    with (ops / "opskit.yaml").open("a") as settings:
        settings.write(shown.out)
    there = inside("report", "schedule", "--check")
    assert there.code == ExitCode.OK
    assert "scheduled: 30 8 3 * *  opskit report send --month last  (UTC)" in there.err
    assert inside("report", "schedule", "--at", "25:00").code == ExitCode.USAGE


def test_keys_of_deliveries_hold_no_address(ops: Path) -> None:
    app = opskit(ops, "{mail: [a@example.org]}")
    owed = app.sending.send(OCTOBER)
    message = one_of(app)
    whose = hashlib.sha256(b"a@example.org").hexdigest()[:16]
    assert message.key == f"report-{owed.issued.id[:40]}-{whose}-report-mail"
