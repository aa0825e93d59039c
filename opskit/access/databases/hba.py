"""What pg_hba.conf lets in: which lines may decide about a role, and what they ask of it. Pure.

The first line that fits the kind of connection, the database, the user and the address decides.
Source: PostgreSQL documentation, "The pg_hba.conf File".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from opskit.access.databases.model import HbaLine

# A password's VALID UNTIL is asked under these alone.
PASSWORD_METHODS = frozenset({"scram-sha-256", "md5", "password"})
_EVERYWHERE = frozenset({"all"})


def deciding(lines: Sequence[HbaLine], account: str, groups: frozenset[str]) -> tuple[HbaLine, ...]:
    """Return the lines that may decide about a login of `account`, a member of `groups`.

    A line is left out where an earlier one decides about all that it could.
    """
    found: list[HbaLine] = []
    for line in lines:
        if line.error or not _of_databases(line) or not _may_match(line, account, groups):
            continue
        if not any(_covers(before, line, account) for before in found):
            found.append(line)
    return tuple(found)


def expires_by_password(
    lines: Sequence[HbaLine], account: str, groups: frozenset[str]
) -> tuple[bool, HbaLine | None]:
    """Return whether VALID UNTIL keeps `account` out, and the line by which it would not."""
    for line in deciding(lines, account, groups):
        if line.method not in PASSWORD_METHODS | {"reject"}:
            return False, line
    return True, None


def can_log_in(lines: Sequence[HbaLine], account: str, groups: frozenset[str]) -> bool:
    """Return whether some line lets `account` in, if it has what the line asks for."""
    return any(line.method != "reject" for line in deciding(lines, account, groups))


def _of_databases(line: HbaLine) -> bool:
    """Return whether it speaks of databases: `replication` is for standbys, not for queries."""
    return any(name != "replication" for name in line.databases)


def _may_match(line: HbaLine, account: str, groups: frozenset[str]) -> bool:
    return any(_user_matches(name, account, groups) for name in line.users)


def _user_matches(name: str, account: str, groups: frozenset[str]) -> bool:
    if name.startswith("+"):
        return name[1:] == account or name[1:] in groups
    # From 16 on a name may be a regular expression, which is the server's to read.
    return name in {"all", account} or name.startswith("/")


def _covers(before: HbaLine, line: HbaLine, account: str) -> bool:
    """Return whether `before` surely decides wherever `line` could."""
    types = {before.type} if before.type != "host" else {"host", "hostssl", "hostnossl"}
    types |= {"hostgssenc", "hostnogssenc"} if before.type == "host" else set()
    same_place = (before.address, before.netmask) == (line.address, line.netmask)
    return (
        line.type in types
        and "all" in before.databases
        and ("all" in before.users or account in before.users)
        and (before.address in _EVERYWHERE or same_place or _network_covers(before, line))
    )


def _network_covers(before: HbaLine, line: HbaLine) -> bool:
    wide, narrow = network(before), network(line)
    if wide is None or narrow is None:
        return False
    if isinstance(wide, ipaddress.IPv4Network) and isinstance(narrow, ipaddress.IPv4Network):
        return narrow.subnet_of(wide)
    if isinstance(wide, ipaddress.IPv6Network) and isinstance(narrow, ipaddress.IPv6Network):
        return narrow.subnet_of(wide)
    return False


def network(line: HbaLine) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the addresses a line is for, or nothing where they are not told by numbers."""
    try:
        return ipaddress.ip_network(_with_mask(line), strict=False)
    except ValueError:
        return None


def _with_mask(line: HbaLine) -> str:
    if not line.netmask:
        return line.address
    bits = int(ipaddress.ip_address(line.netmask))
    return f"{line.address}/{bits.bit_count()}"


def from_elsewhere(line: HbaLine) -> bool:
    """Return whether it lets in others than this machine."""
    if line.type == "local" or line.address == "samehost":
        return False
    known = network(line)
    return known is None or not known.is_loopback


def from_anywhere(line: HbaLine) -> bool:
    """Return whether it lets in the whole world."""
    known = network(line)
    return line.address in _EVERYWHERE or (known is not None and known.prefixlen == 0)


def usable(lines: Sequence[HbaLine]) -> Iterator[HbaLine]:
    """Yield the lines the server can use."""
    return (line for line in lines if not line.error)
