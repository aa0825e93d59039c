"""The door to DNS: one question to one server, or to those of the system, with one deadline."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

from opskit.core.text import clean
from opskit.outside.dial import DialError, resolve, split


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the records asked for as text, in order, and how many of each part."""

    code: str
    records: tuple[str, ...]
    answers: int
    authorities: int
    additionals: int
    serial: int | None
    authoritative: bool


def ask(name: str, kind: str, server: str, seconds: float, *, recurse: bool = True) -> Answer:
    """Return what a server (`host:port`) says of a name, or the first of the system's that speaks.

    Raises:
        DialError: none of them said anything in time, or something that is no answer.
    """
    deadline = time.monotonic() + seconds
    servers = [split(server)] if server else _of_the_system()
    failed = DialError("this system names no DNS server")
    for index, (host, port) in enumerate(servers):
        now = time.monotonic()
        until = now + (deadline - now) / (len(servers) - index)
        try:
            return _asked(name, kind, resolve(host, port, until)[0].host, port, until, recurse)
        except DialError as error:
            failed = error
    raise failed


def _of_the_system() -> list[tuple[str, int]]:
    try:
        known = dns.resolver.Resolver()
    except dns.exception.DNSException:
        return []
    return [(str(one), known.port) for one in known.nameservers]


def _asked(name: str, kind: str, host: str, port: int, until: float, recurse: bool) -> Answer:
    try:
        query = dns.message.make_query(name, kind)
        if not recurse:
            query.flags &= ~dns.flags.RD
        try:
            heard = _by_datagram(query, host, port, until)
        except dns.message.Truncated:
            heard = dns.query.tcp(query, host, _left(until), port)
        return _answer(heard, kind)
    except dns.exception.Timeout as error:
        raise DialError("no answer in time", late=True) from error
    except OSError as error:
        raise DialError((error.strerror or "broken off").lower()) from error
    except Exception as error:  # a parser's complaint about what a stranger wrote
        raise DialError(f"what came is no answer: {type(error).__name__}") from error


def _by_datagram(
    query: dns.message.Message, host: str, port: int, until: float
) -> dns.message.Message:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003  # the library waits by itself
        sock.connect((host, port))  # a refusal is heard on a connected socket only
        return dns.query.udp(query, host, _left(until), port, sock=sock, raise_on_truncation=True)


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


def _answer(heard: dns.message.Message, kind: str) -> Answer:
    wanted = dns.rdatatype.from_text(kind)
    records = [one for found in heard.answer if found.rdtype == wanted for one in found]
    serial = records[0].serial if records and wanted == dns.rdatatype.SOA else None
    return Answer(
        code=dns.rcode.to_text(heard.rcode()),
        records=tuple(sorted(clean(one.to_text()) for one in records)),
        answers=_count(heard.answer),
        authorities=_count(heard.authority),
        additionals=_count(heard.additional),
        serial=serial,
        authoritative=bool(heard.flags & dns.flags.AA),
    )


def _count(section: list[dns.rrset.RRset]) -> int:
    return sum(map(len, section))
