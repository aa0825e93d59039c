"""Where the server has pg_cron, a job of its own ends what a grant gave, also without opskit. Pure.

One job for each membership, and one for each login role that opskit made, at the latest end among
the grants that give it. A job also ends the sessions, since those keep a role they took, and takes
itself away: pg_cron knows no year, and would come again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opskit.access.databases.model import DatabaseState, Job
from opskit.access.targets.kinds import Placement
from opskit.access.targets.postgres_grants import latest, made_here, pairs, rights_of
from opskit.core.clock import DAY, MINUTE, Instant, to_datetime
from opskit.outside.postgres import identifier, literal

# pg_cron looks at its jobs once a minute.
_SLACK = MINUTE
# A job that shall come once must not come again before that.
_FARTHEST = 360 * DAY


@dataclass(frozen=True, slots=True)
class Timer:
    """A job as it should be, and when what it takes is surely gone."""

    job: Job
    gone_by: Instant


def timers(state: DatabaseState, present: Sequence[Placement], now: Instant) -> Mapping[str, Timer]:
    """Return the jobs that end what `present` gives, by name; none where there is no pg_cron."""
    if state.jobs is None:
        return {}
    return {timer.job.name: timer for timer in _timers(state, present, now)}


def planted(state: DatabaseState, timer: Timer | None) -> bool:
    """Return whether a job is there as it should be."""
    return timer is not None and timer.job in (state.jobs or ())


def membership_job(account: str, role: str) -> str:
    """Return the name of the job that ends a membership."""
    return f"opskit {account} in {role}"


def login_job(account: str) -> str:
    """Return the name of the job that takes a login."""
    return f"opskit {account}"


def statements(state: DatabaseState, wanted: Mapping[str, Timer]) -> Iterator[str]:
    """Yield what makes opskit's jobs the wanted ones."""
    for job in state.jobs or ():
        if job.name not in wanted:
            yield f"SELECT cron.unschedule({literal(job.name)})"
    for name, timer in wanted.items():
        if not planted(state, timer):
            words = (name, timer.job.schedule, timer.job.command)
            yield f"SELECT cron.schedule({', '.join(literal(word) for word in words)})"


def _timers(state: DatabaseState, present: Sequence[Placement], now: Instant) -> Iterator[Timer]:
    ends: dict[tuple[str, str], Instant] = {}
    for one, rights in rights_of(present):
        for pair in pairs(one, rights):
            ends[pair] = max(one.until, ends.get(pair, one.until))
    for (account, role), until in sorted(ends.items()):
        taken = f"REVOKE {identifier(role)} FROM {identifier(account)} CASCADE"
        yield from _timer(membership_job(account, role), account, taken, until, now)
    for account, until in latest(present).items():
        if made_here(state.role(account)):
            taken = f"ALTER ROLE {identifier(account)} NOLOGIN"
            yield from _timer(login_job(account), account, taken, until, now)


def _timer(name: str, account: str, taken: str, until: Instant, now: Instant) -> Iterator[Timer]:
    """Yield the timer, unless its time has passed or is too far to be named."""
    at = -(-until // MINUTE) * MINUTE
    if not now < at < now + _FARTHEST:
        return
    moment = to_datetime(at)
    schedule = f"{moment.minute} {moment.hour} {moment.day} {moment.month} *"
    # An account is written as SQL writes text.
    ended = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
    ended = f"{ended} WHERE usename OPERATOR(pg_catalog.=) {literal(account)}"
    command = f"{taken}; {ended}; SELECT cron.unschedule({literal(name)})"
    yield Timer(Job(name, schedule, command), Instant(at + _SLACK))
