"""`access offboard`: all that somebody could do ends, and every place is looked at to prove it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.comparison import Forget, Found, Removal, Sweep
from opskit.access.duties import Duty, duties
from opskit.access.ending import revoke
from opskit.access.lifecycle import RequestState
from opskit.access.reconcile import Reconciled, look
from opskit.access.repair import Repaired, repair
from opskit.access.requesting import lapse
from opskit.access.roll import Leaving, holders
from opskit.access.settling import settle
from opskit.access.store import grants, places, policies, requests, told
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.access.workplace import Workplace
from opskit.core.clock import HOUR, Instant
from opskit.core.errors import ConfigError, ExitCode, Refused, worst
from opskit.core.text import nearest


@dataclass(frozen=True, slots=True)
class Row:
    """One thing somebody had at a place: when it was seen gone, or why it is not.

    `unseen` means that nobody could look.
    """

    place: str
    what: str
    gone_at: Instant | None
    why: str = ""
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """What somebody still has: requests that wait, grants that are not over, duties."""

    requests: tuple[Request, ...]
    grants: tuple[Grant, ...]
    duties: tuple[Duty, ...]


@dataclass(frozen=True)
class Departed:
    """What came of an offboarding. `places` is how many were looked at whole.

    `leftover_hours` is for how long access outlived their last day, None where that has not come.
    """

    who: Leaving
    withdrawn: tuple[Request, ...]
    rows: tuple[Row, ...]
    places: int
    duties: tuple[Duty, ...]
    leftover_hours: float | None

    @property
    def exit_code(self) -> ExitCode:
        """Return 4 where something is left, 3 where something could not be looked at."""
        left = [one for one in self.rows if one.gone_at is None]
        codes = [ExitCode.UNDETERMINED if one.unseen else ExitCode.FAILED for one in left]
        return worst(codes)


def leaving(work: Workplace, name: str, account: str = "") -> Leaving:
    """Return who leaves: by the files as they are, else as they were, else by the account alone.

    Raises:
        ConfigError: nobody was ever called so, and no account is given.
    """
    with work.database.read() as connection:
        states = [*policies.kept(connection).values(), work.registry]
        held = grants.of_person(connection, name)
    keys: dict[str, None] = {}
    known = account or (held[-1].account if held else "")
    for state in states:
        for each, _, named, prints in holders(state):
            if each == name or (account and named == account):
                keys |= dict.fromkeys(sorted(prints))
                known = account or named
    if not known:
        guess = nearest(name, list(work.registry.people.people))
        hint = f"did you mean {guess}?" if guess else "--account NAME looks for an account"
        raise ConfigError(f"nobody was ever called {name!r} in access/people.yaml", hint=hint)
    holder = work.registry.holder(name)
    why = "is not in people.yaml" if holder is None else "is being offboarded"
    if holder is not None and work.registry.left(name, work.today()):
        why = f"left on {holder.ends}"
    return Leaving(name, known, tuple(keys), why)


def open_things(work: Workplace, who: Leaving) -> Open:
    """Return what an offboarding would end, and what somebody else has to take over."""
    with work.database.read() as connection:
        waiting = tuple(
            one
            for one in requests.in_states(connection, [RequestState.PENDING])
            if who.name in {one.ask.requester, one.ask.beneficiary}
        )
        held = tuple(one for one in _grants(connection, who) if not one.state.is_final)
        owed = duties(work.registry, connection, who.name)
    return Open(waiting, held, owed)


def _grants(connection: sa.Connection, who: Leaving) -> Iterator[Grant]:
    """Yield all grants of somebody, by their name or by the account they were given on."""
    for one in grants.everything(connection):
        if one.person == who.name or one.account == who.account:
            yield one


def offboard(work: Workplace, who: Leaving, reason: str) -> Departed:
    """End all access of somebody, look at all targets, take away what is left, and look again.

    Raises:
        Refused: people.yaml does not know who runs this, or it is who leaves.
    """
    if work.person() == who.name:
        raise Refused("nobody offboards themselves", hint="ask somebody who stays")
    before = open_things(work, who)
    _begin(work, who, before, reason)
    withdrawn = tuple(_withdraw(work, one.id) for one in before.requests)
    _end(work, before.grants, reason)
    first = look(work, leaving=who)
    done = repair(work, first, chosen=lambda one: _is_theirs(one, who), leaving=who)
    rows = (*_of_grants(work, before.grants), *_of_leftovers(done, who))
    unseen = {place for place, _ in done.after.unseen}
    whole = sum(one.place not in unseen for one in done.after.places)
    result = Departed(who, withdrawn, rows, whole, before.duties, _leftover_hours(work, who, rows))
    _finish(work, result)
    return result


def _begin(work: Workplace, who: Leaving, before: Open, reason: str) -> None:
    data = {
        "account": who.account, "by": work.person(), "reason": reason, "keys": list(who.keys),
        "requests": [one.name for one in before.requests],
        "grants": [one.name for one in before.grants],
    }  # fmt: skip
    with work.database.write() as connection:
        work.tell(connection, "person.offboarding", who.name, data)


def _withdraw(work: Workplace, number: int) -> Request:
    with work.database.write() as connection:
        one = requests.one(connection, number)
        if lapse(work, connection, one) or one.state is not RequestState.PENDING:
            return requests.one(connection, number)
        data = {"by": work.person(), "why": "offboarding"}
        work.tell(connection, "request.withdrawn", one.name, data)
        return requests.advance(connection, one, RequestState.WITHDRAWN, closed_at=work.now())


def _end(work: Workplace, held: Sequence[Grant], reason: str) -> None:
    """Revoke what is in force, and try again at once what is owed since an earlier time."""
    with work.database.write() as connection:
        for grant in held:
            for row in places.of_grant(connection, grant.id) if grant.state.is_ending else ():
                if not row.footing.is_over(work.now()):
                    places.want(connection, row, row.desired, work.now())
    ending = tuple(one.id for one in held if not one.state.is_ending)
    if ending:
        revoke(work, ending, reason)
    elif held:
        settle(work)


def _is_theirs(one: Found, who: Leaving) -> bool:
    """Return whether something found is somebody's: on their account, by their key or name."""
    match one.remedy:
        case Removal(unmanaged):
            account = unmanaged.account
        case Sweep(name) | Forget(_, name):
            account = name
        case _:
            account = one.finding.subject
    return one.person == who.name or account == who.account or one.finding.subject in who.keys


