"""Send the report of a month to whom it is for: by mail, to Slack, a webhook, a directory.

What is owed is small: it names the report, which is kept in the archive and drawn when it is
sent. Each recipient is owed a report once, however often and by however many it is asked for.
All are sent at least once: a crash between sending and marking repeats a delivery. A mail has the
same Message-ID then and a webhook the same id; Slack knows no such thing and shows it twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opskit.channels import MAIL, SLACK, WEBHOOK, Channels, Made
from opskit.core.errors import ConfigError, OpskitError, OutsideError, Refused
from opskit.core.interval import Interval
from opskit.issuing import Issuing
from opskit.outside.config import Config
from opskit.outside.database import Database
from opskit.outside.files import translated, writable_by_others, write_atomically
from opskit.outside.notify.settings import Reports
from opskit.records.archive import Archive, Issued
from opskit.records.ledger import Ledger
from opskit.records.messages import Message, Sender
from opskit.records.outbox import Outbox
from opskit.report.built import Built
from opskit.report.document import View
from opskit.report.reader import Reader, drawn
from opskit.report.render import forms
from opskit.reporting import rebuilt

if TYPE_CHECKING:
    from opskit.outside.notify.mail import MailSender
    from opskit.outside.notify.slack import SlackSender
    from opskit.outside.notify.webhook import WebhookSender
    from opskit.report.render.mail import Attached

BY_MAIL, TO_SLACK = "report-mail", "report-slack"
TO_WEBHOOK, TO_DIRECTORY = "report-webhook", "report-directory"
# What goes with one mail at most: many servers take no more than 10 MB, a third of it encoding.
_ATTACHED = 7_000_000


@dataclass(frozen=True, slots=True)
class Owed:
    """What came of sending: which report, and how many deliveries are owed now that were not."""

    issued: Issued
    new: int
    before: int


@dataclass(frozen=True)
class Sending:
    """Owes reports and delivers them; `notices` make what speaks to mail servers and Slack.

    `issuing` is asked for only when a report is: mistakes in the files of services keep nothing
    back that is owed already.
    """

    config: Config
    database: Database
    ledger: Ledger
    outbox: Outbox
    archive: Archive
    notices: Channels
    issuing: Callable[[], Issuing]

    def send(self, period: Interval, to: tuple[str, ...] = ()) -> Owed:
        """Owe the report of a month to all of the settings, or by mail to `to` alone.

        Raises:
            ConfigError: nobody is named, or the channel is not set up.
            Refused: there is no such report, or none that can be sent.
        """
        wanted = self._wanted(to)
        told = self.issuing().report(period)
        if told.issued is None:
            if told.failed:
                raise OutsideError(f"the report was not issued: {told.why}", retryable=True)
            raise Refused(f"nothing is sent: {told.why}", hint="opskit report send --month last")
        return self._owe(told.issued, told.built, wanted)

    def _owe(self, issued: Issued, built: Built, wanted: tuple[tuple[str, str], ...]) -> Owed:
        """Write all that is owed, and that it is, at once: or nothing of it."""
        body = self._body(issued, built)
        with self.database.write() as connection:
            new: dict[str, int] = {}
            for channel, recipient in wanted:
                own = {**body, **self._addressed(recipient)} if channel == BY_MAIL else body
                if self.outbox.owe(connection, _key(issued, recipient), channel, own):
                    new[channel] = new.get(channel, 0) + 1
            if new:
                # How many, not who: the ledger keeps what it is told for good.
                self.ledger.append(
                    connection, "report.queued", issued.month.name,
                    {"id": issued.id, "version": issued.version, "deliveries": new},
                )  # fmt: skip
        return Owed(issued, sum(new.values()), len(wanted) - sum(new.values()))

    def _body(self, issued: Issued, built: Built) -> dict[str, object]:
        report, link = built.report, self._reports.link
        name = file_name(issued, forms.FORMS["html"].suffix)
        return {
            "type": "report.issued",
            "report": issued.id,
            "month": issued.month.name,
            "version": issued.version,
            "title": report.title,
            "sentence": report.front.sentence,
            "link": f"{link}{name}" if link else "",
        }

    def _addressed(self, recipient: str) -> dict[str, str]:
        """Return whom a mail is for, and what they read: page 1 where nothing else is said."""
        said = {one.to: one for one in self._reports.readers}.get(recipient)
        whose = {"view": said.view, "team": said.team} if said else {}
        return {"recipient": recipient, **whose}

    @property
    def _reports(self) -> Reports:
        return self.config.settings.report

    def _wanted(self, to: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """Return channels and recipients, each once."""
        found = tuple(dict.fromkeys(self._named(to)))
        if not found:
            raise ConfigError(
                "nobody is named who gets the report",
                hint="write report: {mail: [you@example.com]} in opskit.yaml, or use --to",
            )
        needed = {BY_MAIL: MAIL, TO_SLACK: SLACK, TO_WEBHOOK: WEBHOOK}
        for channel in (needed[one] for one, _ in found if one in needed):
            if channel not in self.notices.names:
                raise ConfigError(
                    f"the report is to go by {channel}, which is not set up",
                    hint=f"add {channel}: to opskit.yaml; see: opskit schema opskit",
                )
        return found

    def _named(self, to: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        reports = self._reports
        also = (one.to for one in reports.readers)
        yield from ((BY_MAIL, one) for one in to or (*reports.mail, *also))
        if to:
            return
        if reports.slack:
            yield TO_SLACK, "slack"
        if reports.webhook:
            yield TO_WEBHOOK, "webhook"
        if reports.directory:
            yield TO_DIRECTORY, reports.directory

    def senders(self) -> Mapping[str, Made]:
        """Return what makes the sender of each channel of reports that is set up."""
        made, found = self.notices.made, dict[str, Made]()
        if MAIL in made:
            found[BY_MAIL] = lambda: self._noted(_by_mail(made[MAIL](), self._reports))
        if SLACK in made:
            found[TO_SLACK] = lambda: self._noted(_to_slack(made[SLACK]()))
        if WEBHOOK in made:
            found[TO_WEBHOOK] = lambda: self._noted(_to_webhook(made[WEBHOOK]()))
        if self._reports.directory:
            directory = self.config.path(self._reports.directory)
            found[TO_DIRECTORY] = lambda: self._noted(_to_directory(directory, self._reports.forms))
        return found

    def _noted(self, post: Post) -> Sender:
        return _Noted(self, post)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A report to deliver: what it is, whom it is for, where to find all of it.

    `body` is what is owed, as JSON; `view` and `team` are what the recipient reads.
    """

    built: Built
    issued: Issued
    key: str
    body: str
    recipient: str
    link: str
    view: View
    team: str


