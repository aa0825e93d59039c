"""`opskit monitor`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, output_options, period, period_options
from opskit.cli.output import Column, Output, note, show_table, show_text
from opskit.cli.targets import targets
from opskit.core.errors import ConfigError, ExitCode, worst

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.core.clock import Duration
    from opskit.monitor.catalogue import Target
    from opskit.monitor.model import Observation
    from opskit.monitor.prober import Prober
    from opskit.monitor.uptime import ServiceUptime


@group(
    short_help="Probe services; uptime with bounds.",
    examples=[
        "opskit monitor probe",
        "opskit monitor status",
        "opskit monitor uptime --month 2026-10",
    ],
)
def monitor() -> None:
    """Probe services and say how they did, with bounds and coverage."""


monitor.add_command(targets)

_services_option = click.option(
    "-s", "--services", help="Catalogue, instead of the one in opskit.yaml."
)


def _app(config_path: Path | None, services: str | None) -> App:
    return find_app(config_path, services=str(Path.cwd() / services) if services else "")


def _known(app: App, names: tuple[str, ...]) -> tuple[str, ...]:
    from opskit.core.text import nearest  # noqa: PLC0415

    for name in names:
        if name not in app.catalogue.services:
            guess = nearest(name, list(app.catalogue.services))
            hint = f"did you mean {guess!r}?" if guess else "opskit monitor status lists them"
            raise ConfigError(f"there is no service {name!r}", hint=hint)
    return names


@monitor.command(
    examples=[
        "opskit monitor probe                 every service once",
        "opskit monitor probe shop --json     one of them, for scripts",
        "opskit monitor probe --loop          at their intervals, until Ctrl-C",
        "opskit monitor probe --for 10m",
    ],
    short_help="Try services now, or go on trying them.",
)
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@click.option("--loop", is_flag=True, help="Go on at each probe's interval.")
@click.option("--for", "length", help="Go on for this long, like 10m.")
@_services_option
@config_option
@output_options("table", "json", "yaml")
def probe(  # one parameter per option
    names: tuple[str, ...],
    loop: bool,
    length: str | None,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Try services now; a failure counts once a second try confirms it.

    Exit 0: all up. 1: something is down. 3: something could not be told.
    """
    from opskit.monitor.prober import Prober  # noqa: PLC0415

    app = _app(config_path, services)
    duration = _duration(length)
    targets = app.catalogue.targets(_known(app, names))
    prober = Prober(targets, app.recorder, app.around, app.recorder.begin(app.catalogue))
    if loop or duration is not None:
        return _go_on(app, prober, targets, duration)
    seen = prober.once(lambda _: None)
    app.deliver()
    _emit_seen(seen, targets, output)
    return worst(_CODES[str(one.seen)] for one in seen)


_CODES = {
    "up": ExitCode.OK,
    "degraded": ExitCode.OK,
    "down": ExitCode.FINDINGS,
    "unknown": ExitCode.UNDETERMINED,
    "suspect": ExitCode.UNDETERMINED,
}


def _duration(text: str | None) -> Duration | None:
    from opskit.core.clock import parse_duration  # noqa: PLC0415

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error), hint="--for 10m") from error


def _go_on(
    app: App, prober: Prober, targets: Sequence[Target], length: Duration | None
) -> ExitCode:
    from opskit.core.clock import iso  # noqa: PLC0415

    last = {target.id: "" for target in targets}
    courier = _Courier(app)

    def tell(batch: Sequence[Observation]) -> None:
        for one in batch:
            if last[one.target] != one.seen:
                last[one.target] = str(one.seen)
                click.echo(f"{iso(one.at)} {one.target} {one.seen} {one.reason}".rstrip())

    prober.loop(length, tell, courier.go)
    courier.finish()
    return worst(_CODES.get(seen, ExitCode.UNDETERMINED) for seen in last.values())


class _Courier:
    """Delivers beside the probing: a receiver that hangs must not blind the probes.

    What is under way when opskit ends stays owed.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def go(self) -> None:
        """Start delivering what is due, unless that is under way already."""
        if self._error is not None:
            raise self._error
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._deliver, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Deliver all that is due, what came up since the last start included."""
        if self._thread is not None:
            self._thread.join()
        self._app.deliver()

    def _deliver(self) -> None:
        try:
            self._app.deliver()
        except Exception as error:  # noqa: BLE001  # raised again where the boundary is
            self._error = error


_SEEN = (Column("target"), Column("seen"), Column("took", right=True), Column("reason", fold=True))


def _emit_seen(seen: Sequence[Observation], targets: Sequence[Target], output: Output) -> None:
    from opskit.core.clock import iso  # noqa: PLC0415

    if output.for_people:
        rows = [
            (one.target, str(one.seen), f"{one.took / 1000:.1f} ms", one.reason) for one in seen
        ]
        output.emit_printed(lambda to: show_table(to, _SEEN, rows))
        return
    rows_json = [
        {
            "target": one.target,
            "kind": target.probe.kind,
            "seen": str(one.seen),
            "reason": one.reason,
            "at": iso(one.at),
            "took_us": one.took,
        }
        for one, target in zip(seen, targets, strict=True)
    ]
    output.emit_data({"observations": rows_json})


