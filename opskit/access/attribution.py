"""Which grant a login or a command was by: logs joined to the grants in force then. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.loglines import Denied, Login, Ran, Said
from opskit.access.model import LinuxRights
from opskit.access.store.grants import Grant
from opskit.access.store.usage import Used
from opskit.access.sudoers.patterns import canonical
from opskit.access.sudoers.render import ALL
from opskit.core.clock import SECOND, Instant
from opskit.core.text import clean, shorten

LOGIN = "login"
# What a use is written under is at most so long: a command line can be megabytes.
_LONGEST = 500
_KEY_ID = re.compile(r"grant-(g[1-9][0-9]{0,11})(?::.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Given:
    """A grant as far as logs can be joined to it: whose account, which keys, what, and when.

    `end` None is: it has none yet.
    """

    grant_id: int
    account: str
    fingerprints: frozenset[str]
    rights: LinuxRights
    start: Instant
    end: Instant | None

    @property
    def name(self) -> str:
        """Return what certificates call it."""
        return f"g{self.grant_id}"

    def in_force(self, at: Instant) -> bool:
        """Return whether it was in force. Many logs tell whole seconds, cut."""
        return self.start // SECOND * SECOND <= at and (self.end is None or at < self.end)


def given(grant: Grant) -> Given | None:
    """Return what logs are joined to; None for a grant that never was on a host."""
    if grant.provisioned_at is None or grant.gives.linux is None:
        return None
    ends = [one for one in (grant.ended_at, grant.ends_at) if one is not None]
    return Given(
        grant.id, grant.account, frozenset(_fingerprints(grant.keys)), grant.gives.linux,
        grant.provisioned_at, max(ends, default=None),
    )  # fmt: skip


def _fingerprints(keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        try:
            yield public_key(key).fingerprint
        except NoKeyError:
            continue


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of the lines of one place: uses, and how many were by nobody's grant or refused."""

    used: tuple[Used, ...]
    by_no_grant: int
    denied: int


def joined(place: str, events: Iterable[Said], grants: Sequence[Given]) -> Joined:
    """Return which grants were used for what. A use that several grants allow is one of each."""
    found: dict[tuple[int, str], list[Instant]] = {}
    stray = denied = 0
    by_account: dict[str, list[Given]] = {}
    for one in grants:
        by_account.setdefault(one.account, []).append(one)
    for event in events:
        if isinstance(event, Denied):
            denied += 1
        elif isinstance(event, Login | Ran):
            own = by_account.get(event.account, [])
            by = [one for one in own if one.in_force(event.at) and _is_by(event, one)]
            stray += not by
            for one in by:
                found.setdefault((one.grant_id, _what(event)), []).append(event.at)
    used = (
        Used(grant_id, place, what, min(times), max(times), len(times))
        for (grant_id, what), times in sorted(found.items())
    )
    return Joined(tuple(used), stray, denied)


def _what(event: Login | Ran) -> str:
    return LOGIN if isinstance(event, Login) else shorten(clean(event.command), _LONGEST)


def _is_by(event: Login | Ran, one: Given) -> bool:
    if isinstance(event, Ran):
        return any(
            right.run_as == event.run_as
            and any(allows(each, event.command) for each in right.commands)
            for right in one.rights.sudo
        )
    if event.key_id:
        named = _KEY_ID.fullmatch(event.key_id)
        return named is not None and named[1] == one.name
    return event.fingerprint in one.fingerprints


def allows(written: str, run: str) -> bool:
    """Return whether a command of a role, as sudoers takes it, is the one that was run.

    `run` is the path and the arguments as sudo logs them, joined by blanks.
    """
    if written == ALL:
        return True
    path, _, words = written.partition(" ")
    real, _, arguments = run.partition(" ")
    if canonical(path) != canonical(real):
        return False
    if words == "*":
        return True
    return arguments.startswith(words[:-1]) if words.endswith(" *") else arguments == words
