"""`access reconcile`: look at every place, hold it against what was granted, write what was found.

All hosts of all Linux targets are asked in one run. What could not be looked at is told as such: it
is neither clean nor a finding, and what was open there stays open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.comparison import Compared, Expected, Found, Office, compare
from opskit.access.findings import NotEvaluated
from opskit.access.lifecycle import GrantState
from opskit.access.model import LinuxRights, LinuxTarget, PostgresTarget, Suppression
from opskit.access.orders import placement
from opskit.access.roll import Leaving, office
from opskit.access.rules.suppressions import holds
from opskit.access.store import grants, places, told
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.suppress import fits
from opskit.access.targets.kinds import Placement, Presence, Sight
from opskit.access.workplace import Workplace
from opskit.core.errors import ConfigError, OpskitError
from opskit.core.text import nearest

_JUDGED = frozenset({GrantState.ACTIVE, GrantState.PARTIAL, GrantState.FAILED})
_GONE = {
    GrantState.REVOKED: "over",
    GrantState.REVOKING: "being taken away",
    GrantState.REVOKE_DEFERRED: "over, and still owed to be taken away",
    GrantState.SUSPENDED: "suspended",
}


@dataclass(frozen=True, slots=True)
class Where:
    """A place, what it is, and the entries of targets.yaml it belongs to."""

    place: str
    kind: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A difference that the policy accepts for a time."""

    found: Found
    by: Suppression