_STATUS = (
    Column("target"), Column("state"), Column("for", right=True), Column("reason", fold=True),
    Column("last probe", right=True), Column("owner"),
)  # fmt: skip


@monitor.command(
    examples=["opskit monitor status", "opskit monitor status --json"],
    short_help="How every service is now, worst first.",
)
@_services_option
@config_option
@output_options("table", "json", "yaml")
def status(services: str | None, config_path: Path | None, output: Output) -> ExitCode:
    """Show how every service is now, worst first, from what was last seen.

    What was not probed within 2.5 intervals is unknown, not up. Exit codes as for probe.
    """
    from opskit.monitor import present  # noqa: PLC0415
    from opskit.monitor.status import statuses  # noqa: PLC0415

    app = _app(config_path, services)
    now = app.clock.now()
    with app.database.read() as connection:
        found = statuses(connection, app.catalogue, now)
    if output.for_people:
        rows = [present.status_row(one, now) for one in found]
        output.emit_printed(lambda to: show_table(to, _STATUS, rows))
    else:
        output.emit_data({"targets": [present.status_json(one) for one in found]})
    return worst(one.exit_code for one in found)


_UPTIME = (
    Column("service"), Column("uptime", right=True, fold=True), Column("bounds", fold=True),
    Column("observed", right=True), Column("down", fold=True), Column("outages"),
    Column("objective"),
)  # fmt: skip


def _uptimes(
    app: App, names: tuple[str, ...], options: dict[str, Any]
) -> tuple[ServiceUptime, ...]:
    from opskit.monitor.uptime import evidenced, uptimes  # noqa: PLC0415

    wanted = _known(app, names) or tuple(app.catalogue.services)
    window = period(app, **options)
    with app.database.read() as connection:
        return evidenced(
            connection, uptimes(connection, app.catalogue, window, app.config.zone, wanted)
        )


def _uptime_code(found: Sequence[ServiceUptime]) -> ExitCode:
    codes = [ExitCode.OK if one.availability.sufficient else ExitCode.UNDETERMINED for one in found]
    codes += [ExitCode.FINDINGS for one in found if one.met is False]
    return worst(codes)


@monitor.command(
    examples=[
        "opskit monitor uptime                      this month so far",
        "opskit monitor uptime shop --month 2026-10",
        "opskit monitor uptime --last 7d --json",
    ],
    short_help="Availability with bounds, coverage and objectives.",
)
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@period_options
@_services_option
@config_option
@output_options("table", "json", "yaml")
def uptime(  # noqa: PLR0917  # one parameter per option
    names: tuple[str, ...],
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Show availability as a value with bounds; unobserved time is never counted as up.

    Exit 0: objectives met or none. 1: one certainly missed. 3: too little was observed.
    """
    from opskit.monitor import present  # noqa: PLC0415

    app = _app(config_path, services)
    found = _uptimes(app, names, {"month": month, "since": since, "until": until, "last": last})
    if output.for_people:
        rows = [present.uptime_row(one) for one in found]
        output.emit_printed(lambda to: show_table(to, _UPTIME, rows))
        note(present.window_line(found[0].window))
    else:
        output.emit_data({"services": [present.uptime_json(one) for one in found]})
    return _uptime_code(found)


_INTERVALS = (
    Column("from"), Column("lasted", right=True), Column("state"), Column("reason", fold=True),
    Column("ledger", fold=True),
)  # fmt: skip


@monitor.command(
    examples=[
        "opskit monitor explain shop --last 24h",
        "opskit monitor explain shop --month 2026-10 --json",
    ],
    short_help="Every interval behind an availability, with its evidence.",
)
@click.argument("service")
@period_options
@_services_option
@config_option
@output_options("table", "json", "yaml")
def explain(  # noqa: PLR0917  # one parameter per option
    service: str,
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """List every interval behind a service's availability and the ledger entries that show it."""
    from opskit.monitor import present  # noqa: PLC0415

    app = _app(config_path, services)
    options = {"month": month, "since": since, "until": until, "last": last}
    (found,) = _uptimes(app, (service,), options)
    if output.for_people:
        output.emit_printed(lambda to: _show_intervals(to, found))
    else:
        output.emit_data({**present.uptime_json(found), "intervals": present.intervals_json(found)})
    return _uptime_code([found])


def _show_intervals(to: Console, found: ServiceUptime) -> None:
    from opskit.monitor import present  # noqa: PLC0415

    show_table(to, _INTERVALS, present.interval_rows(found))
    show_text(to, _sum(found))


def _sum(found: ServiceUptime) -> str:
    from opskit.monitor import present  # noqa: PLC0415

    name, shown, bounds, coverage, down, *_ = present.uptime_row(found)
    line = f"{name}: {shown}, bounds {bounds or 'none'}, observed {coverage or '0 %'}, down {down}"
    return "\n".join(["", line, *present.blip_lines(found)])
