"""`opskit monitor probe`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.monitor.shared import app_for, services_option, with_parts
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ConfigError, ExitCode, worst

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.core.clock import Duration
    from opskit.monitor.catalogue import Target
    from opskit.monitor.model import Observation
    from opskit.monitor.prober import Prober
    from opskit.monitor.pulse import Pulse


@command(
    examples=[
        "opskit monitor probe                 every service once",
        "opskit monitor probe shop --json     one of them, for scripts",
        "opskit monitor probe --loop          at their intervals, until Ctrl-C",
        "opskit monitor probe --for 10m",
        "opskit monitor probe shop --debug    step by step, with nothing written",
    ],
    short_help="Try services now, or go on trying them.",
)
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@click.option("--loop", is_flag=True, help="Go on at each probe's interval.")
@click.option("--for", "length", help="Go on for this long, like 10m.")
@click.option("--debug", is_flag=True, help="Show each step of one look; write nothing.")
@services_option
@config_option
@output_options("table", "json", "yaml")
def probe(  # one parameter per option
    names: tuple[str, ...],
    loop: bool,
    length: str | None,
    debug: bool,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Try services now; a failure counts once a second try confirms it.

    A service that is made of others is tried with all of them.

    Exit 0: all up. 1: something is down. 3: something could not be told.
    """
    goes_on = loop or length is not None
    if goes_on and debug:
        raise ConfigError("--debug shows one look", hint="leave out --loop and --for")
    if goes_on and not (output.for_people and output.path is None):
        hint = "leave out -o, --json and --output-file, or look once"
        raise ConfigError("a loop tells in lines what changes", hint=hint)
    app = app_for(config_path, services)
    duration = _duration(length)
    targets = app.catalogue.targets(with_parts(app.catalogue, names))
    if debug:
        return _walk(app, targets, output)
    prober = app.prober(targets)
    if goes_on:
        return _go_on(app, prober, targets, duration)
    seen = prober.once(lambda _: None)
    deliver(app)
    _emit_seen(seen, targets, output)
    return worst(_CODES[str(one.seen)] for one in seen)


def _walk(app: App, targets: Sequence[Target], output: Output) -> ExitCode:
    """Show each step of one look at each target."""
    from opskit.monitor.walk import walk  # noqa: PLC0415

    walked = [(target, *walk(target, app.around)) for target in targets]
    if output.for_people:
        rows = [
            (target.id, step.what, "" if step.after is None else _ms(step.after), step.detail)
            for target, _, steps in walked
            for step in steps
        ]
        output.emit_printed(lambda to: show_table(to, _STEPS, rows))
    else:
        data = [
            {
                "target": target.id,
                "seen": str(sight.seen),
                "reason": sight.reason,
                "steps": [
                    {"what": one.what, "detail": one.detail, "after_us": one.after} for one in steps
                ],
            }
            for target, sight, steps in walked
        ]
        output.emit_data({"looks": data})
    return worst(_CODES[str(sight.seen)] for _, sight, _ in walked)


_STEPS = (
    Column("target"), Column("step"), Column("after", right=True), Column("what", fold=True),
)  # fmt: skip


def _ms(duration: int) -> str:
    return f"{duration / 1000:.1f} ms"


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
    courier, writing = _Courier(app), _Writing()

    def tell(batch: Sequence[Observation]) -> None:
        writing.tell(prober.pulse())
        for one in batch:
            if not one.location and last[one.target] != one.seen:
                last[one.target] = str(one.seen)
                click.echo(f"{iso(one.at)} {one.target} {one.seen} {one.reason}".rstrip())

    prober.loop(length, tell, courier.go)
    courier.finish()
    return worst(_CODES.get(seen, ExitCode.UNDETERMINED) for seen in last.values())


class _Writing:
    """Says when what is seen cannot be written, and when it can again."""

    def __init__(self) -> None:
        self._fault = ""

    def tell(self, pulse: Pulse) -> None:
        """Say what has changed."""
        if pulse.fault and not self._fault:
            note(f"cannot write now, what is seen is kept in memory: {pulse.fault}")
        elif self._fault and not pulse.fault:
            note("can write again")
        self._fault = pulse.fault


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
        deliver(self._app)

    def _deliver(self) -> None:
        try:
            self._app.upkeep.go()
        except Exception as error:  # noqa: BLE001  # raised again where the boundary is
            self._error = error


_SEEN = (Column("target"), Column("seen"), Column("took", right=True), Column("reason", fold=True))


def _emit_seen(seen: Sequence[Observation], targets: Sequence[Target], output: Output) -> None:
    from opskit.core.clock import iso  # noqa: PLC0415

    if output.for_people:
        rows = [(one.target, str(one.seen), _ms(one.took), one.reason) for one in seen]
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