# The proof


def _of_grants(work: Workplace, held: Sequence[Grant]) -> Iterator[Row]:
    """Yield where grants were, each with the time it was seen gone or ended by itself."""
    now = work.now()
    with work.database.read() as connection:
        where = places.of_grants(connection, [one.id for one in held])
    for grant in held:
        for row in where[grant.id]:
            gone_at = row.footing.gone_at() if row.footing.is_over(now) else None
            what = f"{grant.name} {grant.role}"
            why = row.reason or "it was still seen there"
            unseen = gone_at is None and row.observed.value == "unknown"
            yield Row(row.place, what, gone_at, "" if gone_at is not None else why, unseen)


def _of_leftovers(done: Repaired, who: Leaving) -> Iterator[Row]:
    sights = done.after.sights or {}
    for one in done.settled:
        seen = sights.get(one.place)
        yield Row(one.place, _what(one), seen.at if seen else None)
    for left in done.left:
        yield Row(left.found.place, _what(left.found), None, left.why, left.unseen)
    for each in done.after.accepted:
        if _is_theirs(each.found, who):
            why = f"accepted by {each.by.owner} until {each.by.until}: {each.by.reason}"
            yield Row(each.found.place, _what(each.found), None, why)
    known = {left.found.place for left in done.left}
    for place, why in done.after.unseen:
        if place not in known:
            yield Row(place, "not looked at", None, why, unseen=True)
    yield from _new(done, who)


def _new(done: Repaired, who: Leaving) -> Iterator[Row]:
    """Yield what only the second look found: it came while the first was acted upon."""
    told_of = {one.finding.fingerprint for one in _found(done.before)}
    for one in _found(done.after):
        if one.finding.fingerprint not in told_of and _is_theirs(one, who):
            yield Row(one.place, _what(one), None, "it appeared meanwhile: run it again")


def _found(one: Reconciled) -> Iterator[Found]:
    yield from one.found
    for each in one.accepted:
        yield each.found


def _what(one: Found) -> str:
    finding, about = one.finding, one.finding.meaning[0]
    at = finding.evidence[0] if finding.evidence else None
    said = {
        "key": f"key {finding.subject[:23]}... into {about}",
        "sudo": f"sudo rule {at.file}:{at.line}" if at else "",
        "membership": f"{finding.subject} in {about}",
        "account": f"account {finding.subject} can be logged in to",
        "login": f"account {finding.subject} can be logged in to",
        "remains": f"{about} of {finding.subject}",
        "session": f"sessions of {finding.subject}",
    }
    return said.get(one.kind, f"{finding.subject} ({finding.rule})")


def _leftover_hours(work: Workplace, who: Leaving, rows: Sequence[Row]) -> float | None:
    """Return for how long access outlived the end of somebody's last day, up to now."""
    end = work.leaves_at(who.name)
    if end is None or work.now() < end:
        return None
    gone = [work.now() if one.gone_at is None else one.gone_at for one in rows]
    return max(0, max(gone, default=end) - end) / HOUR


def _finish(work: Workplace, done: Departed) -> None:
    left = [one for one in done.rows if one.gone_at is None]
    with work.database.write() as connection:
        if left:
            data: dict[str, object] = {
                "left": [{"place": one.place, "what": one.what, "why": one.why} for one in left]
            }
            work.tell(connection, "person.offboard_failed", done.who.name, data)
            return
        gone = told.last(connection, "person.gone", done.who.name)
        since = gone.at if gone else None
        began = told.first(connection, "person.offboarding", done.who.name, since)
        data = {
            "places": done.places,
            "hours": (work.now() - (began.at if began else work.now())) / HOUR,
            "leftover_hours": done.leftover_hours,
        }
        work.tell(connection, "person.gone", done.who.name, data)
