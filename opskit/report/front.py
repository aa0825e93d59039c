"""The first page: one sentence, four figures, and what stands out, each by rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from opskit.core.clock import format_duration
from opskit.core.evidence import ServiceEvidence
from opskit.core.text import plural
from opskit.report.figures.services import meets, overspent
from opskit.report.figures.warnings import acted_on, made
from opskit.report.ground import Ground
from opskit.report.inputs import Inputs
from opskit.report.model import Claim, Figure, Front, Point, Presence, Tag

# A sentence that names more is no longer read; the table below it names them all.
_MISSED_NAMED = 2
_TARGETS, _ACCESS, _HAND_WORK = "objectives.met", "access.lead_time", "work.avoided"
# What was caught early; the later ones where nothing can be said of the earlier.
_EARLY = ("predictions.acted", "drift.before_incident", "drift.fixed")
# What takes the place of hand work that rests on somebody's word.
_MEASURED = ("quiet.days", "access.revoked_on_time", "fleet.compliant", "runs.finished")
_GAVE_PLACE = "in place of hand work avoided, which rests on an assumption"


def front(
    inputs: Inputs,
    by_id: Mapping[str, Figure],
    wins: Sequence[Claim],
    miss: Point,
    decision: Point,
) -> Front:
    """Return the first page; over a ledger that was changed, it says only so."""
    if inputs.seal.broken:
        refused = f"The ledger was changed: {inputs.seal.broken}. No figure of it can be believed."
        return Front(refused, (), refused=refused)
    told = sentence(inputs.ground, by_id)
    return Front(told, tiles(by_id), tuple(wins), miss, decision)


def tiles(by_id: Mapping[str, Figure]) -> tuple[Figure, ...]:
    """Return the four figures: targets met, caught early, access wait, hand work avoided.

    None of them is assumed, and each is there even where it has nothing to show but words.
    """
    early = next((by_id[name] for name in _EARLY if by_id[name].value), by_id[_EARLY[0]])
    return by_id[_TARGETS], early, by_id[_ACCESS], _hand_work(by_id)


def _hand_work(by_id: Mapping[str, Figure]) -> Figure:
    figure = by_id[_HAND_WORK]
    if figure.tag is not Tag.ASSUMED:
        return figure
    known = (by_id[name] for name in _MEASURED if name in by_id)
    told = (one for one in known if one.value and one.tag is not Tag.ASSUMED)
    instead = next(told, by_id[_MEASURED[-1]])
    return replace(instead, note="; ".join(filter(None, (_GAVE_PLACE, instead.note))))


def sentence(ground: Ground, by_id: Mapping[str, Figure]) -> str:
    """Return what happened in one sentence: services, then what was caught early."""
    services = ground.evidence.services
    happened = () if services else _incidents(by_id["incidents.count"])
    said = "; ".join((*_services(services), *happened, _early(ground, by_id)))
    return f"{said[0].upper()}{said[1:]}."


def _services(services: Sequence[ServiceEvidence]) -> list[str]:
    promised = [one for one in services if one.objective is not None]
    if not promised:
        return ["no service has a target yet" if services else "no service is monitored"]
    verdicts = [meets(one) for one in promised]
    met, unclear = verdicts.count(True), verdicts.count(None)
    pairs = zip(promised, verdicts, strict=True)
    missed = sorted(
        ((overspent(one), one.name) for one, met in pairs if met is False), reverse=True
    )
    named = [f"{name} missed by {format_duration(over)}" for over, name in missed[:_MISSED_NAMED]]
    more = len(missed) - len(named)
    return [
        f"{met} of {plural(len(promised), 'service')} inside target"
        + _others(len(services) - len(promised)),
        *([", ".join(named)] if named else []),
        *([f"{more} more missed"] if more else []),
        *([f"{unclear} cannot be judged"] if unclear else []),
    ]


def _others(without: int) -> str:
    """Return how many services have no target: else the counts of a page seem not to agree."""
    return f", {without} without one" if without else ""


def _incidents(figure: Figure) -> tuple[str, ...]:
    """Return how many incidents were recorded, by whoever did, where nobody watched services."""
    number = int(figure.value or 0)
    return (f"{plural(number, 'incident')} recorded",) if number else ()


def _early(ground: Ground, by_id: Mapping[str, Figure]) -> str:
    told = made(ground)
    if not told:
        return _drift(by_id)
    handled = sum(one.failed_at is None for one in acted_on(ground))
    return f"{handled} of {plural(len(told), 'warning')} handled before users noticed"


def _drift(by_id: Mapping[str, Figure]) -> str:
    found, fixed, still = (by_id[f"drift.{name}"] for name in ("found", "fixed", "open"))
    if found.presence is Presence.NOT_OBSERVED:
        looked = by_id["runs.finished"].value not in {"", "0"}
        return "no check got to see a host" if looked else "no host was checked"
    if fixed.value == still.value == "0":
        return "no host was found off standard"
    early = by_id["drift.before_incident"]
    words = " before any incident" if early.value == fixed.value else ""
    every = int(fixed.value) + int(still.value)
    return f"{fixed.display} of {plural(every, 'deviation')} put right{words}"
