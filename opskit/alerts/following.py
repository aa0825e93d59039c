"""What became of alerts between two looks at their rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field, replace

from opskit.alerts.evaluating import Active
from opskit.alerts.firing import OWN, Firing, fingerprint
from opskit.core.clock import Instant

_NEW = 0
_MS = 1_000


@dataclass(frozen=True)
class Found:
    """What the rules found: alerts by the name of their rule; in `held` what is missing goes on."""

    active: Mapping[str, Sequence[Active]] = field(default_factory=dict)
    held: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class Followed:
    """What is to be written: `new` have no number yet, `gone` were pending and nothing more.

    `fired` and `over` are those of `new` and `changed` that began to fire, and that ended.
    """

    new: tuple[Firing, ...] = ()
    changed: tuple[Firing, ...] = ()
    gone: tuple[Firing, ...] = ()

    def fired(self, now: Instant) -> tuple[Firing, ...]:
        """Return those that began to fire at this look."""
        return tuple(one for one in (*self.new, *self.changed) if one.starts_at == now)

    def over(self, now: Instant) -> tuple[Firing, ...]:
        """Return those that ended at this look."""
        return tuple(one for one in self.changed if one.ends_at == now)


def followed(opened: Iterable[Firing], found: Found, now: Instant) -> Followed:
    """Return what became of opskit's own alerts at a look.

    An alert of a rule that could not look at everything stays as it was; one whose rule is no more
    is over.
    """
    known = {
        (one.rule, one.fingerprint): one
        for one in opened
        if one.source == OWN and one.ends_at is None
    }
    seen = dict(_seen(found, now))
    new = tuple(one for place, one in seen.items() if place not in known)
    changed: list[Firing] = []
    gone: list[Firing] = []
    for place, before in known.items():
        if place in seen:
            after = _changed(before, seen[place])
            changed += [after] if after != before else []
        elif before.rule in found.held:
            continue
        elif before.starts_at is None:
            gone.append(before)
        else:
            changed.append(replace(before, ends_at=now))
    return Followed(new, tuple(changed), tuple(gone))


def _seen(found: Found, now: Instant) -> Iterable[tuple[tuple[str, str], Firing]]:
    for rule, alerts in found.active.items():
        for one in alerts:
            labels = dict(one.labels.pairs)
            name = fingerprint(labels)
            missing = None if one.missing is None else Instant(one.missing * _MS)
            yield (
                (rule, name),
                Firing(
                    _NEW, name, OWN, rule, labels, dict(one.annotations), one.value,
                    Instant(one.since * _MS), now if one.fires else None, missing,
                ),
            )  # fmt: skip


def _changed(before: Firing, seen: Firing) -> Firing:
    """Return an alert as it is now; one that fires goes on as it began."""
    return replace(
        seen, id=before.id, since=before.since, refs=before.refs,
        starts_at=seen.starts_at if before.starts_at is None else before.starts_at,
    )  # fmt: skip
