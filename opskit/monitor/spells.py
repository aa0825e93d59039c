"""Runs of equal observations kept as one. Pure; nothing that was seen is lost by it.

A spell takes in an observation only if it saw the same exactly one interval after the last. So
each instant at which its observations were made can be told from its ends, what arrives late falls
between them, and cutting a spell anywhere loses nothing either.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise

from opskit.core.clock import Instant
from opskit.monitor.model import Observation, Seen, Spell


def continues(spell: Spell, one: Observation) -> bool:
    """Return whether an observation makes a spell one interval longer.

    A suspect one never does: each is a blip of its own until the next try decides.
    """
    return (
        one.at == spell.last_at + spell.interval
        and one.seen is spell.seen
        and one.seen is not Seen.SUSPECT
        and one.interval == spell.interval
        and one.reason == spell.reason
    )


def holds(spell: Spell, at: int) -> bool:
    """Return whether one of a spell's observations was made at an instant."""
    return spell.began_at <= at <= spell.last_at and (at - spell.began_at) % spell.interval == 0


def before(spell: Spell, end: int) -> Spell | None:
    """Return the part of a spell whose observations were made before `end`."""
    if spell.last_at < end:
        return spell
    if spell.began_at >= end:
        return None
    slots = (end - 1 - spell.began_at) // spell.interval
    return spell._replace(last_at=Instant(spell.began_at + slots * spell.interval))


def after(spell: Spell, start: int) -> Spell | None:
    """Return the part of a spell whose observations were made after `start`."""
    if spell.began_at > start:
        return spell
    if spell.last_at <= start:
        return None
    slots = (start - spell.began_at) // spell.interval + 1
    return spell._replace(began_at=Instant(spell.began_at + slots * spell.interval))


def _in_order(spells: Sequence[Spell]) -> bool:
    return all(one[1] < then[0] for one, then in pairwise(spells))


def apart(spells: Iterable[Spell]) -> list[Spell]:
    """Return spells in order of time, none reaching into another.

    One that lies within another splits it: that was seen in between. Of two that hold the same
    instant the one that began later speaks for it.
    """
    found = list(spells)
    if _in_order(found):
        return found
    found.sort()
    if _in_order(found):
        return found
    queue = [(one.began_at, number, one) for number, one in enumerate(found)]
    number, cut = len(queue), []
    while queue:
        _, _, one = heapq.heappop(queue)
        if queue and queue[0][2].began_at <= one.last_at:
            begins = queue[0][2].began_at
            rest, first = after(one, begins), before(one, begins)
            if rest is not None:
                number += 1
                heapq.heappush(queue, (rest.began_at, number, rest))
            if first is not None:
                cut.append(first)
        else:
            cut.append(one)
    return cut
