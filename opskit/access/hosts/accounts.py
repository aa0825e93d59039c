"""passwd(5), shadow(5), group(5). Password hashes are never kept: not in values, not in lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from opskit.access.hosts.lines import Parsed, lines
from opskit.access.hosts.model import Account, File, Group, Line, Misread, Password

_EPOCH = date(1970, 1, 1)
_REDACTED = "<redacted>"
# What stands in a password field and is no hash; `x` says: look into shadow.
_NO_SECRET = re.compile(r"[!*]*x?\Z")
# crypt(5): a marked method, BSDi's, or the thirteen characters of DES.
_HASH = re.compile(r"[$_]\S+|[./0-9A-Za-z]{13}")
_HIGHEST_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Shadow:
    """A line of shadow: the state of the password, and the last usable day."""

    name: str
    password: Password
    expires: date | None
    at: Line


def redacted(text: str) -> str:
    """Return lines of passwd, shadow or group with each password field that may be a hash hidden.

    A line without fields is hidden whole: nobody knows what it is.
    """
    return "\n".join(map(_redacted, text.split("\n")))


def _redacted(raw: str) -> str:
    name, colon, rest = raw.partition(":")
    if not colon:
        return raw if not raw or raw.lstrip().startswith("#") else _REDACTED
    secret, colon, rest = rest.partition(":")
    kept = secret if _NO_SECRET.match(secret) else _REDACTED
    return f"{name}:{kept}{colon}{rest}"


def accounts(passwd: File, shadow: Mapping[str, Shadow] | None) -> Parsed[Account]:
    """Return the accounts; what shadow adds is unknown where `shadow` is None."""
    found: list[Account] = []
    misread: list[Misread] = []
    for line in lines(passwd):
        fields = line.raw.split(":")
        at = replace(line, raw=_redacted(line.raw))
        uid, gid = (_number(fields[2]), _number(fields[3])) if len(fields) == 7 else (None, None)
        if uid is None or gid is None or not fields[0]:
            misread.append(Misread(at, _why_not(fields, 7)))
            continue
        one = Account(fields[0], uid, gid, fields[4], fields[5], fields[6], at)
        found.append(_with_password(one, fields[1], shadow))
    return Parsed(tuple(found), tuple(misread))


def _with_password(account: Account, field: str, shadow: Mapping[str, Shadow] | None) -> Account:
    if field != "x":
        return replace(account, password=_password(field))
    if shadow is None:
        return account
    known = shadow.get(account.name)
    if known is None:  # pam_unix lets nobody in by a password that is nowhere
        return replace(account, password=Password.LOCKED)
    return replace(account, password=known.password, expires=known.expires, shadow_at=known.at)


def shadows(file: File) -> Parsed[Shadow]:
    """Return what shadow says of each account."""
    found: list[Shadow] = []
    misread: list[Misread] = []
    for line in lines(file):
        fields = line.raw.split(":")
        at = replace(line, raw=_redacted(line.raw))
        if len(fields) != 9 or not fields[0]:
            misread.append(Misread(at, _why_not(fields, 9)))
        else:
            found.append(Shadow(fields[0], _password(fields[1]), _last_day(fields[7]), at))
    return Parsed(tuple(found), tuple(misread))


def groups(file: File) -> Parsed[Group]:
    """Return the groups with the members named there."""
    found: list[Group] = []
    misread: list[Misread] = []
    for line in lines(file):
        fields = line.raw.split(":")
        at = replace(line, raw=_redacted(line.raw))
        gid = _number(fields[2]) if len(fields) == 4 else None
        if gid is None or not fields[0]:
            misread.append(Misread(at, _why_not(fields, 4)))
        else:
            members = tuple(filter(None, map(str.strip, fields[3].split(","))))
            found.append(Group(fields[0], gid, members, at))
    return Parsed(tuple(found), tuple(misread))


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return int(text) if int(text) <= _HIGHEST_ID else None


def _password(field: str) -> Password:
    if not field:
        return Password.EMPTY
    return Password.SET if _HASH.fullmatch(field) else Password.LOCKED


def _last_day(field: str) -> date | None:
    """Return the day before the one from which on pam_unix refuses the account."""
    if not (field.isascii() and field.isdigit()):
        return None
    try:
        return _EPOCH + timedelta(days=int(field[:12]) - 1)
    except OverflowError:
        return date.max


def _why_not(fields: list[str], wanted: int) -> str:
    if fields[0][:1] in {"+", "-"}:
        return "an entry of NIS: who it adds is not written here"
    if len(fields) != wanted:
        return f"{len(fields)} fields instead of {wanted}"
    return "the name is missing" if not fields[0] else "an id that is no number"
