"""What a kind of target must do: look, and make true; what is asked of it and what it answers.

Everything is level-triggered: an order says what shall be in force on a target, not what to do.
Carrying it out twice is as good as once, and what is gone already was removed well.
An answer is what was observed afterwards, never what a command claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from opskit.access.databases.model import DatabaseState
from opskit.access.hosts.model import HostState
from opskit.access.model import LinuxRights, PlaybookRights, PostgresRights
from opskit.core.clock import Instant


class Presence(StrEnum):
    """How something stands on a target, by the last look."""

    PRESENT = "present"
    PARTIAL = "partial"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class EnforcedBy(StrEnum):
    """What on the target ends a part of a grant by itself, strongest first.

    The first four are asked at each use; a timer removes; `NONE` waits for opskit.
    """

    CERTIFICATE = "certificate"
    EXPIRY_TIME = "expiry-time"
    NOTAFTER = "notafter"
    ACCOUNT = "account-expiry"
    TIMER = "timer"
    NONE = "none"


Rights = LinuxRights | PostgresRights | PlaybookRights


@dataclass(frozen=True, slots=True)
class Placement:
    """What one grant gives on one target.

    `grant` is its name (`g42`: letters and digits, so that it may be a file's name), `keys` are
    `type base64` of the keys that may log in. `until` is its planned end.
    """

    grant: str
    person: str
    account: str
    rights: Rights
    until: Instant
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be true on one target.

    `present` are all grants in force there, also those an earlier order put there: what they share
    with one that goes (a group, an account) stays. `absent` are grants to be removed. Accounts in
    `end_sessions` have their sessions and processes ended and what goes on by itself swept, after
    their credentials are cut.
    """

    target: str
    present: tuple[Placement, ...] = ()
    absent: tuple[Placement, ...] = ()
    end_sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a grant on a target: a key line, a sudo rule, a group, a membership."""

    what: str
    presence: Presence
    enforced_by: EnforcedBy = EnforcedBy.NONE
    fence_until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one grant stands on one target."""

    grant: str
    parts: tuple[Part, ...]

    @property
    def presence(self) -> Presence:
        """Return present or absent only where every part is."""
        found = {part.presence for part in self.parts}
        if Presence.UNKNOWN in found or not found:
            return Presence.UNKNOWN
        return found.pop() if len(found) == 1 else Presence.PARTIAL

    @property
    def enforced_by(self) -> EnforcedBy:
        """Return the weakest of what ends its parts: that is how strong the whole is."""
        order = list(EnforcedBy)
        left = [part.enforced_by for part in self.parts if part.presence is not Presence.ABSENT]
        return max(left, key=order.index, default=EnforcedBy.NONE)

    @property
    def fence_until(self) -> Instant | None:
        """Return when the last part has ended by itself; None where one would not."""
        left = [part.fence_until for part in self.parts if part.presence is not Presence.ABSENT]
        known = [one for one in left if one is not None]
        return max(known) if known and len(known) == len(left) else None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody at work on a target: an account, what it runs, since when if that is known."""

    account: str
    what: str
    since: Instant | None = None


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A right on a target that no placement accounts for; `key` names it for its removal."""

    kind: str  # sudo, key, group, account, membership, attribute, login
    key: str
    account: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a target. `reached` false means: nothing below was seen, `reason` says why."""

    target: str
    at: Instant
    reached: bool = True
    reason: str = ""
    standings: Mapping[str, Standing] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    state: HostState | DatabaseState | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an order: the look that followed it, and what was done on the way.

    `refused` says why the target's own guard would not do it (nothing was changed then, or it was
    rolled back): too few administrators left, no second login. `failed` names what went wrong,
    `told` what was done beyond what was asked for, because it hung on it.
    """

    sight: Sight
    ended: tuple[Session, ...] = ()
    refused: str = ""
    failed: str = ""
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Logs:
    """What a host gave of its logs. `since` to `until` was read whole, where `why` is empty."""

    lines: tuple[str, ...]
    since: Instant
    until: Instant
    why: str = ""


class TargetKind(Protocol):
    """One kind of target. No call raises for a target that cannot be reached."""

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        """Look at targets, all of them at once; `expected` are the grants known on each."""
        ...

    def carry_out(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Make each order true and look again; one target's trouble is not another's."""
        ...

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        """Take away rights that nobody granted, each named by its key, on all targets at once.

        Each target's own guard judges for it alone, and one's trouble is not another's.
        """
        ...
