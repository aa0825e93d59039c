"""What people say: friction and outcomes (F18), and time kept for work that is not urgent."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from opskit.core.clock import HOUR
from opskit.core.evidence import FrictionEvidence, OutcomeEvidence
from opskit.core.text import plural
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, number, share
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence

PEOPLE = Methods()
_THEMES_SHOWN = 3


@PEOPLE.method("F18", 1)
def friction(ground: Ground) -> Iterator[Figure]:
    """What gets in people's way, in their words.

    Formula: answers by theme to "which tools are slowing you down or getting in your way?"; fewer
        than five answers are not shown
    Unit: answers
    Source: the question of the desk
    Not for: a score, a target, or minutes lost: what people feel they lose they do not lose
    """
    if ground.evidence.word is None:
        return
    for one in ground.evidence.word.friction:
        yield _asked(one)


def _asked(one: FrictionEvidence) -> Figure:
    name = Name("friction.answered", "Answers on what gets in the way")
    if one.hidden:
        why = f"{one.answered} of {one.asked} answered; under five, nothing is shown"
        return missing(name, "count", Presence.NOT_OBSERVED, "too few to show", Basis((one,), why))
    themes = sorted(one.themes.items(), key=lambda item: (-item[1], item[0]))
    note = ", ".join(f"{theme} {times}" for theme, times in themes[:_THEMES_SHOWN])
    return count(name, one.answered, Basis((one,), note), f"{one.answered} of {one.asked}")


@PEOPLE.method("F18b", 1)
def outcomes(ground: Ground) -> Iterator[Figure]:
    """How far a goal in people's terms has come.

    Formula: (now - baseline) / (target - baseline), with the baseline written down before the work
        began
    Unit: share of the way from baseline to target
    Source: the goals of the desk: who, what changes for them, unit, baseline, date
    Not for: a goal whose baseline was written down after the work began: it is told so
    """
    if ground.evidence.word is None:
        return
    for one in ground.evidence.word.outcomes:
        yield _outcome(one)


def _outcome(one: OutcomeEvidence) -> Figure:
    name = Name(f"outcome.{one.name}", f"{one.change}, for {one.who}")
    aim = f"from {float(one.baseline):g} to {float(one.target):g} {one.unit}"
    basis = Basis((one,), aim)
    if one.begun_at is not None and one.frozen_at > one.begun_at:
        why = Basis((one,), f"{aim}; the baseline was written down after the work began")
        return missing(name, "ratio", Presence.NOT_OBSERVED, "no honest baseline", why)
    if one.now is None or one.target == one.baseline:
        return missing(name, "ratio", Presence.NOT_OBSERVED, "not measured", basis)
    way = Fraction(one.now - one.baseline, one.target - one.baseline)
    return share(name, way, f"now {float(one.now):g} {one.unit}", basis)


@PEOPLE.method("F18c", 1)
def focus(ground: Ground) -> Iterator[Figure]:
    """Interruptions of time that was kept free.

    Formula: interruptions / hours kept free, all teams together
    Unit: interruptions an hour
    Source: focus windows of the desk, and what the alert router let through
    Not for: single persons; nothing here knows them
    """
    if ground.evidence.word is None:
        return
    rows = ground.evidence.word.focus
    hours = Fraction(sum(one.period.length for one in rows), HOUR)
    name = Name("focus.interrupts", "Interruptions an hour of focus")
    if not hours:
        yield missing(name, "per hour", Presence.NOT_OBSERVED, "none kept", Basis(rows))
        return
    times = sum(one.interrupts for one in rows)
    note = f"{plural(times, 'interruption')} in {float(hours):g} h"
    yield number(name, times / hours, "per hour", f"{float(times / hours):.2g}", Basis(rows, note))
