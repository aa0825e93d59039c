"""From OpenSLO documents to objectives; what cannot be one is a finding where it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from opskit.core.clock import parse_duration
from opskit.core.findings import Finding, Severity
from opskit.core.interval import percent
from opskit.core.text import nearest
from opskit.monitor.catalogue import Catalogue, Objective
from opskit.monitor.openslo.model import (
    CALENDAR,
    KINDS,
    TOLERATED,
    VERSION,
    Goal,
    Header,
    IndicatorDocument,
    IndicatorSpec,
    SloDocument,
    SloSpec,
    Window,
)
from opskit.outside.documents import Document, KeyPath
from opskit.outside.models import validate

_MONTHS = {"month": range(1, 13), "quarter": range(1, 13, 3), "year": range(1, 2)}


class _Refused(Exception):
    """Something that opskit cannot promise, and where it is said."""

    def __init__(self, key_path: KeyPath, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.key_path = key_path
        self.fix = fix


@dataclass
class Promises:
    """What documents promise, by service, and what is wrong with them."""

    objectives: dict[str, tuple[Objective, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def promises(documents: Sequence[Document], catalogue: Catalogue) -> Promises:
    """Return what these documents promise of the catalogue's services."""
    found = Promises()
    read = [(document, _read(document)) for document in documents]
    for document, _ in read:
        found.findings += document.findings
    indicators = {
        one.metadata.name: one.spec for _, one in read if isinstance(one, IndicatorDocument)
    }
    for document, one in read:
        try:
            if isinstance(one, SloDocument):
                _take(found, catalogue, one.spec, indicators)
        except _Refused as error:
            name = one.metadata.name if one else ""
            place = document.place(error.key_path)
            found.findings.append(
                Finding("openslo", Severity.HIGH, name, str(error), place, error.fix)
            )
    return found


def _read(document: Document) -> Header | None:
    """Return a document as its kind, or nothing after adding what is wrong to its findings."""
    value = document.value if isinstance(document.value, dict) else {}
    kind = value.get("kind")
    if kind in TOLERATED or document.findings:
        return None
    if isinstance(kind, str) and kind not in KINDS:
        guess = nearest(kind, sorted({*KINDS, *TOLERATED}))
        fix = f"did you mean {guess!r}?" if guess else ""
        message = f"there is no kind {kind!r} in {VERSION}"
        place = document.place(("kind",))
        document.findings.append(Finding("openslo", Severity.HIGH, "kind", message, place, fix))
        return None
    return validate(document, KINDS.get(str(kind), Header))


def _there_must_be(catalogue: Catalogue, name: str, key_path: KeyPath) -> None:
    if name not in catalogue.services:
        guess = nearest(name, list(catalogue.services))
        fix = f"did you mean {guess!r}?" if guess else "services.yaml says which there are"
        raise _Refused(key_path, f"there is no service {name!r} in the catalogue", fix)


def _take(
    found: Promises, catalogue: Catalogue, spec: SloSpec, indicators: Mapping[str, IndicatorSpec]
) -> None:
    """Add what an SLO promises."""
    _there_must_be(catalogue, spec.service, ("spec", "service"))
    _is_availability(spec, indicators)
    over, zone = _over(spec.windows[0])
    for index, goal in enumerate(spec.goals):
        at: KeyPath = ("spec", "objectives", index)
        _is_counted_as_time(catalogue, spec, goal, at)
        promise = _objective(_share(goal, at), over, zone, at)
        mine = found.objectives.get(spec.service, ())
        known = (*catalogue.services[spec.service].promises, *mine)
        if _is_new(promise, known, at):
            found.objectives[spec.service] = (*mine, promise)


def _is_availability(spec: SloSpec, indicators: Mapping[str, IndicatorSpec]) -> None:
    """Refuse what is no share of good in all."""
    what = spec.indicator.spec if spec.indicator else None
    at: KeyPath = ("spec", "indicator")
    if spec.indicator_ref is not None:
        at = ("spec", "indicatorRef")
        if spec.indicator_ref not in indicators:
            guess = nearest(spec.indicator_ref, sorted(indicators))
            fix = f"did you mean {guess!r}?" if guess else "name its file under openslo, too"
            raise _Refused(at, f"there is no SLI {spec.indicator_ref!r}", fix)
        what = indicators[spec.indicator_ref]
    if what is None:
        message = "it has no indicator of its own: opskit reads no composite SLO"
        raise _Refused(("spec",), message, "write made_of in services.yaml")
    if what.threshold is not None or what.ratio is None:
        message = "thresholdMetric measures a value, and opskit the time in which a service is well"
        raise _Refused(
            at, message, "use a ratioMetric; degraded_after bounds how long a look takes"
        )