Post = Callable[[Parcel], None]


@dataclass(frozen=True)
class _Noted:
    """Delivers a report from the archive, and writes what came of it into the ledger."""

    sending: Sending
    post: Post

    def send(self, message: Message) -> None:
        parcel = self._parcel(message)
        try:
            self.post(parcel)
        except OpskitError as error:
            if not error.retryable:
                self._note("report.undelivered", parcel, message, why=error.message)
            raise
        self._note("report.delivered", parcel, message)

    def _parcel(self, message: Message) -> Parcel:
        body: dict[str, Any] = json.loads(message.body)
        archive = self.sending.archive
        issued = archive.known(str(body["report"]))
        if issued is None:
            raise OutsideError(f"the archive has no report {body['report']}")
        recipient, link, team = (str(body.get(one, "")) for one in ("recipient", "link", "team"))
        view = View(body.get("view", View.MANAGER))
        again = rebuilt(archive.inputs(issued), name=f"version {issued.version}")
        return Parcel(again, issued, message.key, message.body, recipient, link, view, team)

    def _note(self, kind: str, parcel: Parcel, message: Message, **more: str) -> None:
        issued = parcel.issued
        data = {"id": issued.id, "version": issued.version, "channel": message.channel, **more}
        with self.sending.database.write() as connection:
            self.sending.ledger.append(connection, kind, issued.month.name, data)


