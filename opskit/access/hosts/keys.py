"""authorized_keys, as sshd(8) section AUTHORIZED_KEYS FILE FORMAT has it.

A line with an option sshd does not know, or one twice that may stand once, opens nothing: sshd
refuses it whole, and so it is told as misread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from opskit.access.hosts.lines import Parsed, lines
from opskit.access.hosts.model import AuthorizedKey, File, Line, Misread
from opskit.access.hosts.publickeys import CERTIFICATE, TYPES, NoKeyError, public_key
from opskit.core.clock import Instant, from_datetime

_FLAGS = frozenset({
    "agent-forwarding", "no-agent-forwarding", "port-forwarding", "no-port-forwarding",
    "x11-forwarding", "no-x11-forwarding", "pty", "no-pty", "user-rc", "no-user-rc",
    "cert-authority", "restrict", "touch-required", "no-touch-required",
    "verify-required", "no-verify-required",
})  # fmt: skip
_ONCE = frozenset({"command", "from", "principals", "tunnel"})
_MANY = frozenset({"environment", "permitopen", "permitlisten", "expiry-time"})
_OPTION = re.compile(r'\s*([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,|\Z)', re.DOTALL)
_EXPIRY = re.compile(r"([0-9]{8})([0-9]{4})?([0-9]{2})?(Z)?", re.IGNORECASE)


def authorized_keys(
    file: File, account: str, zone: ZoneInfo | None = None
) -> Parsed[AuthorizedKey]:
    """Return the keys that open `account`. Times without a `Z` are standard time in `zone`."""
    found: list[AuthorizedKey] = []
    misread: list[Misread] = []
    for line in lines(file):
        try:
            found.append(_key(line, account, zone))
        except NoKeyError as error:
            misread.append(Misread(line, f"opens nothing: {error}"))
    return Parsed(tuple(found), tuple(misread))


def _key(line: Line, account: str, zone: ZoneInfo | None) -> AuthorizedKey:
    text = line.raw.strip()
    first = text.split(None, 1)[0]
    if first in TYPES or first.endswith(CERTIFICATE):
        return AuthorizedKey(account, public_key(text), {}, line)
    end = _end_of_options(text)
    options = _options(text[:end])
    key = public_key(text[end:])
    ends = options.get("expiry-time")
    expires = min(_instant(one, zone) for one in ends.split("\n")) if ends else None
    return AuthorizedKey(account, key, options, line, expires)


def _end_of_options(text: str) -> int:
    """Return where the first blank outside of quotes stands."""
    quoted, at = False, 0
    while at < len(text) and (quoted or text[at] not in " \t"):
        if text.startswith('\\"', at):
            at += 1
        elif text[at] == '"':
            quoted = not quoted
        at += 1
    if quoted:
        raise NoKeyError("a quote is not closed")
    return at


def _options(text: str) -> Mapping[str, str | None]:
    options: dict[str, str | None] = {}
    for name, value in _each_option(text):
        if name in _MANY and value is not None and name in options:
            options[name] = f"{options[name]}\n{value}"
        elif name in _ONCE and name in options:
            raise NoKeyError(f"option {name} stands twice")
        else:
            options[name] = value
    return options


def _each_option(text: str) -> Iterator[tuple[str, str | None]]:
    at = 0
    while at < len(text):
        match = _OPTION.match(text, at)
        if match is None:
            raise NoKeyError(f"no option of sshd: {text[at : at + 60]}")
        name, value = match[1].lower(), match[2]
        if name not in (_FLAGS if value is None else _ONCE | _MANY):
            raise NoKeyError(f"no option of sshd: {match[1][:60]}")
        yield name, None if value is None else value.replace('\\"', '"')
        at = match.end()


def _instant(text: str, zone: ZoneInfo | None) -> Instant:
    """Return the instant of an `expiry-time`.

    sshd asks mktime(3) with daylight saving time said to be off: what is written without a `Z` is
    standard time in summer, too.
    """
    match = _EXPIRY.fullmatch(text)
    if match is None:
        raise NoKeyError(f"expiry-time {text[:40]!r} is no time")
    digits = f"{match[1]}{match[2] or '0000'}{match[3] or '00'}"
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return from_datetime(moment if match[4] else moment - _standard_offset(moment, zone))
    except (ValueError, OverflowError):
        raise NoKeyError(f"expiry-time {text[:40]!r} is no time") from None


def _standard_offset(moment: datetime, zone: ZoneInfo | None) -> timedelta:
    if zone is None:
        return timedelta(0)
    local = moment.replace(tzinfo=zone)
    return (local.utcoffset() or timedelta(0)) - (local.dst() or timedelta(0))
