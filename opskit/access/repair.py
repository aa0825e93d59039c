"""`access reconcile --fix`: what nobody granted is taken away, what was granted put back.

Credentials go first, then sessions and what goes on by itself, then grants are carried out once
more by the machine that carries them out anyway. Nothing counts as settled before a second look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from opskit.access import holding, orders
from opskit.access.comparison import Again, ByHand, Forget, Found, Removal, Sweep
from opskit.access.model import LinuxRights
from opskit.access.reconcile import Reconciled, look
from opskit.access.roll import Leaving
from opskit.access.settling import settle
from opskit.access.store import grants, places
from opskit.access.targets.kinds import Answer, Order, Placement, Unmanaged
from opskit.access.workplace import Workplace
from opskit.core.errors import Conflict, OpskitError


@dataclass(frozen=True, slots=True)
class Left:
    """A difference that is still there, or whose place could not be looked at, and why."""

    found: Found
    why: str
    unseen: bool = False

    @property
    def attempted(self) -> bool:
        """Return whether it was opskit's to settle."""
        return not isinstance(self.found.remedy, ByHand)


@dataclass(frozen=True)
class Repaired:
    """What was there before, what a second look found, and what became of each difference."""

    before: Reconciled
    after: Reconciled
    settled: tuple[Found, ...] = ()
    left: tuple[Left, ...] = ()


def step(found: Found) -> str:
    """Return in words what is done about a difference."""
    match found.remedy:
        case Removal(unmanaged):
            words = {"account": "lock account", "login": "take"}
            named = words.get(unmanaged.kind, f"remove {unmanaged.kind}")
            said = unmanaged.key.split()[0] == unmanaged.account
            of = "" if said else f" of {unmanaged.account}"
            return f"{named} {unmanaged.key}{of}"
        case Sweep(account):
            return f"end everything {account} runs, take away its jobs"
        case Again(grant):
            return f"carry out {grant} once more"
        case Forget(grant, account):
            return f"take away {grant} of {account}"
        case ByHand(why):
            return f"by hand: {why}"


@dataclass
class _Doing:
    """What is being done, and why something could not be, by place."""

    work: Workplace
    kinds: Mapping[str, str]
    holder: str
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def wrong(self, place: str, reason: str) -> None:
        if reason and reason not in self.reasons.setdefault(place, []):
            self.reasons[place].append(reason)

    def carried(self, asked: Iterable[str], do: Callable[[], Mapping[str, Answer]]) -> None:
        """Have something done at places, and keep what went wrong at each."""
        try:
            answers = do()
        except OpskitError as error:
            for place in asked:
                self.wrong(place, error.message)
            return
        for place in asked:
            answer = answers.get(place)
            if answer is None:
                self.wrong(place, "nothing was said of it")
                continue
            unreached = "" if answer.sight.reached else answer.sight.reason
            for one in (answer.refused, answer.failed, unreached):
                self.wrong(place, one)


def repair(
    work: Workplace,
    before: Reconciled,
    names: Sequence[str] = (),
    chosen: Callable[[Found], bool] = lambda _: True,
    leaving: Leaving | None = None,
) -> Repaired:
    """Settle the differences that are `chosen`, look at the same targets again, and tell both.

    Where there is nothing opskit could do, the first look is the last one.
    """
    mine = [one for one in before.found if chosen(one)]
    holder = holding.name(work.ledger.actor)
    doing = _Doing(work, {one.place: one.kind for one in before.places}, holder)
    touched = _intended(work, mine)
    if not touched:
        return Repaired(before, before, *_outcome(doing, mine, before))
    try:
        held = {place for place in touched if _taken(doing, place)}
        _remove(doing, [one for one in mine if one.place in held])
        _end(doing, [one for one in mine if one.place in held])
    finally:
        with work.database.write() as connection:
            work.leases.release(connection, holder)
    _carry_out_again(work, mine)
    after = look(work, names, leaving)
    done = Repaired(before, after, *_outcome(doing, mine, after))
    _tell(work, done)
    return done


def _intended(work: Workplace, mine: Iterable[Found]) -> dict[str, list[Found]]:
    """Return what is to be done at each place, after it was written that it will be."""
    touched: dict[str, list[Found]] = {}
    for one in mine:
        if not isinstance(one.remedy, ByHand):
            touched.setdefault(one.place, []).append(one)
    with work.database.write() as connection:
        for place, found in touched.items():
            steps = [step(one) for one in found]
            work.tell(connection, "target.cleaning", place, {"steps": steps})
    return touched


def _taken(doing: _Doing, place: str) -> bool:
    work = doing.work
    try:
        with work.database.write() as connection:
            work.hold(connection, doing.kinds[place], place, doing.holder)
    except Conflict as error:
        doing.wrong(place, error.message)
        return False
    return True


