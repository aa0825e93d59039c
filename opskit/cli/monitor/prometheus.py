"""`opskit monitor prometheus`: uptime of what somebody else's Prometheus recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, output_options, period, period_options
from opskit.cli.output import Column, Output, note, show_heading, show_table
from opskit.core.errors import ConfigError, ExitCode, worst

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.core.interval import Interval
    from opskit.monitor.backread import Reader
    from opskit.monitor.prometheus import Question
    from opskit.monitor.uptime import ServiceUptime

F = TypeVar("F", bound=Callable[..., Any])


_URL = "--url http://prom:9090"
_SHOP = "--series 'probe_success{instance=\"https://shop\"}'"


@group(
    short_help="Uptime from an existing Prometheus.",
    examples=[
        f"opskit monitor prometheus uptime {_URL} --series probe_success --by instance --last 30d",
        f"opskit monitor prometheus explain {_URL} {_SHOP} --last 24h",
    ],
)
def prometheus() -> None:
    """Tell the uptime of series that a Prometheus recorded, by the rules of opskit's own probes.

    Thanos, Mimir and VictoriaMetrics answer too. Nothing is stored.
    """


_SERVER_OPTIONS = (
    click.option("--url", required=True, help="The server, like http://prometheus:9090."),
    click.option("--series", required=True, help="Selector of series that are 1 for up, 0 down."),
    click.option("--up", default="", help="Their `up`; by default that of instance and job."),
    click.option("--by", multiple=True, help="One row for each value of this label."),
    click.option(
        "--maintenance",
        multiple=True,
        metavar="FROM/TO",
        help="Time agreed on: 2026-10-05T02:00/2026-10-05T03:00. May be given again.",
    ),
    click.option("--token-file", type=click.Path(path_type=Path), help="File with a bearer token."),
    click.option("--user", help="Name for basic authentication."),
    click.option(
        "--password-file", type=click.Path(path_type=Path), help="File with the user's password."
    ),
    click.option(
        "--ca-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Certificate of whoever vouches for the server.",
    ),
    click.option("--tenant", help="Whose data, where a Mimir keeps several."),
    click.option(
        "--flavor",
        type=click.Choice(("prometheus", "victoriametrics")),
        help="Which API to read with, where the server does not say.",
    ),
    click.option(
        "--edges",
        type=click.Choice(("closed", "left-open")),
        help="Whether ranges hold their start (Prometheus 2) or not (3); else tried out.",
    ),
    click.option(
        "--max-samples",
        type=click.IntRange(1_000),
        default=50_000_000,
        show_default=True,
        help="The server's own limit for a query.",
    ),
    click.option("--timeout", default="5m", show_default=True, help="For the whole reading."),
)


def server_options(function: F) -> F:
    """Add what tells which series of which server."""
    for option in reversed(_SERVER_OPTIONS):
        function = option(function)
    return function


_UPTIME = (
    Column("series", fold=True), Column("uptime", right=True, fold=True),
    Column("bounds", fold=True), Column("observed", right=True), Column("down", fold=True),
    Column("outages"),
)  # fmt: skip

_INTERVALS = (
    Column("from"), Column("lasted", right=True), Column("state"), Column("reason", fold=True),
)  # fmt: skip


@prometheus.command(
    examples=[
        f"opskit monitor prometheus uptime {_URL} --series probe_success --by instance",
        f"opskit monitor prometheus uptime {_URL} {_SHOP} --month 2026-10 --json",
        f"opskit monitor prometheus uptime {_URL} {_SHOP} --token-file token --tenant shop",
    ],
    short_help="Availability with bounds and coverage.",
)
@server_options
@period_options
@config_option
@output_options("table", "json", "yaml")
def uptime(config_path: Path | None, output: Output, **options: Any) -> ExitCode:
    """Show the availability of recorded series; what was not recorded is unknown, never up.

    Every sample counts: no second try confirms a failure. Exit 0: observed. 3: too little of it.
    """
    from opskit.monitor import present  # noqa: PLC0415

    reader, found = read_uptimes(find_app(config_path), options)
    if output.for_people:
        rows = [_row(one) for one in found]
        output.emit_printed(lambda to: show_table(to, _UPTIME, rows))
        note(present.window_line(found[0].window))
    else:
        shown = [present.uptime_json(one) for one in found]
        output.emit_data({**_server_json(reader), "series": shown})
    return _code(reader, found)


@prometheus.command(
    examples=[
        f"opskit monitor prometheus explain {_URL} {_SHOP} --last 24h",
    ],
    short_help="Every interval behind an availability.",
)
@server_options
@period_options
@config_option
@output_options("table", "json", "yaml")
def explain(config_path: Path | None, output: Output, **options: Any) -> ExitCode:
    """List every interval behind the availability of recorded series, and why it is unknown."""
    from opskit.monitor import present  # noqa: PLC0415

    reader, found = read_uptimes(find_app(config_path), options)
    if output.for_people:
        output.emit_printed(lambda to: _show_intervals(to, found))
        note(present.window_line(found[0].window))
    else:
        shown = [
            {**present.uptime_json(one), "intervals": present.intervals_json(one)} for one in found
        ]
        output.emit_data({**_server_json(reader), "series": shown})
    return _code(reader, found)


def _show_intervals(to: Console, found: Sequence[ServiceUptime]) -> None:
    from opskit.monitor import present  # noqa: PLC0415

    for one in found:
        show_heading(to, one.service)
        rows = [row[: len(_INTERVALS)] for row in present.interval_rows(one)]
        show_table(to, _INTERVALS, rows)
    show_heading(to, "together")
    show_table(to, _UPTIME, [_row(one) for one in found])


def _row(found: ServiceUptime) -> tuple[str, ...]:
    from opskit.monitor import present  # noqa: PLC0415

    return present.uptime_row(found)[: len(_UPTIME)]


def read_uptimes(app: App, options: dict[str, Any]) -> tuple[Reader, tuple[ServiceUptime, ...]]:
    """Return what was read, and tell what the server warned of."""
    from opskit.monitor.prometheus import uptimes  # noqa: PLC0415

    question = _question(app, options)
    reader = _reader(options)
    found = uptimes(reader, question)
    for warning in reader.warnings:
        note(f"warning of {reader.server.url}: {warning}")
    return reader, found


def _question(app: App, options: dict[str, Any]) -> Question:
    from opskit.monitor.prometheus import Question  # noqa: PLC0415

    window = period(app, **{name: options[name] for name in ("month", "since", "until", "last")})
    return Question(
        selector=options["series"],
        window=window,
        up=options["up"],
        by=options["by"],
        maintenance=[_interval(app, text) for text in options["maintenance"]],
    )


def _interval(app: App, text: str) -> Interval:
    """Return an interval as ISO 8601 writes it, in the zone of opskit.yaml where it names none."""
    from opskit.core.clock import parse_instant  # noqa: PLC0415
    from opskit.core.interval import Interval  # noqa: PLC0415

    start, slash, end = text.partition("/")
    try:
        if slash:
            return Interval(
                parse_instant(start, app.config.zone), parse_instant(end, app.config.zone)
            )
    except (ValueError, OverflowError):
        pass
    hint = "--maintenance 2026-10-05T02:00/2026-10-05T03:00"
    raise ConfigError(f"{text!r} is no time from ... to ...", hint=hint)


def _reader(options: dict[str, Any]) -> Reader:
    from dataclasses import replace  # noqa: PLC0415

    from opskit.core.clock import SECOND  # noqa: PLC0415
    from opskit.monitor.backread import Reader  # noqa: PLC0415
    from opskit.outside.prometheus import Edges, Flavor, Limits, Server  # noqa: PLC0415

    limits = Limits(
        seconds=_duration(options["timeout"]) / SECOND, max_samples=options["max_samples"]
    )
    server = Server(options["url"], _headers(options), limits, options["ca_file"])
    identity = server.identity()
    if options["flavor"]:
        identity = replace(identity, flavor=Flavor(options["flavor"]))
    if options["edges"]:
        identity = replace(identity, edges=Edges(options["edges"]))
    return Reader(server, identity)


def _duration(text: str) -> int:
    from opskit.core.clock import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error), hint="--timeout 5m") from error


def _headers(options: dict[str, Any]) -> dict[str, str]:
    """Return the headers that tell the server who asks."""
    from opskit.outside.credentials import basic, bearer  # noqa: PLC0415

    token, user, password = (options[name] for name in ("token_file", "user", "password_file"))
    tenant = options["tenant"]
    if tenant is not None and not (tenant.isascii() and tenant.isprintable()):
        raise ConfigError("the tenant's name is not printable ASCII", hint="--tenant shop")
    headers = {"X-Scope-OrgID": tenant} if tenant else {}
    if (user is None) is not (password is None) or (token and user):
        hint = "--token-file FILE, or --user NAME with --password-file FILE"
        raise ConfigError("give a token, or a user and a password", hint=hint)
    if token:
        return {**headers, **bearer(token)}
    return {**headers, **basic(user, password)} if user else headers


def _server_json(reader: Reader) -> dict[str, Any]:
    identity, server = reader.identity, reader.server
    return {
        "server": {
            "url": server.url,
            "flavor": str(identity.flavor),
            "version": identity.version,
            "edges": str(identity.edges) if identity.edges else None,
            "requests": server.requests,
            "bytes": server.received,
        },
        "warnings": list(reader.warnings),
    }


def _code(reader: Reader, found: Sequence[ServiceUptime]) -> ExitCode:
    """Return 3 where too little was observed, or the server said that it did not tell all."""
    told = not reader.warnings and all(one.availability.sufficient for one in found)
    return worst([ExitCode.OK if told else ExitCode.UNDETERMINED])
