"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from opskit.cli.output import Output
from opskit.core.errors import ConfigError

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.core.clock import Duration
    from opskit.core.interval import Interval

F = TypeVar("F", bound=Callable[..., Any])

_PERIODS = "--month 2026-10, --from 2026-10-01 --to 2026-11-01, --last 7d"


def config_option(function: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        help="opskit.yaml, or its directory; else $OPSKIT_CONFIG, else found upward from here.",
    )(function)


def output_options(*formats: str) -> Callable[[F], F]:
    """Add `-o FORMAT`, `--json` and `--output-file`; the command gets one `output`."""

    def decorate(function: F) -> F:
        def wrapped(
            *args: Any, as_json: bool, form: str, output_file: Path | None, **kwargs: Any
        ) -> Any:  # noqa: ANN401
            chosen = "json" if as_json else form
            return function(*args, output=Output(chosen, output_file), **kwargs)

        wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
        wrapped.__dict__.update(function.__dict__)
        choice = click.Choice(formats)
        click.option(
            "--output-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write the result there instead of to stdout.",
        )(wrapped)
        click.option("--json", "as_json", is_flag=True, help="Short for -o json.")(wrapped)
        click.option(
            "-o",
            "--output",
            "form",
            type=choice,
            default=formats[0],
            show_default=True,
            help="Form of the result.",
        )(wrapped)
        return wrapped  # type: ignore[return-value]  # the same function, with its options

    return decorate  # fmt: skip


def period_options(function: F) -> F:
    """Add `--month`, `--from`, `--to` and `--last`."""
    click.option("--last", help="The last 24h, 7d, 30d ... up to now.")(function)
    click.option("--to", "until", help="End: a date or date-time; default now.")(function)
    click.option("--from", "since", help="Start: a date or date-time.")(function)
    return click.option("--month", help="A calendar month, like 2026-10, or `last`.")(function)


def find_app(config_path: Path | None, **flags: Any) -> App:  # settings of any type
    """Return opskit for the configuration in force."""
    from opskit.app import App  # noqa: PLC0415  # heavy: not for --help

    return App.find(config_path, **flags)


def period(
    app: App, *, month: str | None, since: str | None, until: str | None, last: str | None
) -> Interval:
    """Return the period asked for, by default this month; it ends now at the latest.

    Raises:
        ConfigError: it is none, or lies ahead.
    """
    from opskit.core.clock import Instant, parse_duration, parse_instant  # noqa: PLC0415
    from opskit.core.interval import Interval  # noqa: PLC0415

    if sum(option is not None for option in (month, since, last)) > 1:
        raise ConfigError("give one of --month, --from and --last", hint=_PERIODS)
    if until is not None and since is None and last is None:
        raise ConfigError("--to needs --from or --last", hint=_PERIODS)
    zone, now = app.config.zone, app.clock.now()
    try:
        end = parse_instant(until, zone) if until is not None else now
        if last is not None:
            start = Instant(end - parse_duration(last))
        elif since is not None:
            start = parse_instant(since, zone)
        else:
            start, end = _month(app, month)
    except (ValueError, OverflowError) as error:
        raise ConfigError(str(error), hint=_PERIODS) from error
    end = Instant(min(end, now))
    if start < 0:
        raise ConfigError("the period starts before 1970", hint=_PERIODS)
    if start >= end:
        raise ConfigError("the period ends before it starts, or lies ahead", hint=_PERIODS)
    return Interval(start, end)


def _month(app: App, month: str | None) -> tuple[Any, Any]:
    from opskit.core.clock import midnight, to_datetime  # noqa: PLC0415

    zone = app.config.zone
    this = to_datetime(app.clock.now(), zone).date().replace(day=1)
    match month:
        case None:
            first = this
        case "last":
            first = (this - timedelta(days=1)).replace(day=1)
        case str() if re.fullmatch(r"[0-9]{4}-[0-9]{2}", month):
            first = date.fromisoformat(f"{month}-01")
        case _:
            raise ConfigError(f"{month!r} is no month", hint=_PERIODS)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return midnight(first, zone), midnight(following, zone)


def duration(text: str, most: int) -> Duration:
    """Return a duration as it was typed.

    Raises:
        ConfigError: it is none, or too long.
    """
    from opskit.core.clock import DAY, HOUR, parse_duration  # noqa: PLC0415

    try:
        found = parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error), hint="--for 2h") from error
    longest = f"{most // DAY}d" if most >= DAY else f"{most // HOUR}h"
    if not 0 < found <= most:
        raise ConfigError(f"{text} is too long or nothing; at most {longest}", hint="--for 2h")
    return found
