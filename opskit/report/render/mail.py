"""Page 1 as a mail (RFC 5322, MIME): words for every program, and the same as a page of tables.

The page is made for programs that know little: tables, inline style, a white ground of its own,
pictures beside it by Content-ID (RFC 2392). The same report gives the same bytes: identifiers and
boundaries come from the report's id, the date is the end of the period.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from importlib.util import find_spec

from opskit.core.clock import to_datetime
from opskit.core.text import clean
from opskit.report.built import Built
from opskit.report.document import Document, Ribbons
from opskit.report.render import mailpage, text, words

_SUBJECT = 140
_DOMAIN = "report.opskit"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a mail."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, where the whole report is, and what goes with the mail.

    `key` makes the Message-ID of each delivery its own; addresses and `link` come from settings.
    What is `left` was to go with the mail, and is too large for it.
    """

    sender: str = ""
    to: tuple[str, ...] = ()
    link: str = ""
    key: str = ""
    attached: tuple[Attached, ...] = ()
    left: tuple[Attached, ...] = ()


def render(built: Built, document: Document) -> bytes:
    """Return the mail as a file, from nobody to nobody; `report send` fills both in."""
    return letter(built, document, Envelope()).as_bytes()


def letter(built: Built, document: Document, envelope: Envelope) -> EmailMessage:
    """Return the mail; without what draws pictures it has none, and says so."""
    found = EmailMessage(policy=SMTP)
    found["Subject"] = subject(document)
    if envelope.sender:
        found["From"] = envelope.sender
    if envelope.to:
        found["To"] = ", ".join(envelope.to)
    found["Date"] = format_datetime(to_datetime(document.end))
    identity = hashlib.sha256(f"{document.id} {envelope.key}".encode()).hexdigest()[:40]
    domain = envelope.sender.rpartition("@")[2] or _DOMAIN
    found["Message-ID"] = f"<{identity}@{domain}>"
    found["Auto-Submitted"] = "auto-generated"
    _fill(found, built, document, envelope)
    _bound(found, document.id)
    return found


def subject(document: Document) -> str:
    """Return what the report comes to, in one line that no header can be broken with."""
    title, sentence = clean(document.title), clean(document.sentence)
    if document.version > 1:
        title = f"{title}, version {document.version}"
    said = f"{title}: {sentence}" if sentence else title
    if len(said) > _SUBJECT:
        said = said[: _SUBJECT - 1].rsplit(" ", 1)[0].rstrip(",;.") + "…"
    # What looks like an encoded word would be decoded by whoever reads the header.
    return said.replace("=?", "= ?")


def _fill(found: EmailMessage, built: Built, document: Document, envelope: Envelope) -> None:
    where = whereabouts(envelope)
    said = f"{text.render(built, document)}\n{where}\n"
    found.set_content(said, cte="quoted-printable")
    pictures = _pictures(document)
    names = tuple(f"{name}.{document.id[:32]}@{_DOMAIN}" for name, _ in pictures)
    below = too_large(envelope) if envelope.link else where
    page = mailpage.page(document, names, below, envelope.link)
    found.add_alternative(page, subtype="html", cte="quoted-printable")
    shown = found.get_body(("html",))
    if shown is None:
        raise TypeError(page)
    for (name, data), cid in zip(pictures, names, strict=True):
        shown.add_related(
            data, "image", "png", cid=f"<{cid}>", filename=f"{name}.png", disposition="inline"
        )
    for one in envelope.attached:
        kind, _, subtype = one.media_type.partition("/")
        found.add_attachment(one.data, kind, subtype, filename=one.name)


def whereabouts(envelope: Envelope) -> str:
    """Return where the whole report is, and what of it is too large for a mail."""
    if envelope.attached:
        names = ", ".join(clean(one.name) for one in envelope.attached)
        where = f"The whole report is attached: {names}."
    elif envelope.link:
        where = f"The whole report: {clean(envelope.link)}"
    else:
        where = "The whole report is kept under this id where opskit runs."
    return f"{where} {too_large(envelope)}".rstrip()


def too_large(envelope: Envelope) -> str:
    """Return which files were left out of a mail, because they are too large for it."""
    if not envelope.left:
        return ""
    sizes = ", ".join(f"{clean(one.name)} ({len(one.data) / 1e6:.1f} MB)" for one in envelope.left)
    return f"Too large to be attached: {sizes}."


def _pictures(document: Document) -> Sequence[tuple[str, bytes]]:
    if find_spec("typst") is None:
        return ()
    from opskit.report.render import pictures  # noqa: PLC0415  # needs an extra

    blocks = (block for page in document.pages[:1] for block in words.blocks(page))
    shown = [block for block in blocks if isinstance(block, Ribbons) and block.strips]
    return [
        (f"days-{number}", pictures.ribbons(block)) for number, block in enumerate(shown, start=1)
    ]


def _bound(found: EmailMessage, report_id: str) -> None:
    """Give every part that holds parts a boundary: the library's own are random."""
    holders: Iterable[EmailMessage] = (one for one in found.walk() if one.is_multipart())
    for number, one in enumerate(holders):
        one.set_boundary(f"=_{report_id[:40]}_{number}")