@dataclass(frozen=True)
class Reconciled:
    """What one look over places found. `unseen` are places or targets, each with the reason."""

    places: tuple[Where, ...] = ()
    sights: Mapping[str, Sight] | None = None
    found: tuple[Found, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()

    @property
    def strangers(self) -> tuple[str, ...]:
        """Return the grants that targets hold and the database does not know."""
        names = {
            one.finding.grant
            for one in self.found
            if one.finding.rule == "GRANT-LEFTOVER" and "not known" in one.finding.message
        }
        return tuple(sorted(names, key=lambda name: int(name[1:])))


def look(work: Workplace, names: Sequence[str] = (), leaving: Leaving | None = None) -> Reconciled:
    """Look at targets, all of them if none is named, and write what is new and what is gone.

    `leaving` is somebody to be taken for a leaver already.

    Raises:
        ConfigError: there is no such target, or none at all.
    """
    where, lost = _where(work, names)
    with work.database.read() as connection:
        who = office(work, connection, leaving)
        known = _expected(work, connection, where)
    seen = _sights(work, where, known, who, leaving)
    compared = [
        compare(seen[one.kind, one.place], known[one.kind, one.place], who) for one in where
    ]
    found, accepted = _parted(work, compared)
    unseen = [(one.place, one.unseen) for one in compared if one.unseen]
    done = Reconciled(
        places=where,
        sights={place: sight for (_, place), sight in seen.items()},
        found=found,
        accepted=accepted,
        not_evaluated=tuple(each for one in compared for each in one.not_evaluated),
        unseen=(*lost, *unseen),
    )
    _write(work, done)
    return done


# Where


def _where(
    work: Workplace, names: Sequence[str]
) -> tuple[tuple[Where, ...], tuple[tuple[str, str], ...]]:
    known = work.registry.targets.targets
    for name in names:
        if name not in known:
            guess = nearest(name, list(known))
            hint = f"did you mean {guess}?" if guess else "see access/targets.yaml"
            raise ConfigError(f"there is no target {name!r}", hint=hint)
    if not known:
        raise ConfigError("there is no target to look at", hint="enter one in access/targets.yaml")
    found: dict[tuple[str, str], list[str]] = {}
    lost: list[tuple[str, str]] = []
    for name in names or sorted(known):
        try:
            for place in work.places(name):
                found.setdefault((known[name].kind, place), []).append(name)
        except OpskitError as error:
            lost.append((name, f"could not be resolved: {error.message}"))
    where = (Where(place, kind, tuple(each)) for (kind, place), each in sorted(found.items()))
    return tuple(where), tuple(lost)


def _administrators(work: Workplace, one: Where) -> frozenset[str]:
    """Return the accounts that are never touched at a place, by any target it belongs to."""
    entries = (work.registry.target(name) for name in one.targets)
    named = (
        each.administrators for each in entries if isinstance(each, LinuxTarget | PostgresTarget)
    )
    root = ("root",) if one.kind == "linux" else ()
    return frozenset(root).union(*named)


# What is expected


_Key = tuple[str, str]


def _expected(
    work: Workplace, connection: sa.Connection, where: Sequence[Where]
) -> dict[_Key, Expected]:
    rows: dict[_Key, list[Place]] = {}
    for row in places.everywhere(connection):
        rows.setdefault((row.kind, row.place), []).append(row)
    known = {one.id: one for one in grants.everything(connection)}
    return {
        (one.kind, one.place): _of_place(work, one, rows.get((one.kind, one.place), ()), known)
        for one in where
    }


def _of_place(
    work: Workplace, one: Where, rows: Sequence[Place], known: Mapping[int, Grant]
) -> Expected:
    present: list[Placement] = []
    underway: list[Placement] = []
    gone: dict[str, str] = {}
    for row in rows:
        grant = known[row.grant_id]
        placed = placement(grant, row.kind)
        if row.desired is not Presence.PRESENT or grant.state in _GONE:
            gone[grant.name] = _GONE.get(grant.state, "to be gone")
        elif placed is not None:
            judged = grant.state in _JUDGED and not grant.is_over(work.now())
            (present if judged else underway).append(placed)
    return Expected(
        one.place, one.kind, tuple(present), tuple(underway), gone, _administrators(work, one)
    )


# Looking


def _sights(
    work: Workplace,
    where: Sequence[Where],
    known: Mapping[_Key, Expected],
    who: Office,
    leaving: Leaving | None,
) -> dict[_Key, Sight]:
    found: dict[_Key, Sight] = {}
    for kind in sorted({one.kind for one in where}):
        names = [one.place for one in where if one.kind == kind]
        asked = {
            name: (*known[kind, name].accounted, *_watched(known[kind, name], who, leaving))
            for name in names
        }
        try:
            seen = work.kind(kind).observe(names, asked)
        except OpskitError as error:
            reason = error.message
            seen = {name: Sight(name, work.now(), reached=False, reason=reason) for name in names}
        for name in names:
            found[kind, name] = seen.get(name) or Sight(
                name, work.now(), reached=False, reason="nothing was said of it"
            )
    return found


def _watched(one: Expected, who: Office, leaving: Leaving | None) -> Iterator[Placement]:
    """Yield placements that give nothing: a host tells of sessions only for accounts named so."""
    if one.kind != "linux":
        return
    held = {each.account for each in one.accounted}
    wanted = {leaving.account} if leaving else set[str]()
    if one.gone:
        wanted |= set(who.leavers)
    for number, account in enumerate(sorted(wanted - held), start=1):
        rights = LinuxRights(login="none")
        yield Placement(f"watched-{number}", account, account, rights, who.now)


# What was found


def _parted(
    work: Workplace, compared: Sequence[Compared]
) -> tuple[tuple[Found, ...], tuple[Accepted, ...]]:
    today = work.today()
    active = [one for one in work.registry.policy.suppressions if holds(one, today)]
    found: list[Found] = []
    accepted: list[Accepted] = []
    for one in (each for look_ in compared for each in look_.found):
        by = next((entry for entry in active if fits(entry, one.finding)), None)
        if by is None:
            found.append(one)
        else:
            accepted.append(Accepted(one, by))
    return tuple(found), tuple(accepted)


def _write(work: Workplace, done: Reconciled) -> None:
    """Tell what is found for the first time, and what was found before and is gone."""
    with work.database.write() as connection:
        for where in done.places:
            before = told.open_findings(connection, where.place)
            here = {one.finding.fingerprint: one for one in done.found if one.place == where.place}
            new = [one for print_, one in here.items() if print_ not in before]
            for one in new:
                work.tell(connection, "finding.opened", where.place, _data(one))
            if new:
                prints = [one.finding.fingerprint for one in new]
                work.tell(connection, "target.drifted", where.place, {"findings": prints})
            gone = {print_: one for print_, one in before.items() if print_ not in here}
            for data in _resolved(done, where.place, gone):
                work.tell(connection, "finding.resolved", where.place, data)


def _resolved(
    done: Reconciled, place: str, gone: Mapping[str, Mapping[str, object]]
) -> Iterator[dict[str, object]]:
    """Yield what to tell of findings that are gone; one that was not looked for is not."""
    if place in {name for name, _ in done.unseen}:
        return
    skipped = {(one.rule, one.target) for one in done.not_evaluated}
    accepted = {one.found.finding.fingerprint for one in done.accepted}
    for print_, one in gone.items():
        if (one["rule"], place) not in skipped:
            why = "accepted" if print_ in accepted else "not seen any more"
            yield {"fingerprint": print_, "rule": one["rule"], "why": why}


def _data(one: Found) -> dict[str, object]:
    finding = one.finding
    return {
        "fingerprint": finding.fingerprint, "rule": finding.rule, "subject": finding.subject,
        "severity": finding.severity.value, "message": finding.message,
        "grant": finding.grant or None, "person": one.person or None,
    }  # fmt: skip
