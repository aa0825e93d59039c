"""Mail by SMTP (RFC 5321): encrypted and verified, within one deadline from first to last byte.

The Message-ID comes from the idempotency key: who gets a repeat can tell that it is one. All who
get a message stand in its header; there are no blind copies.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from opskit.core.clock import Clock, to_datetime
from opskit.core.errors import ConfigError, OpskitError, OutsideError, Refused
from opskit.core.notice import Notice
from opskit.core.text import clean, shorten
from opskit.outside.notify.settings import Mail
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording

_TRANSIENT = range(400, 500)
_STATUS = re.compile(rb"\b[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass
class _Watched:
    """The sockets of one exchange, cut when its time is over."""

    deadline: float
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline

    def cut(self) -> None:
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone already

    def close(self) -> None:
        for each in self.sockets:
            each.close()


class _Client(smtplib.SMTP):
    """Speaks SMTP over a socket that is watched; within TLS from the first byte where asked."""

    def __init__(self, mail: Mail, context: ssl.SSLContext | None, watched: _Watched) -> None:
        self._mail = mail
        self._context = context
        self._watched = watched
        seconds = max(0.001, watched.deadline - time.monotonic())
        super().__init__(mail.server, mail.port_used, local_hostname="localhost", timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = socket.create_connection((host, port), timeout)
        if self._mail.tls == "none" and not _is_own(found):
            found.close()
            raise Refused(
                f"{host} is not this machine, and mail would go there in the clear",
                hint="write tls: starttls",
            )
        # A second handle: TLS takes the first one over, and nothing could be shut through it.
        self._watched.sockets.append(found.dup())
        if self._context is None or self._mail.tls != "tls":
            return found
        return self._context.wrap_socket(found, server_hostname=host)


def _is_own(connected: socket.socket) -> bool:
    peer = str(connected.getpeername()[0])
    return peer == "::1" or peer.startswith("127.")


@dataclass(frozen=True)
class MailSender:
    """Sends messages through one server. `password` is empty where nobody logs in."""

    mail: Mail
    password: str = field(repr=False)
    clock: Clock
    root: Path = Path()
    seconds: float = 30.0
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        said = self.wording.of(message)
        to = said.to if said.only_to else tuple(dict.fromkeys((*self.mail.to, *said.to)))
        at = said.at or self.clock.now()
        self.post(composed(said, self.mail.sender, to, at), to)

    def post(self, letter: EmailMessage, to: tuple[str, ...]) -> None:
        """Send a letter that is composed; raise as `send` does."""
        watched = _Watched(time.monotonic() + self.seconds)
        timer = threading.Timer(self.seconds, watched.cut)
        timer.daemon = True
        timer.start()
        try:
            with self._translated(watched):
                refused = self._exchange(letter, to, watched)
        finally:
            timer.cancel()
            timer.join()
            watched.close()
        if refused:
            raise self._refused(refused, of=len(to))

    def _exchange(
        self, letter: EmailMessage, to: tuple[str, ...], watched: _Watched
    ) -> Mapping[str, tuple[int, bytes]]:
        """Return who was refused, by address."""
        context = self._context() if self.mail.tls != "none" else None
        client = _Client(self.mail, context, watched)
        try:
            if self.mail.tls == "starttls":
                client.starttls(context=context)
            if self.mail.user:
                client.login(self.mail.user, self.password)
            refused = client.sendmail(self.mail.sender, to, letter.as_bytes())
            # It was taken: however the server takes leave, it is not sent again for that.
            with suppress(smtplib.SMTPException, OSError):
                client.docmd("QUIT")
        finally:
            client.close()
        return refused

    def _context(self) -> ssl.SSLContext:
        name = self.mail.ca_file
        try:
            return ssl.create_default_context(cafile=str(self.root / name) if name else None)
        except (OSError, ssl.SSLError) as error:
            hint = "name a PEM file in mail.ca_file"
            # It stays owed: whoever corrects the setting wants it sent.
            raise ConfigError(f"{name} holds no certificate", hint=hint, retryable=True) from error

    @contextmanager
    def _translated(self, watched: _Watched) -> Iterator[None]:
        """Turn what went wrong into one line. No reply's text is in it: it may repeat a secret."""
        name = f"the mail server {self.mail.server}"
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(error.recipients, of=len(error.recipients)) from None
        except smtplib.SMTPResponseException as error:
            raise _answered(name, error) from None
        except smtplib.SMTPNotSupportedError:
            what = "encryption" if self.mail.tls == "starttls" else "what is needed"
            raise OutsideError(f"{name} does not offer {what}", retryable=True) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise self._broken(name, error, watched) from None

    def _broken(self, name: str, error: Exception, watched: _Watched) -> OpskitError:
        if watched.is_over or isinstance(error, TimeoutError):
            return OutsideError(f"{name} did not answer within {self.seconds:g} s", retryable=True)
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return OutsideError(f"{name} ended the connection", retryable=True)
        if isinstance(error, OSError):
            reason = shorten(clean(str(error.strerror or type(error).__name__)), 100)
            return OutsideError(f"{name} cannot be reached: {reason}", retryable=True)
        return OutsideError(f"{name} does not speak SMTP", retryable=True)

    def _refused(self, refused: Mapping[str, tuple[int, bytes]], *, of: int) -> OutsideError:
        code, reply = next(iter(refused.values()))
        later = any(one in _TRANSIENT for one, _ in refused.values())
        told = f"the mail server {self.mail.server} refused {len(refused)} of {of} recipients"
        return OutsideError(f"{told}: {_status(code, reply)}", retryable=later)


def _answered(name: str, error: smtplib.SMTPResponseException) -> OutsideError:
    reply = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
    later = error.smtp_code in _TRANSIENT or error.smtp_code < 0
    stage = " to the login" if isinstance(error, smtplib.SMTPAuthenticationError) else ""
    status = _status(error.smtp_code, reply)
    return OutsideError(f"{name} answered {status}{stage}", retryable=later)


def _status(code: int, reply: bytes) -> str:
    """Return a reply's code and its enhanced code (RFC 3463), if it has one."""
    enhanced = _STATUS.search(reply[:64])
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


def composed(said: Notice, sender: str, to: tuple[str, ...], at: int) -> EmailMessage:
    """Return a letter, the same for the same message however often it is made."""
    letter = EmailMessage(policy=SMTP)
    # What looks like an encoded word would be decoded by whoever reads the header.
    title = said.heading.replace("=?", "= ?")
    letter["Subject"] = f"[opskit] {title}"
    letter["From"] = sender
    letter["To"] = ", ".join(to)
    letter["Date"] = format_datetime(to_datetime(at))
    identity = hashlib.sha256(said.key.encode()).hexdigest()[:40]
    letter["Message-ID"] = f"<{identity}@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    if said.urgent:
        letter["Importance"] = "high"
        letter["X-Priority"] = "1"
    text = f"{said.title}\n\n{said.text}\n\n-- \nopskit, message {said.mark}\n"
    letter.set_content(text, cte="quoted-printable")
    return letter
