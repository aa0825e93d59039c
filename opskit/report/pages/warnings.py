"""Warnings: what came of them, what would have come, and whether silence means anything. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.core.clock import format_duration, to_datetime
from opskit.core.evidence import DrillEvidence, PredictionEvidence, RenewalEvidence, TrendEvidence
from opskit.core.text import plural
from opskit.report.document import Block, Cell, Mark, Paragraph, Section, Table
from opskit.report.figures.warnings import acted_in_time
from opskit.report.model import Figure
from opskit.report.pages.cells import (
    EVIDENCE,
    counts_of,
    entries,
    judged,
    moment,
    number,
    said,
    table,
    tiled,
    times_of,
    value,
    words,
)
from opskit.report.pages.material import Material

_UNRECORDED = "No warning is recorded anywhere, so nothing can be said of what was foreseen."


def warnings(material: Material) -> Section:
    """Return what was told beforehand, and what came of it."""
    if not material.knows("warnings", "predictions"):
        return Section("warnings", "Warnings", (Paragraph(_UNRECORDED),))
    shown = tiled(material.figures("predictions."))
    blocks: tuple[Block, ...] = (
        *shown,
        _crossed(material),
        *_calibration(material),
        _told(material),
    )
    return Section("warnings", "Warnings", blocks, "Warnings that were made in this period.")


def _made(material: Material) -> list[PredictionEvidence]:
    return [
        one
        for one in material.warnings.predictions
        if one.warned_at is not None and material.during(one.warned_at)
    ]


def _crossed(material: Material) -> Table:
    made = _made(material)
    groups = (
        ("Acted on before it failed", [one for one in made if acted_in_time(one)]),
        ("Not acted on", [one for one in made if not acted_in_time(one)]),
    )
    columns = (*words("Warnings"), *counts_of("It failed", "It did not fail", "Not known yet"))
    rows = [(Cell(name), *map(number, _outcomes(rows))) for name, rows in groups]
    nothing = "No warning was made in this period."
    return table(
        "warnings-outcomes", "What was done, and what came", columns, rows if made else (), nothing
    )


def _outcomes(rows: Sequence[PredictionEvidence]) -> tuple[int, int, int]:
    failed = sum(one.failed_at is not None for one in rows)
    held = sum(one.failed_at is None and one.closed_at is not None for one in rows)
    return failed, held, len(rows) - failed - held


def _calibration(material: Material) -> Iterator[Paragraph]:
    right = material.register.get("predictions.right")
    if right is None:
        return
    if right.value:
        yield Paragraph(
            f"Of the warnings that nobody acted on, {right.display} came true: {right.note}."
        )
    else:
        yield Paragraph(
            "What acting on warnings prevented cannot be told yet: of those that nobody acted on, "
            f"{right.note}."
        )
    came = [one for one in _made(material) if one.failed_at is not None and one.expected]
    if came:
        within = sum(_in_time(one) for one in came)
        yield Paragraph(
            f"{within} of {plural(len(came), 'failure')} came within the time foretold."
        )


def _in_time(one: PredictionEvidence) -> bool:
    if one.expected is None or one.failed_at is None:
        return False
    return one.expected.start <= one.failed_at <= one.expected.end


def _told(material: Material) -> Table:
    missed = [
        one
        for one in material.warnings.predictions
        if one.warned_at is None and one.failed_at is not None and material.during(one.failed_at)
    ]
    return table(
        "warnings",
        "Warnings, and failures without one",
        (
            *words("About", "Rule"),
            *times_of("Warned", "Expected from", "Acted on", "Failed"),
            EVIDENCE,
        ),
        (_prediction(material, one) for one in (*_made(material), *missed)),
        "No warning was made in this period, and nothing failed without one.",
    )


def _prediction(material: Material, one: PredictionEvidence) -> tuple[Cell, ...]:
    open_yet = "not known yet" if one.closed_at is None else "it did not"
    return (
        said(one.subject),
        said(one.rule, nothing="no rule"),
        moment(material.times, one.warned_at, nothing="no warning"),
        moment(material.times, one.expected.start if one.expected else None, nothing="not told"),
        moment(material.times, one.acted_at, nothing="nobody acted"),
        moment(material.times, one.failed_at, nothing=open_yet),
        entries(one.refs),
    )


def replays(material: Material) -> Section:
    """Return trends run on without what was done about them."""
    if not material.knows("warnings", "trends"):
        nothing = Paragraph("No trend is recorded, so none can be run on without what was done.")
        return Section("replays", "Had nobody acted", (nothing,))
    rows = [one for one in material.warnings.trends if material.during(one.acted_at)]
    found = table(
        "replays",
        "When the limit would have been reached",
        (
            *words("What"),
            *times_of("Would have reached it", "Acted"),
            *words("What was done"),
            EVIDENCE,
        ),
        (_replay(material, one) for one in rows),
        "No trend toward a limit was ended by an action in this period.",
    )
    lead = (
        "What was recorded before the action is run on without it, by the line that fits it best. "
        "It does not say that something would have failed."
    )
    return Section("replays", "Had nobody acted", (*_sentences(material, rows), found), lead)


def _sentences(material: Material, rows: Sequence[TrendEvidence]) -> Iterator[Paragraph]:
    for one in rows:
        figure = material.register[f"replay.{one.name}"]
        if figure.value:
            limit = f"{float(one.limit):g} {one.unit}"
            yield Paragraph(f"{one.subject} would have reached {limit} {_when(figure)}.")


def _when(figure: Figure) -> str:
    """Return the days between which a limit would have been reached, `12 to 17 Oct 2026`.

    Days are those of UTC, as the figure itself tells them.
    """
    low, high = (figure.bounds.low, figure.bounds.high) if figure.bounds else (figure.value, "")
    first = to_datetime(int(low))
    if not high:
        return f"on {first:%-d %b %Y} or later, if ever"
    last = to_datetime(int(high))
    if first.date() == last.date():
        return f"on {first:%-d %b %Y}"
    alike = (first.year, first.month) == (last.year, last.month)
    return f"{first:%-d}{'' if alike else f'{first: %b %Y}'} to {last:%-d %b %Y}"


def _replay(material: Material, one: TrendEvidence) -> tuple[Cell, ...]:
    figure = material.register[f"replay.{one.name}"]
    return (
        said(one.subject, f"limit {float(one.limit):g} {one.unit}"),
        value(figure, _when(figure) if figure.value else figure.note),
        moment(material.times, one.acted_at),
        said(one.action),
        entries(one.refs),
    )


def renewals(material: Material) -> Section:
    """Return what was renewed, and what ran out."""
    if not material.knows("warnings", "renewals"):
        nothing = Paragraph("No certificate, licence or contract is watched for its end.")
        return Section("renewals", "Renewals", (nothing,))
    found = table(
        "renewals",
        "What was renewed, and what ran out",
        (
            *words("What", "Kind"),
            *times_of("Renewed", "Old one ended", "Left"),
            *words("How"),
            EVIDENCE,
        ),
        (_renewal(material, one) for one in material.warnings.renewals),
        "Nothing was renewed in this period, and nothing ran out.",
    )
    return Section("renewals", "Renewals", (*tiled(material.figures("renewals.")), found))


_HOW = {True: "by hand", False: "by itself", None: "not known"}


def _renewal(material: Material, one: RenewalEvidence) -> tuple[Cell, ...]:
    return (
        said(one.name),
        said(one.kind),
        moment(material.times, one.renewed_at, nothing="not renewed"),
        moment(material.times, one.ends_at),
        _left(material, one),
        Cell(_HOW[one.by_hand]),
        entries(one.refs),
    )


def _left(material: Material, one: RenewalEvidence) -> Cell:
    if one.missed(material.period.end):
        return judged(Mark.MISSED, "ran out first")
    if one.renewed_at is None:
        return Cell("not over yet")
    return Cell(format_duration(one.ends_at - one.renewed_at))


def quiet(material: Material) -> Section:
    """Return the days on which nothing happened, and what proves it."""
    shown = material.figures("quiet.")
    rows = [one for one in material.warnings.drills if material.during(one.at)]
    found = table(
        "drills",
        "Test faults",
        (*times_of("When"), *words("Service", "Probe", "Alert", "Person"), EVIDENCE),
        (_drill(material, one) for one in rows),
        "No fault was made on purpose in this period, so no silence is proven: "
        "opskit drill alerts makes one.",
    )
    lead = (
        "A quiet day is proven only if each service was observed for 99 % of it, and a test fault "
        "of the last seven days was noticed by the probe, sent as an alert, and received by a "
        "person."
    )
    return Section("quiet", "Proven quiet", (*tiled(shown), *_detected(rows), found), lead)


def _detected(rows: Sequence[DrillEvidence]) -> Iterator[Paragraph]:
    if rows:
        through = sum(one.proved for one in rows)
        yield Paragraph(f"{through} of {plural(len(rows), 'test fault')} went the whole way.")


_STEP = {True: Cell("yes"), False: judged(Mark.MISSED, "no"), None: Cell("not looked at")}


def _drill(material: Material, one: DrillEvidence) -> tuple[Cell, ...]:
    return (
        moment(material.times, one.at),
        said(one.service),
        _STEP[one.seen],
        _STEP[one.routed],
        _STEP[one.received],
        entries(one.refs),
    )
