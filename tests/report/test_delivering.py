"""Delivering: what each channel is told, and what happens where it is down, full or refuses."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from opskit import sending
from opskit.app import App
from opskit.core.clock import HOUR, MINUTE, FrozenClock, Instant, SystemClock
from opskit.core.errors import DataError
from opskit.outside.notify.webhook import secret_bytes, signature
from tests.monitor.live import soon
from tests.outside import databases
from tests.outside.servers import Server, body, header, plain
from tests.outside.smtp import MailServer, hang, reply, reset
from tests.report.test_sending import OCTOBER, began, deliver, ledger, letters, opskit
from tests.rig.postgres import Postgres

SECRET = "whsec_b3Bza2l0b3Bza2l0b3Bza2l0"
SERVICES = (
    "services:\n  web:\n    owner: shop\n    probes:\n      - kind: tcp\n"
    "        address: 127.0.0.1:9\n"
)


def with_webhook(ops: Path, url: str) -> App:
    (ops / "secret").write_text(SECRET)
    (ops / "secret").chmod(0o600)
    app = opskit(ops, "{webhook: true, link: 'https://ops.example/r/'}")
    with (ops / "opskit.yaml").open("a") as settings:
        settings.write(f"webhook: {{url: {url!r}, secret_file: secret, allow_private: true}}\n")
    return replace(App.find(ops / "opskit.yaml", {"USER": "ops"}), clock=app.clock)


def attached(letter: EmailMessage) -> str:
    (only,) = letter.iter_attachments()
    found = only.get_content()
    return found.decode() if isinstance(found, bytes) else str(found)


def later(app: App, length: int) -> None:
    assert isinstance(app.clock, FrozenClock)
    app.clock.advance(length)


def kinds(app: App) -> list[str]:
    return [one.kind for one in ledger(app) if one.kind.startswith("report.")]


def test_a_webhook_is_told_which_report_there_is_and_signed(ops: Path) -> None:
    with Server(plain(b"ok")) as server:
        app = with_webhook(ops, server.url)
        owed = app.sending.send(OCTOBER)
        assert deliver(app).sent == 1
        assert app.sending.send(OCTOBER).new == 0
        assert deliver(app).sent == 0
    (request,) = server.requests
    said = json.loads(body(request))
    assert len(body(request)) < 1_500
    assert (said["type"], said["report"]) == ("report.issued", owed.issued.id)
    assert (said["month"], said["version"]) == ("2026-10", 1)
    assert said["sentence"].startswith("No service")
    assert said["link"] == "https://ops.example/r/operations-2026-10.html"
    key, when = (header(request, one).decode() for one in (b"webhook-id", b"webhook-timestamp"))
    signed = signature(secret_bytes(SECRET), key, when, body(request))
    assert header(request, b"webhook-signature").decode() == signed
    assert kinds(app) == ["report.issued", "report.queued", "report.delivered"]


@pytest.mark.parametrize("status", ["429 Slow Down", "500 Oops"])
def test_slack_that_cannot_now_gets_it_later(ops: Path, status: str) -> None:
    with Server(plain(b"no", status, "Retry-After: 1800")) as busy:
        app = opskit(ops, "{slack: true}", slack=f"{busy.url}services/T0/B0/x")
        app.sending.send(OCTOBER)
        assert deliver(app).failed == 1
        later(app, 5 * MINUTE)
        # Who was told to wait waits; who was not tries again after a while.
        assert deliver(app).failed == (0 if status.startswith("429") else 1)
    with Server(plain(b"ok")) as server:
        (ops / "hook").write_text(f"{server.url}services/T0/B0/x")
        later(app, HOUR)
        assert deliver(app).sent == 1
    assert kinds(app)[-1] == "report.delivered"


def test_a_mail_server_that_takes_a_letter_and_drops_the_line_gets_the_same_again(
    ops: Path,
) -> None:
    with MailServer(says={"taken": reset}) as server:
        app = opskit(ops, "{mail: [a@example.org]}", server.port)
        app.sending.send(OCTOBER)
        assert deliver(app).failed == 1
        data = [one for one in server.seen if one.upper() == "DATA"]
        assert data
    with MailServer() as server:
        again = opskit(ops, "{mail: [a@example.org]}", server.port)
        later(again, HOUR)
        assert deliver(again).sent == 1
    assert len(server.letters) == 1


def test_one_of_three_that_is_refused_keeps_nothing_from_the_others(ops: Path) -> None:
    with MailServer(says={"b@example.org": reply("450 4.2.1 mailbox busy")}) as server:
        app = opskit(ops, "{mail: [a@example.org, b@example.org, c@example.org]}", server.port)
        app.sending.send(OCTOBER)
        done = deliver(app)
        assert (done.sent, done.failed) == (2, 1)
    assert [one["To"] for one in letters(server)] == ["a@example.org", "c@example.org"]
    with MailServer() as server:
        again = opskit(ops, "{mail: [a@example.org, b@example.org, c@example.org]}", server.port)
        later(again, HOUR)
        assert deliver(again).sent == 1
    assert [one["To"] for one in letters(server)] == ["b@example.org"]


def test_what_is_too_large_for_a_mail_is_named_in_it(
    ops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_ATTACHED", 40_000)
    with MailServer() as server:
        app = opskit(ops, "{mail: [a@example.org], attach: [html, text]}", server.port)
        app.sending.send(OCTOBER)
        assert deliver(app).sent == 1
    (letter,) = letters(server)
    names = [one.get_filename() for one in letter.iter_attachments()]
    assert names == ["operations-2026-10.txt"]
    for kind in ("plain", "html"):
        part = letter.get_body((kind,))
        assert part is not None
        said = " ".join(part.get_content().split())
        assert "Too large to be attached: operations-2026-10.html (0." in said


def test_each_reader_gets_pages_of_their_own(ops: Path) -> None:
    (ops / "services.yaml").write_text(SERVICES)
    readers = (
        "[{to: ops@example.org, view: ops}, {to: shop@example.org, view: team, team: shop},"
        " {to: gone@example.org, view: team, team: nobody}]"
    )
    with MailServer() as server:
        text = f"{{mail: [a@example.org, ops@example.org], readers: {readers}}}"
        app = opskit(ops, text, server.port)
        began(app)
        assert app.sending.send(OCTOBER).new == 4
        assert deliver(app).sent == 4
    pages = {one["To"]: attached(one) for one in letters(server)}
    assert sorted(pages) == [f"{name}@example.org" for name in ("a", "gone", "ops", "shop")]
    assert 'data-view="whole"' in pages["a@example.org"]
    assert 'data-view="ops"' in pages["ops@example.org"]
    assert "For the team shop" in pages["shop@example.org"]
    assert "The team nobody owns no service that is monitored." in pages["gone@example.org"]
    assert not any("example.org" in one.data for one in ledger(app))


@pytest.mark.parametrize("wrong", ["{view: team}", "{view: ops, team: shop}"])
def test_a_team_goes_with_its_view(ops: Path, wrong: str) -> None:
    reader = wrong.replace("{", "{to: a@example.org, ")
    with pytest.raises(DataError) as told:
        opskit(ops, f"{{readers: [{reader}]}}")
    assert "view: team and team: NAME go together" in told.value.findings[0].message


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_directory_without_room_leaves_nothing_half_written_and_gets_it_later(
    ops: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    (ops / "reports").mkdir(mode=0o750)
    app = opskit(ops, "{directory: reports}")
    app.sending.send(OCTOBER)
    with monkeypatch.context() as full:

        def no_room(_descriptor: int) -> None:
            raise OSError(code, os.strerror(code))

        full.setattr("opskit.outside.files.os.fsync", no_room)
        done = deliver(app)
    assert (done.failed, done.dead, done.sent) == (1, 0, 0)
    assert list((ops / "reports").iterdir()) == []
    later(app, HOUR)
    assert deliver(app).sent == 1
    assert [one.name for one in (ops / "reports").iterdir()] == ["operations-2026-10.html"]


def test_late_evidence_is_mailed_again_and_says_which_version_it_follows(ops: Path) -> None:
    with MailServer() as server:
        app = opskit(ops, "{mail: [a@example.org]}", server.port)
        began(app)
        app.sending.send(OCTOBER)
        deliver(app)
        (ops / "services.yaml").write_text(SERVICES)
        again = opskit(ops, "{mail: [a@example.org]}", server.port)
        assert again.sending.send(OCTOBER).new == 1
        deliver(again)
    first, second = letters(server)
    assert first["Message-ID"] != second["Message-ID"]
    part = second.get_body(("plain",))
    assert part is not None
    assert "from version 1 of this report" in " ".join(part.get_content().split())
    assert second["Subject"].startswith("Operations in October 2026, version 2: ")


@pytest.mark.parametrize(("kind", "many"), [("sqlite", 2), ("postgresql", 3)])
def test_schedulers_in_processes_of_their_own_send_each_mail_once(
    ops: Path, request: pytest.FixtureRequest, kind: str, many: int
) -> None:
    with MailServer() as server:
        app = opskit(ops, "{mail: [a@example.org, b@example.org], attach: []}", server.port)
        if kind == "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            url = databases.url(postgres, databases.create(postgres))
            with (ops / "opskit.yaml").open("a") as settings:
                settings.write(f"database: {url!r}\n")
            app = App.find(ops / "opskit.yaml", {"USER": "ops"})
        command = [sys.executable, "-m", "opskit", "report", "send", "--month", "2026-01"]
        running = [
            subprocess.Popen(command, cwd=ops, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(many)
        ]
        told = [one.communicate(timeout=60)[1].decode() for one in running]
    assert [one.returncode for one in running] == [0] * many, told
    assert sorted(one["To"] for one in letters(server)) == ["a@example.org", "b@example.org"]
    assert [kinds(app).count(f"report.{one}") for one in ("issued", "queued", "delivered")] == [
        1, 1, 2,
    ]  # fmt: skip
    app.database.close()


def test_killed_while_it_delivers_it_delivers_later_under_the_same_name(ops: Path) -> None:
    with MailServer(says={"taken": hang}) as server:
        app = opskit(ops, "{mail: [a@example.org], attach: []}", server.port)
        command = [sys.executable, "-m", "opskit", "report", "send", "--month", "2026-01"]
        with subprocess.Popen(command, cwd=ops, stderr=subprocess.DEVNULL) as running:
            soon(lambda: "data" in [one.lower() for one in server.seen], "a letter")
            running.kill()
        assert running.returncode == -signal.SIGKILL
    with MailServer() as server:
        again = opskit(ops, "{mail: [a@example.org], attach: []}", server.port)
        # What died has claimed it for a while, by the real clock.
        again = replace(again, clock=FrozenClock(Instant(SystemClock().now() + HOUR)))
        assert deliver(again).sent == 1
    assert len(server.letters) == 1
    assert kinds(app) == ["report.issued", "report.queued", "report.delivered"]
