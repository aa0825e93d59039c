"""What sshd and sudo say in their logs of who used access, and of who was denied it. Pure.

Read are syslog lines with RFC 3339 or traditional stamps, sudo's own log file (folded at 80
columns, or not), sudo's JSON in its three shapes, and entries of the journal. What users choose
themselves (directories, arguments, names) stands in these lines: a line that could mean two things
is told as unclear and stands for no use of anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, SECOND, Instant, from_datetime, to_datetime

# Longer lines are not read. sudo cuts its own well below, rsyslog and the journal do by default.
LONGEST = 64_000
# An object of sudo's JSON holds the environment, and is still much smaller than this.
_LONGEST_OBJECT = 1_000_000


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody was let in by a key: its fingerprint, and of a certificate its id and serial."""

    at: Instant
    account: str
    fingerprint: str
    key_id: str = ""
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Ran:
    """Somebody ran a command through sudo: its path and its arguments, joined by blanks."""

    at: Instant
    account: str
    run_as: str
    command: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Somebody was refused. `what` is `login` or the command; `why` in the program's words."""

    at: Instant
    account: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line of sshd or sudo that could not be read for certain."""

    at: Instant | None
    why: str


Said = Login | Ran | Denied | Unclear


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its stamp. `host` and `program` are empty where the log does not say them."""

    at: Instant
    host: str
    program: str
    message: str


@dataclass(frozen=True, slots=True)
class Stamps:
    """How stamps without a year or a zone are meant: not after `now`, in `zone`."""

    now: Instant
    zone: ZoneInfo


# Stamps and the frame of a line

_RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TRADITIONAL = rf"(?:{'|'.join(_MONTHS)}) [ \d]\d (?:\d{{4}} )?\d\d:\d\d:\d\d(?: \d{{4}})?"
_STAMP = rf"(?P<stamp>{_RFC3339}|{_TRADITIONAL})"
_SYSLOG = re.compile(
    rf"{_STAMP} (?P<host>[^ ]{{1,255}}) (?P<program>[A-Za-z0-9_./-]{{1,100}})(?:\[\d+\])?: ?"
    r"(?P<message>.*)",
    re.DOTALL,
)
_OWN = re.compile(rf"{_STAMP} : (?P<message>.*)", re.DOTALL)


def line_of(text: str, stamps: Stamps) -> Line | None:
    """Return a line of a log file; None for what is none."""
    if len(text) > LONGEST:
        return None
    found = _SYSLOG.fullmatch(text)
    if found is not None:
        at = stamp(found["stamp"], stamps)
        program = found["program"].rpartition("/")[2]
        return None if at is None else Line(at, found["host"], program, found["message"])
    found = _OWN.fullmatch(text)  # sudo's own file names neither host nor program
    at = stamp(found["stamp"], stamps) if found else None
    return None if found is None or at is None else Line(at, "", "sudo", found["message"])


def stamp(text: str, stamps: Stamps) -> Instant | None:
    """Return the instant of a stamp; None for one that no calendar has.

    A traditional one has no year: it is the last one in which it is not in the future. Clocks
    differ, so a day's grace is given.
    """
    try:
        if text[:1].isdigit():
            return from_datetime(datetime.fromisoformat(_six_digits(text)))
        words = text.split()
        year = next((int(word) for word in words[2:] if len(word) == 4), 0)
        clock = next(word for word in words if ":" in word)
        if year:
            return _in_year(year, words, clock, stamps.zone)
        latest = Instant(stamps.now + DAY)
        this = to_datetime(latest, stamps.zone).year
        tried = (_in_year(one, words, clock, stamps.zone) for one in (this, this - 1))
        return next((at for at in tried if at is not None and at <= latest), None)
    except (ValueError, OverflowError):
        return None


def _six_digits(text: str) -> str:
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    digits = re.match(r"\d+", rest)
    count = digits.end() if digits else 0
    return f"{head}.{rest[:count][:6].ljust(6, '0')}{rest[count:]}"