def _over(window: Window) -> tuple[str, ZoneInfo | None]:
    """Return a window as an objective has it: a word or a duration, and whose calendar."""
    at: KeyPath = ("spec", "timeWindow", 0)
    if window.rolling:
        if window.duration[-1] in "MQY":
            message = f"a rolling {window.duration} has no fixed length"
            raise _Refused((*at, "duration"), message, "write days: 30d, 90d, 365d")
        return window.duration, None
    if window.calendar is None:
        raise _Refused(at, "it neither rolls nor has a calendar", "add isRolling: true")
    name = CALENDAR.get(window.duration)
    if name is None:
        message = f"opskit has no calendar window of {window.duration}"
        raise _Refused((*at, "duration"), message, "write 1M, 1Q or 1Y, or let it roll")
    if not _begins(window.calendar.start, name):
        message = f"{window.calendar.start!r} is no beginning of a {name}"
        fix = 'write the first day of one, at midnight: "2026-01-01 00:00:00"'
        raise _Refused((*at, "calendar", "startTime"), message, fix)
    return name, window.calendar.zone


def _begins(start: str, name: str) -> bool:
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        return False
    midnight = (moment.day, moment.hour, moment.minute, moment.second) == (1, 0, 0, 0)
    return midnight and moment.month in _MONTHS[name]


def _is_counted_as_time(catalogue: Catalogue, spec: SloSpec, goal: Goal, at: KeyPath) -> None:
    """Refuse what no share of time stands for."""
    if goal.op is not None or goal.value is not None:
        raise _Refused(at, "op and value belong to a threshold, which opskit does not measure")
    if goal.weight is not None or goal.indicator is not None or goal.indicator_ref is not None:
        message = "opskit reads no composite SLO"
        raise _Refused(at, message, "write made_of in services.yaml")
    if spec.method == "RatioTimeslices":
        message = "RatioTimeslices averages over slices, and an average hides outages"
        raise _Refused(("spec", "budgetingMethod"), message, "use Occurrences")
    if spec.method == "Timeslices":
        _is_a_look(catalogue, spec.service, goal, at)


def _is_a_look(catalogue: Catalogue, service: str, goal: Goal, at: KeyPath) -> None:
    """Refuse slices that are no looks: with one look in each, slices and time say the same."""
    apart = {target.probe.interval for target in catalogue.targets((service,))}
    try:
        length = parse_duration(str(goal.slice_window))
    except ValueError:
        length = None
    if length is None or apart != {length}:
        message = f"slices of {goal.slice_window} are not the looks at {service}, each one slice"
        fix = "use Occurrences, or a timeSliceWindow that is the interval of all its probes"
        raise _Refused((*at, "timeSliceWindow"), message, fix)


def _share(goal: Goal, at: KeyPath) -> str:
    """Return what is promised as a percentage, just as it was written."""
    given = [
        Decimal(repr(number)) * factor
        for number, factor in ((goal.target, 100), (goal.target_percent, 1))
        if number is not None
    ]
    if not given or min(given) != max(given):
        message = "target and targetPercent differ" if given else "it has no target"
        raise _Refused(at, message, "give target, like 0.999, or targetPercent, like 99.9")
    return f"{given[0].normalize():f}%"


def _objective(share: str, over: str, zone: ZoneInfo | None, at: KeyPath) -> Objective:
    own = None if zone is None else str(zone)
    try:
        return Objective.model_validate({"availability": share, "over": over, "timezone": own})
    except ValidationError as error:
        raise _Refused(at, f"{share} over {over} is no objective of opskit's") from error


def _is_new(promise: Objective, known: Sequence[Objective], at: KeyPath) -> bool:
    """Return whether this is not promised yet; two that contradict each other are refused."""
    same = [one for one in known if one.over == promise.over]
    if any(one.availability != promise.availability for one in same):
        other = next(one for one in same if one.availability != promise.availability)
        message = (
            f"{percent(promise.availability)} here and {percent(other.availability)} elsewhere"
        )
        raise _Refused(at, f"{message}, over the same time", "keep one of the two")
    return not same


def merged(catalogue: Catalogue, found: Mapping[str, tuple[Objective, ...]]) -> Catalogue:
    """Return the catalogue with what was promised elsewhere."""
    services = {
        name: one.model_copy(
            update={"objective": None, "objectives": (*one.promises, *found.get(name, ()))}
        )
        if found.get(name)
        else one
        for name, one in catalogue.services.items()
    }
    return catalogue.model_copy(update={"services": services})
