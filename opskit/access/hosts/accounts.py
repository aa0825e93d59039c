"""passwd(5), shadow(5), group(5). Password hashes are never kept: not in values, not in lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from opskit.access.hosts.lines import Parsed
from opskit.access.hosts.model import Account, File, Group, Line, Misread, Password

_EPOCH = date(1970, 1, 1)
_REDACTED = "<redacted>"
# A name and a password field that holds more than `x`, `!` or `*`; or a line without any field.
_SECRET = re.compile(r"^([^:\n]*):(?![!*]*x?(?::|$))[^:\n]*|^(?!\s*#)[^:\n]+$", re.MULTILINE)
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
    return _SECRET.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    return _REDACTED if match[1] is None else f"{match[1]}:{_REDACTED}"


def _rows(file: File) -> Iterator[tuple[list[str], Line]]:
    """Yield the fields of each line, and the line without its secret."""
    shown = file.shown or file.path
    raws, safe = file.text.split("\n"), redacted(file.text).split("\n")
    for number, raw in enumerate(raws, start=1):
        if raw and not raw.isspace() and not raw.lstrip().startswith("#"):
            yield raw.split(":"), Line(shown, number, safe[number - 1])


def accounts(passwd: File, shadow: Mapping[str, Shadow] | None) -> Parsed[Account]:
    """Return the accounts; what shadow adds is unknown where `shadow` is None."""
    found: list[Account] = []
    misread: list[Misread] = []
    for fields, at in _rows(passwd):
        uid, gid = (_number(fields[2]), _number(fields[3])) if len(fields) == 7 else (None, None)
        if uid is None or gid is None or not fields[0]:
            misread.append(Misread(at, _why_not(fields, 7)))
            continue
        found.append(_account(fields, uid, gid, at, shadow))
    return Parsed(tuple(found), tuple(misread))


def _account(
    fields: list[str], uid: int, gid: int, at: Line, shadow: Mapping[str, Shadow] | None
) -> Account:
    name, field = fields[0], fields[1]
    known = shadow.get(name) if shadow and field == "x" else None
    if field != "x":
        password = _password(field)
    elif shadow is None:
        password = Password.UNKNOWN
    else:  # pam_unix lets nobody in by a password that is nowhere
        password = known.password if known else Password.LOCKED
    return Account(
        name, uid, gid, fields[4], fields[5], fields[6], at, password,
        known.expires if known else None, known.at if known else None,
    )  # fmt: skip


def shadows(file: File) -> Parsed[Shadow]:
    """Return what shadow says of each account."""
    found: list[Shadow] = []
    misread: list[Misread] = []
    for fields, at in _rows(file):
        if len(fields) != 9 or not fields[0]:
            misread.append(Misread(at, _why_not(fields, 9)))
        else:
            found.append(Shadow(fields[0], _password(fields[1]), _last_day(fields[7]), at))
    return Parsed(tuple(found), tuple(misread))


def groups(file: File) -> Parsed[Group]:
    """Return the groups with the members named there."""
    found: list[Group] = []
    misread: list[Misread] = []
    for fields, at in _rows(file):
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