def _remove(doing: _Doing, mine: Sequence[Found]) -> None:
    """Take away what nobody granted: for each kind all its places at once, which is one run."""
    wanted: dict[str, dict[str, set[Unmanaged]]] = {}
    for one in mine:
        if isinstance(one.remedy, Removal):
            places_ = wanted.setdefault(doing.kinds[one.place], {})
            places_.setdefault(one.place, set()).add(one.remedy.unmanaged)
    for kind, found in sorted(wanted.items()):
        asked = {place: sorted(each, key=_last_line_first) for place, each in found.items()}
        doing.carried(asked, partial(_removed, doing.work, kind, asked))


def _removed(
    work: Workplace, kind: str, asked: Mapping[str, Sequence[Unmanaged]]
) -> Mapping[str, Answer]:
    return work.kind(kind).remove(asked)


def _last_line_first(one: Unmanaged) -> tuple[str, int, str]:
    """Order lines of a file so that removing one does not move those still to be removed."""
    file, _, line = one.key.rpartition(":")
    return (one.kind, -int(line), file) if one.kind == "sudo" else (one.kind, 0, one.key)


def _end(doing: _Doing, mine: Sequence[Found]) -> None:
    """End sessions and jobs, and take off unknown grants: an order for each place, in one run."""
    wanted: dict[str, list[Found]] = {}
    for one in mine:
        if isinstance(one.remedy, Sweep | Forget):
            wanted.setdefault(one.place, []).append(one)
    for kind in sorted({doing.kinds[place] for place in wanted}):
        wished = [
            _order(doing.work, kind, place, found)
            for place, found in wanted.items()
            if doing.kinds[place] == kind
        ]
        doing.carried(
            [one.target for one in wished],
            partial(_ordered, doing.work, kind, wished),
        )


def _ordered(work: Workplace, kind: str, wished: Sequence[Order]) -> Mapping[str, Answer]:
    return work.kind(kind).carry_out(wished)


def _order(work: Workplace, kind: str, place: str, found: Sequence[Found]) -> Order:
    """Return an order that keeps what is granted at a place, and takes the rest of an account."""
    with work.database.read() as connection:
        rows = places.at(connection, kind, place)
        known = grants.numbered(connection, {row.grant_id for row in rows})
    present = orders.order(place, rows, known).present
    absent = tuple(_forgotten(work, found))
    staying = {one.account for one in present}
    ending = {one.remedy.account for one in found if isinstance(one.remedy, Sweep)}
    ending |= {one.account for one in absent if one.account not in staying}
    return Order(place, present, absent, tuple(sorted(ending)))


def _forgotten(work: Workplace, found: Iterable[Found]) -> Iterator[Placement]:
    for one in found:
        if isinstance(one.remedy, Forget):
            account = one.remedy.account
            yield Placement(one.remedy.grant, account, account, LinuxRights(), work.now())


def _carry_out_again(work: Workplace, mine: Iterable[Found]) -> None:
    """Let the machine of grants do what the database says, where a target says otherwise."""
    again = {(one.remedy.grant, one.place) for one in mine if isinstance(one.remedy, Again)}
    if not again:
        return
    with work.database.write() as connection:
        for grant, place in sorted(again):
            for row in places.of_grant(connection, int(grant[1:])):
                if row.place == place:
                    places.want(connection, row, row.desired, work.now())
    settle(work)


# What came of it


def _outcome(
    doing: _Doing, mine: Sequence[Found], after: Reconciled
) -> tuple[tuple[Found, ...], tuple[Left, ...]]:
    there = {one.finding.fingerprint for one in after.found}
    unseen = dict(after.unseen)
    skipped = {(one.rule, one.target): one.reason for one in after.not_evaluated}
    settled: list[Found] = []
    left: list[Left] = []
    for one in mine:
        why = "; ".join(doing.reasons.get(one.place, ()))
        if one.place in unseen:
            left.append(Left(one, unseen[one.place], unseen=True))
        elif (one.finding.rule, one.place) in skipped:
            left.append(Left(one, skipped[one.finding.rule, one.place], unseen=True))
        elif one.finding.fingerprint in there:
            by_hand = one.remedy.why if isinstance(one.remedy, ByHand) else ""
            left.append(Left(one, by_hand or why or "it is still there, or came back"))
        else:
            settled.append(one)
    return tuple(settled), tuple(left)


def _tell(work: Workplace, done: Repaired) -> None:
    with work.database.write() as connection:
        for where in done.before.places:
            gone = [one for one in done.settled if one.place == where.place]
            left = [one for one in done.left if one.found.place == where.place]
            if gone:
                data = {"settled": [_said(one) for one in gone]}
                work.tell(connection, "target.cleaned", where.place, data)
            if left:
                data = {"left": [{**_said(one.found), "why": one.why} for one in left]}
                work.tell(connection, "target.clean_failed", where.place, data)


def _said(one: Found) -> dict[str, object]:
    finding = one.finding
    return {
        "fingerprint": finding.fingerprint, "rule": finding.rule, "subject": finding.subject,
        "person": one.person or None, "step": step(one),
    }  # fmt: skip
