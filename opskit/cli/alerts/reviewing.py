"""`opskit alerts review`: which rules were worth it, and what to do about the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.clock import Duration, Instant, format_duration, iso, parse_duration
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.interval import Interval, percent
from opskit.core.text import clean, plural

if TYPE_CHECKING:
    from opskit.alerts.proposing import Proposal
    from opskit.alerts.worth import RuleWorth


@dataclass(frozen=True, slots=True)
class _Row:
    """A rule, what is proposed for it, and between which shares its precision lies."""

    worth: RuleWorth
    proposal: Proposal
    low: float
    high: float
    unused: bool

    @property
    def precision(self) -> Fraction | None:
        """Return the share that was acted on or came true; None where nothing is decided."""
        own = self.worth
        return Fraction(own.worth_it, own.decided) if own.decided else None

    @property
    def shown(self) -> str:
        """Return the share with its interval."""
        if self.precision is None:
            return "not known"
        own = f"{self.worth.worth_it} of {self.worth.decided}"
        return f"{own} ({100 * self.low:.0f} to {100 * self.high:.0f} %)"


@command(
    examples=[
        "opskit alerts review                    the last 90 days",
        "opskit alerts review --since 30d -o md  for a merge request",
    ],
    short_help="Which rules were worth it, and which not.",
)
@click.option(
    "--since", default="90d", show_default=True, metavar="DURATION", help="How far to look back."
)
@config_option
@output_options("table", "json", "yaml", "md")
def review(since: str, config_path: Path | None, output: Output) -> ExitCode:
    """Say for each rule what followed its firings, and propose what should become of it.

    A firing was worth it if something was done to what it tells of until 4 hours after it ended (a
    run that changed the host, a renewal, access granted to the host, maintenance of the service),
    or if an outage of it was confirmed. An acknowledgement alone is no action. Precision is given
    with its exact 90 % interval; rules with fewer than 10 decided firings are not judged.

    Exit 0: nothing is proposed. 1: something is. 3: no alert is on record, so nothing can be said.
    """
    app = find_app(config_path)
    now = app.clock.now()
    period = Interval(_begin(since, now), now)
    first = app.reviewing.first_at()
    if first is None:
        note("no alert ever fired here, or rules were never evaluated: opskit alerts evaluate")
        if not output.for_people:
            _emit((), period, output)
        return ExitCode.UNDETERMINED
    looked = Duration(now - max(first, period.start))
    rows = [_row(one, looked) for one in app.reviewing.rules(period)]
    _emit(rows, period, output)
    wanted = sum(row.proposal.verdict.proposes for row in rows)
    note(f"{plural(len(rows), 'rule')} fired in {since}; {plural(wanted, 'proposal')}")
    return ExitCode.FINDINGS if wanted else ExitCode.OK


def _begin(since: str, now: Instant) -> Instant:
    try:
        begin = Instant(now - parse_duration(since))
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"--since: {error}", hint="like 90d or 12h") from error
    if not 0 <= begin < now:
        raise ConfigError("--since must be longer than nothing, and begin after 1970")
    return begin


def _row(one: RuleWorth, looked: Duration) -> _Row:
    from opskit.alerts.proposing import never_acted, proposal  # noqa: PLC0415  # not for --help
    from opskit.report.statistics.intervals import share  # noqa: PLC0415  # the same

    found = share(one.worth_it, one.decided) if one.decided else None
    low, high = (found.low, found.high) if found else (0.0, 1.0)
    return _Row(one, proposal(one), low, high, never_acted(one, looked))


_HEADS = (
    "rule", "fired", "acted on", "worth it", "silenced", "after hours", "answered", "lead",
    "proposal", "why",
)  # fmt: skip


def _emit(rows: Sequence[_Row], period: Interval, output: Output) -> None:
    if output.format == "md":
        output.emit(_markdown(rows))
    elif output.for_people:
        columns = (
            *map(Column, _HEADS[:-2]), Column(_HEADS[-2], fold=True), Column("why", fold=True)
        )  # fmt: skip
        output.emit_printed(lambda to: show_table(to, columns, map(_cells, rows)))
    else:
        output.emit_data(
            {
                "from": iso(period.start),
                "to": iso(period.end),
                "rules": [_as_json(row) for row in rows],
                "never_acted_on": [row.worth.rule for row in rows if row.unused],
            }
        )


def _cells(row: _Row) -> tuple[str, ...]:
    own = row.worth
    return (
        own.rule,
        f"{own.firings}",
        f"{own.acted}",
        row.shown,
        f"{_counts(row)['silenced']}",
        percent(Fraction(own.after_hours, own.firings), 0),
        _time(own.answered),
        _time(own.lead),
        row.proposal.verdict.value,
        row.proposal.reason,
    )


def _time(value: Duration | None) -> str:
    return "-" if value is None else format_duration(value)


def _markdown(rows: Sequence[_Row]) -> str:
    lines = [_HEADS, ("---",) * len(_HEADS), *map(_cells, rows)]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def _escaped(text: str) -> str:
    for special in ("\\", "|", "<", "`", "["):
        text = text.replace(special, f"\\{special}")
    return clean(text)


def _counts(row: _Row) -> Mapping[str, int]:
    from opskit.alerts.worth import Outcome  # noqa: PLC0415  # not for --help

    return {one.name.lower(): row.worth.count(one) for one in Outcome}


def _as_json(row: _Row) -> Mapping[str, Any]:
    own, test = row.worth, row.proposal.backtest
    return {
        "rule": own.rule,
        "severity": own.severity,
        "firings": own.firings,
        "decided": own.decided,
        "outcomes": _counts(row),
        "worth_it": own.worth_it,
        "precision": None if row.precision is None else round(float(row.precision), 4),
        "precision_low": round(row.low, 4),
        "precision_high": round(row.high, 4),
        "repeats": own.repeats,
        "after_hours": own.after_hours,
        "answered": None if own.answered is None else format_duration(own.answered),
        "lead": None if own.lead is None else format_duration(own.lead),
        "never_acted_on": row.unused,
        "proposal": row.proposal.verdict.name.lower(),
        "reason": row.proposal.reason,
        "backtest": test
        and {"longer": format_duration(test.longer), "spared": test.spared, "idle": test.idle},
    }