def _in_year(year: int, words: list[str], clock: str, zone: ZoneInfo) -> Instant | None:
    hour, minute, second = map(int, clock.split(":"))
    month, day = _MONTHS.index(words[0]) + 1, int(words[1])
    try:
        # A leap second is the first of the next minute.
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except ValueError:  # 29 February
        return None
    return from_datetime(moment + timedelta(seconds=max(0, second - 59)))


# What a line says

_SSHD = frozenset({"sshd", "sshd-session", "sshd-auth"})
_SUDO = frozenset({"sudo", "sudo-rs"})
PROGRAMS = _SSHD | _SUDO

_ACCEPTED = re.compile(
    r"Accepted (?P<how>[a-z-]+)(?:/[a-z-]+)? for (?P<account>[^ ]+) from [^ ]+ port \d+(?: ssh2)?"
    r"(?:: (?P<key>.*))?"
)
_LET_IN = re.compile(r"Accepted [^ ]+ for ")
_KEY = re.compile(r"[A-Z0-9-]+ (?P<fingerprint>SHA256:[A-Za-z0-9+/]{43})(?P<rest>.*)")
_CERTIFICATE = re.compile(
    r" ID (?P<id>.*) \(serial (?P<serial>\d{1,20})\) CA [A-Z0-9-]+ SHA256:[A-Za-z0-9+/]{43}"
)
# One line for each connection that ended without a login, whatever was tried on it.
_GAVE_UP = re.compile(
    r"(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) "
    r"(?:authenticating|invalid) user (?P<account>.*) [^ ]+ port \d+(?:[ :].*)?"
)


def said(line: Line) -> Said | None:
    """Return what a line says; None for what is of no interest."""
    if line.program in _SSHD:
        return _sshd(line)
    if line.program in _SUDO:
        return _sudo(line)
    return None


def _sshd(line: Line) -> Said | None:
    found = _ACCEPTED.fullmatch(line.message)
    if found is not None:
        return _login(line.at, found)
    if _LET_IN.match(line.message):
        return Unclear(line.at, "a login that cannot be read")
    failed = _GAVE_UP.fullmatch(line.message)
    return Denied(line.at, failed["account"], "login", "not let in") if failed else None


def _login(at: Instant, found: re.Match[str]) -> Login | Unclear:
    key = _KEY.fullmatch(found["key"] or "")
    if key is None:
        # A password, or a key that an old sshd named otherwise: no grant gives either.
        return Login(at, found["account"], "")
    if not key["rest"]:
        return Login(at, found["account"], key["fingerprint"])
    certificate = _CERTIFICATE.fullmatch(key["rest"])
    if certificate is None or " (serial " in certificate["id"]:
        return Unclear(at, "a certificate that cannot be read")
    return Login(
        at, found["account"], key["fingerprint"], certificate["id"], int(certificate["serial"])
    )


# Without a terminal there is no TTY. COMMAND is the last, and takes in all that follows.
_FIELD = re.compile(
    r" ; (?:TTY|PWD|USER|GROUP|TSID|ENV|HOST|CWD|CHROOT|COMMAND)=|^(?:HOST|TTY|PWD|USER)="
)
_SUDO_LINE = re.compile(
    r" *(?P<account>[^ ;:]+) : (?:(?P<why>[^;=]+) ; )?(?P<fields>(?:HOST|TTY|PWD|USER)=.*)",
    re.DOTALL,
)
_JSON = re.compile(r'"(accept|reject|alert)"[ \t\r\n]*:[ \t\r\n]*(?=\{)')


def _sudo(line: Line) -> Said | None:
    if line.message.startswith("@cee:"):
        return next(iter(of_json(line.message)), Unclear(line.at, "cut off"))
    found = _SUDO_LINE.fullmatch(line.message)
    if found is None:
        unread = any(one in line.message for one in (" ; COMMAND=", "(command continued)"))
        return Unclear(line.at, "a command that cannot be read") if unread else None
    fields = _fields(found["fields"])
    if fields is None or "USER" not in fields or "COMMAND" not in fields:
        return Unclear(line.at, "it could mean more than one command")
    if found["why"]:
        return Denied(line.at, found["account"], fields["COMMAND"], found["why"].strip())
    return Ran(line.at, found["account"], fields["USER"], fields["COMMAND"])


