"""`opskit alerts backtest`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, Progress, note, show_facts, show_table
from opskit.core.clock import SECOND, Instant, format_duration, iso, parse_duration
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import clean

if TYPE_CHECKING:
    from opskit.alerts.backtesting import Fired, Question, Span
    from opskit.app import App
    from opskit.backtests import Backtested

_MS = 1_000
_MOST = 1_000_000
_COLUMNS = (
    Column("from"), Column("to"), Column("for"), Column("labels", fold=True), Column("value"),
    Column("judged"),
)  # fmt: skip


@command(
    examples=[
        "opskit alerts backtest ServiceDown --since 30d",
        "opskit alerts backtest ErrorsHigh --for 30m             would another `for` be better?",
        "opskit alerts backtest QueueLong --file draft.yaml      a rule that is not in use yet",
    ],
    short_help="What a rule would have said, and how often rightly.",
)
@click.argument("rule")
@click.option("--since", default="30d", show_default=True, help="How far back: 12h, 30d.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A rule file that holds it, instead of those in use.",
)
@click.option("--step", default="1m", show_default=True, help="How often it is evaluated.")
@click.option("--for", "waits", help="Put in the place of the rule's own `for`.")
@click.option(
    "--horizon", default="1h", show_default=True, help="How soon an outage has to follow an alert."
)
@config_option
@output_options("table", "json", "yaml", "md")
def backtest(
    rule: str, file: Path | None, config_path: Path | None, output: Output, **times: str | None
) -> ExitCode:
    """Try an alert over the history of the metrics page, against the outages there were.

    An alert is true if a confirmed outage or an incident of its service begins within --horizon or
    goes on while it fires, false if none does. There is history of metrics that a rule in use
    looks at, as long as `alerts: history:` in opskit.yaml says.

    Exit 0: done. 1: it would have fired falsely. 3: there is history for less than half of the
    time, or none of a metric that it looks at.
    """
    app = find_app(config_path)
    question = _question(app, **{name: str(times[name]) for name in ("since", "step", "horizon")})
    waits = times["waits"]
    pending = None if waits is None else _length(waits, "--for")
    rules = app.backtests.rules(rule, file, pending)
    progress = Progress(f"Evaluating {clean(rule)}")
    with progress.shown():

        def told(done: int, every: int) -> None:
            progress.step() if done else progress.expect(every)

        found = app.backtests.run(rules, rule, question, app.clock.now(), told)
    _present(rule, found, output)
    return _told(found)


def _question(app: App, *, since: str, step: str, horizon: str) -> Question:
    from opskit.alerts.backtesting import Question  # noqa: PLC0415  # after --help

    end = app.clock.now() // _MS
    length, each = _length(since, "--since"), _length(step, "--step")
    if each * _MS < SECOND or length < each:
        raise ConfigError("--step is at least 1s, and no longer than --since", hint="--step 1m")
    if length // each > _MOST:
        raise ConfigError(f"more than {_MOST:,} evaluations", hint="take a greater --step")
    return Question(max(end - length, 0), end, each, _length(horizon, "--horizon"))


def _length(text: str, option: str) -> int:
    try:
        return parse_duration(text) // _MS
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{option}: {error}", hint=f"{option} 30m") from error


def _present(rule: str, found: Backtested, output: Output) -> None:
    if output.format == "md":
        output.emit("\n".join(_markdown(rule, found)))
    elif output.for_people:
        output.emit_printed(lambda to: show_facts(to, _facts(found)))
        if found.replayed.fired:
            output.emit_printed(lambda to: show_table(to, _COLUMNS, _rows(found)))
    else:
        output.emit_data(_as_json(rule, found))


def _told(found: Backtested) -> ExitCode:
    replayed = found.replayed
    if replayed.unseen:
        names = ", ".join(replayed.unseen)
        note(f"no history of {names}: what the rule says without is no answer")
    if replayed.held:
        note(f"at {replayed.held} instants the rule had no answer: {clean(replayed.fault)}")
    if not found.is_enough:
        note(f"there is history for {replayed.coverage:.0%} of the time: not enough to tell")
        return ExitCode.UNDETERMINED
    return ExitCode.FINDINGS if found.judged.false else ExitCode.OK


def _facts(found: Backtested) -> Iterator[tuple[str, str]]:
    from opskit.alerts.backtesting import weekly  # noqa: PLC0415

    replayed, judged, question = found.replayed, found.judged, found.question
    rate = weekly(len(replayed.fired), replayed, question)
    yield "period", f"{_at(question.start)} to {_at(question.end)}"
    yield "history", f"{replayed.coverage:.1%} of it"
    often = "" if rate is None else f", {rate:.1f} a week"
    yield "would have fired", f"{len(replayed.fired)} times{often}"
    if not found.watched:
        yield "judged", "not: no service was watched, and no incident is known"
        return
    yield "true", str(len(judged.true))
    yield "false", str(len(judged.false))
    if judged.unjudged:
        yield "not judged", f"{len(judged.unjudged)}: nobody watched their service then"
    yield "outages missed", "; ".join(map(_outage, judged.missed)) or "0"
    if judged.lead is not None:
        ahead = "before" if judged.lead >= 0 else "after"
        yield "median lead", f"{format_duration(round(abs(judged.lead)) * _MS)} {ahead} the outage"


def _outage(one: Span) -> str:
    return f"{one.service} from {_at(one.start)} for {format_duration((one.end - one.start) * _MS)}"


def _rows(found: Backtested) -> Sequence[tuple[str, ...]]:
    from opskit.alerts.backtesting import shown  # noqa: PLC0415

    rows = []
    for one in found.replayed.fired:
        end = found.question.end if one.end is None else one.end
        labels = ", ".join(f"{name}={value}" for name, value in shown(one.labels).items())
        until = "still fires" if one.end is None else _at(end)
        lasted = format_duration((end - one.start) * _MS)
        rows.append((_at(one.start), until, lasted, labels, f"{one.value:g}", _word(one, found)))
    return rows


def _word(one: Fired, found: Backtested) -> str:
    judged = found.judged
    known = (("true", judged.true), ("false", judged.false))
    return next((word for word, some in known if one in some), "not judged")


def _markdown(rule: str, found: Backtested) -> Iterator[str]:
    yield f"## Backtest of {_cell(rule)}"
    yield ""
    yield from (f"- {name}: {_cell(value)}" for name, value in _facts(found))
    if found.replayed.fired:
        yield ""
        yield "| " + " | ".join(one.title for one in _COLUMNS) + " |"
        yield "|" + " --- |" * len(_COLUMNS)
        for row in _rows(found):
            yield "| " + " | ".join(map(_cell, row)) + " |"


def _cell(text: str) -> str:
    """Return foreign text that stays within its cell and is no markup."""
    plain = clean(text).replace("\\", "\\\\").replace("\n", " ")
    return "".join(f"\\{char}" if char in "|*_`[]<>#" else char for char in plain)


def _as_json(rule: str, found: Backtested) -> dict[str, Any]:
    from opskit.alerts.backtesting import weekly  # noqa: PLC0415

    replayed, judged, question = found.replayed, found.judged, found.question
    rate = weekly(len(replayed.fired), replayed, question)
    return {
        "rule": rule,
        "from": _at(question.start),
        "to": _at(question.end),
        "step_seconds": question.step / _MS,
        "coverage": replayed.coverage,
        "enough": found.is_enough,
        "without_history": list(replayed.unseen),
        "unanswered": replayed.held,
        "fired": [_fired(one, found) for one in replayed.fired],
        "fired_per_week": rate,
        "watched": sorted(found.watched),
        "counts": {
            "fired": len(replayed.fired),
            "true": len(judged.true),
            "false": len(judged.false),
            "not_judged": len(judged.unjudged),
            "missed": len(judged.missed),
        },
        "missed": [
            {"service": one.service, "from": _at(one.start), "to": _at(one.end)}
            for one in judged.missed
        ],
        "median_lead_seconds": None if judged.lead is None else judged.lead / _MS,
    }


def _fired(one: Fired, found: Backtested) -> dict[str, Any]:
    finite = one.value == one.value and abs(one.value) != float("inf")  # NaN
    return {
        "from": _at(one.start),
        "to": None if one.end is None else _at(one.end),
        "labels": dict(one.labels.pairs),
        "value": one.value if finite else str(one.value),
        "judged": _word(one, found).replace(" ", "_"),
    }


def _at(moment: int) -> str:
    return iso(Instant(moment * _MS))