def _by_mail(sender: object, reports: Reports) -> Post:
    from opskit.report.pages import document  # noqa: PLC0415  # when one is sent, as all here
    from opskit.report.render.mail import Attached, Envelope, letter  # noqa: PLC0415

    server: MailSender = sender  # type: ignore[assignment]  # what the channel of mail makes

    def post(parcel: Parcel) -> None:
        # A team that a quiet month does not speak of is told so.
        whom = Reader(parcel.view, parcel.team)
        with _correctable():
            files = [Attached(*one) for one in _files(parcel, reports.attach, whom)]
        kept, left = _fitting(files)
        to = (parcel.recipient,)
        envelope = Envelope(server.mail.sender, to, parcel.link, parcel.key, kept, left)
        server.post(
            letter(parcel.built, document(parcel.built, whom.view, whom.team), envelope), to
        )

    return post


def _fitting(files: Iterable[Attached]) -> tuple[tuple[Attached, ...], tuple[Attached, ...]]:
    """Return the files that go with one mail, and those that are too much for it."""
    kept: list[Attached] = []
    left: list[Attached] = []
    room = _ATTACHED
    for one in files:
        fits = len(one.data) <= room
        (kept if fits else left).append(one)
        room -= len(one.data) if fits else 0
    return tuple(kept), tuple(left)


def _to_webhook(sender: Sender) -> Post:
    webhook: WebhookSender = sender  # type: ignore[assignment]  # what the channel of it makes
    return webhook.send


def _to_slack(sender: object) -> Post:
    from opskit.report.pages import document  # noqa: PLC0415
    from opskit.report.render import slack  # noqa: PLC0415

    channel: SlackSender = sender  # type: ignore[assignment]  # what the channel of Slack makes

    def post(parcel: Parcel) -> None:
        channel.post(slack.payload(document(parcel.built, View.MANAGER), parcel.link))

    return post


def _to_directory(directory: Path, wanted: tuple[str, ...]) -> Post:
    def post(parcel: Parcel) -> None:
        with _correctable(), translated(directory):
            _require_own(directory)
            for name, _, data in _files(parcel, wanted, Reader(View.MANAGER)):
                write_atomically(directory / name, data, mode=0o640)

    return post


@contextmanager
def _correctable() -> Iterator[None]:
    """Let what is set up wrongly stay owed: whoever corrects it wants the report there."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(error.message, hint=error.hint, retryable=True) from error


def _require_own(directory: Path) -> None:
    """Look whether a report can be put there without somebody else deciding where it goes."""
    if directory.is_symlink() or not directory.is_dir():
        message = f"{directory} is no directory" + (" but a link" if directory.is_symlink() else "")
        raise ConfigError(message, hint=f"mkdir {directory}")
    if writable_by_others(directory):
        raise ConfigError(f"{directory} can be written by others", hint=f"chmod go-w {directory}")


def _files(
    parcel: Parcel, wanted: tuple[str, ...], whom: Reader
) -> Iterator[tuple[str, str, bytes]]:
    """Yield names, media types and contents of a report's forms; a manager's are the whole one."""
    for one in (forms.form(name) for name in dict.fromkeys(wanted)):
        name = file_name(parcel.issued, one.suffix)
        shown = Reader(one.view) if whom.view is View.MANAGER else whom
        yield name, one.media_type, drawn(parcel.built, one, shown)


def file_name(issued: Issued, suffix: str) -> str:
    """Return the name of a report's file; later versions stand beside the first."""
    later = f"-v{issued.version}" if issued.version > 1 else ""
    return f"operations-{issued.month.name}{later}{suffix}"


def _key(issued: Issued, recipient: str) -> str:
    whose = hashlib.sha256(recipient.encode()).hexdigest()[:16]
    return f"report-{issued.id[:40]}-{whose}"