def _fields(text: str) -> dict[str, str] | None:
    """Return the fields of a line; None where one stands twice: then a user has written one."""
    found: dict[str, str] = {}
    parts = [*_FIELD.finditer(text)]
    for at, part in enumerate(parts):
        name = part[0].removeprefix(" ; ").removesuffix("=")
        end = parts[at + 1].start() if at + 1 < len(parts) else len(text)
        if name in found:
            return None
        found[name] = text[part.end() : end]
    if not parts or parts[-1][0] != " ; COMMAND=":
        return None
    return found


# sudo's JSON


def of_json(text: str) -> Iterator[Said]:
    """Yield what the objects of sudo's JSON say, however they are laid out.

    The file of sudo before 1.9.16 is one object in which `accept` stands many times, which no
    reader of JSON keeps apart: so each is read by itself. Quotes within a value are escaped, so
    nothing that a user chose can look like the start of one.
    """
    reader = json.JSONDecoder()
    at = 0
    while (found := _JSON.search(text, at)) is not None:
        try:
            value, at = reader.raw_decode(text[: found.end() + _LONGEST_OBJECT], found.end())
            yield _of_object(found[1], value)
        except (ValueError, RecursionError):
            at = found.end()
            yield Unclear(None, "JSON that cannot be read")


def _of_object(kind: str, value: Any) -> Said:  # noqa: ANN401  # any JSON
    try:
        when = value["server_time"]
        at = Instant(int(when["seconds"]) * SECOND + int(when.get("nanoseconds", 0)) // 1000)
        account = str(value["submituser"])
        words = [str(value.get("command", "")), *map(str, value.get("runargv", [])[1:])]
    except (KeyError, TypeError, ValueError, AttributeError):
        return Unclear(None, "JSON that lacks who, when or what")
    command = " ".join(words)
    if kind == "accept":
        return Ran(at, account, str(value.get("runuser", "root")), command)
    return Denied(at, account, command, str(value.get("reason", kind)))


# The journal

_PROGRAMS_OF_THE_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib/")


def journal_line(text: str) -> Line | Unclear | None:
    """Return an entry of `journalctl -o json`; None for one of no interest, or not by sshd or sudo.

    Fields that begin with `_` are the journal's own: whoever writes `sudo: ...` with another
    program is not believed.
    """
    if len(text) > LONGEST:
        return Unclear(None, "an entry is too long")
    try:
        entry = json.loads(text)
        at = Instant(int(entry["__REALTIME_TIMESTAMP"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unclear(None, "an entry that cannot be read")
    program = str(entry.get("SYSLOG_IDENTIFIER", ""))
    if program not in PROGRAMS or not _believed(entry, program):
        return None
    message = _message(entry.get("MESSAGE"))
    if message is None:
        return Unclear(at, "an entry without text")
    return Line(at, str(entry.get("_HOSTNAME", "")), program, message)


def _believed(entry: dict[str, Any], program: str) -> bool:
    path = str(entry.get("_EXE", ""))
    if path:
        family = _SSHD if program in _SSHD else _SUDO
        named = path.rpartition("/")[2].removesuffix(" (deleted)")
        return path.startswith(_PROGRAMS_OF_THE_SYSTEM) and named in family
    # A program that ended at once leaves no path; sshd always writes as root.
    return program in _SUDO or str(entry.get("_UID", "0")) == "0"


def _message(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return bytes(value).decode("utf-8", "surrogateescape")
    return None


# Folded lines


def unfolded(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of sudo's own log file with those that it folded made one again."""
    held = ""
    for line in lines:
        if line.startswith("    ") and _OWN.match(held):
            if len(held) <= LONGEST:  # what is longer is not read, so more of it is not kept
                held = f"{held} {line.strip()}"
            continue
        if held:
            yield held
        held = line
    if held:
        yield held
