"""How TLS is asked for in a protocol that begins in the clear; for SMTP, what else is offered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from opskit.outside.dial import Dial, DialError

_LINES = 100
_REPLY = re.compile(r"([2-5]\d\d)([ -]|$)(.*)", re.ASCII)
# The length of the message, and the number that stands for a version of the protocol in it.
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def _smtp_reply(dial: Dial, wanted: str) -> list[str]:
    """Return the lines of a reply, or say which other one came."""
    lines: list[str] = []
    while len(lines) < _LINES:
        match = _REPLY.fullmatch(dial.line())
        if match is None:
            raise DialError("what came is not SMTP")
        lines.append(match[3])
        if match[2] != "-":
            if match[1] != wanted:
                raise DialError(f"SMTP code {match[1]}, wanted {wanted}")
            return lines
    raise DialError("an SMTP reply without end")


def smtp_extensions(dial: Dial, name: str = "opskit.invalid") -> frozenset[str]:
    """Greet an SMTP server and return the words for what it can do.

    Raises:
        DialError: it does not speak SMTP, or not with us.
    """
    _smtp_reply(dial, "220")
    dial.send(f"EHLO {name}\r\n".encode())
    return frozenset(line.split(" ")[0].upper() for line in _smtp_reply(dial, "250")[1:])


def smtp_goodbye(dial: Dial) -> None:
    """Take leave, as a server may log who does not; what it answers does not matter."""
    try:
        dial.send(b"QUIT\r\n")
    except DialError:
        pass  # it has gone already


def _smtp(dial: Dial) -> None:
    if "STARTTLS" not in smtp_extensions(dial):
        raise DialError("STARTTLS is not offered")
    dial.send(b"STARTTLS\r\n")
    _smtp_reply(dial, "220")


def _imap(dial: Dial) -> None:
    if not dial.line().upper().startswith("* OK"):
        raise DialError("what came is not IMAP")
    dial.send(b"a1 STARTTLS\r\n")
    for _ in range(_LINES):
        line = dial.line().upper()
        if line.startswith("A1 OK"):
            return
        if not line.startswith("* "):
            raise DialError("STARTTLS is not offered")
    raise DialError("an IMAP reply without end")


def _postgres(dial: Dial) -> None:
    dial.send(_SSL_REQUEST)
    answer = dial.exactly(1)
    if answer == b"N":
        raise DialError("TLS is not offered")
    if answer != b"S":
        raise DialError("what came is not PostgreSQL")


BEGIN: Mapping[str, Callable[[Dial], None]] = {
    "smtp": _smtp,
    "imap": _imap,
    "postgres": _postgres,
}
