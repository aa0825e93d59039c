"""What is remembered: `opskit fleet show`, `runs`, `history`, `drift`, `posture` and others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.fleet.running import FORMS, emit
from opskit.cli.options import config_option, find_app, output_options, period, period_options
from opskit.cli.output import Column, Output, note, show_heading, show_table, show_text
from opskit.core.errors import ConfigError, ExitCode, worst

if TYPE_CHECKING:
    from opskit.cli.output import Console
    from opskit.core.clock import Duration

_RUNS = (
    Column("run"), Column("state"), Column("hosts", fold=True), Column("by", fold=True),
)  # fmt: skip


@command(examples=["opskit fleet runs", "opskit fleet runs --last 5 --json"],
         short_help="The last runs and what they said.")  # fmt: skip
@click.option("--last", "most", default=20, show_default=True, type=click.IntRange(1, 10_000),
              help="How many.")  # fmt: skip
@config_option
@output_options("table", "json", "yaml")
def runs(most: int, config_path: Path | None, output: Output) -> ExitCode:
    """List the last runs, newest first, and what each said of its hosts."""
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.history import newest_runs  # noqa: PLC0415

    found = newest_runs(find_app(config_path).workplace, most)
    if output.for_people:
        rows = [past.run_row(one) for one in found]
        output.emit_printed(lambda to: show_table(to, _RUNS, rows))
    else:
        output.emit_data({"runs": [past.run_json(one) for one in found]})
    return ExitCode.OK


_TIMES = (
    Column("name", fold=True), Column("times", right=True), Column("median", right=True),
    Column("longest", right=True), Column("total", right=True),
)  # fmt: skip


@command(
    examples=["opskit fleet show check-20261122T0100", "opskit fleet show check-2026 -o md"],
    short_help="A past run, read anew from its records.",
)
@click.argument("run_id", metavar="RUN")
@click.option("--times", is_flag=True, help="Also where its time went.")
@config_option
@output_options(*FORMS)
def show(run_id: str, *, times: bool, config_path: Path | None, output: Output) -> ExitCode:
    """Show a past run, read anew from what it recorded; no host is asked.

    RUN is an id or its beginning: `check` is the newest check. Exit codes as for check.
    """
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.history import show as replayed  # noqa: PLC0415

    run, transcript = replayed(find_app(config_path).workplace, run_id)
    spent = past.times_json(transcript)
    emit(run, output, times=spent)
    if times and output.for_people:
        output.emit_printed(lambda to: _show_times(to, spent))
    return run.exit_code


def _show_times(to: Console, spent: dict[str, list[dict[str, Any]]]) -> None:
    for title, rows in spent.items():
        show_heading(to, f"slowest {title}")
        show_table(to, _TIMES, [[str(cell) for cell in row.values()] for row in rows])


_EPISODES = (
    Column("found"), Column("host"), Column("what", fold=True), Column("moved"), Column("gone"),
    Column("lasted", right=True),
)  # fmt: skip
_SEEN = (Column("at"), Column("run"), Column("verdict"), Column("reason", fold=True))


@command(examples=["opskit fleet history web1", "opskit fleet history web1 --json"],
         short_help="A host over time.")  # fmt: skip
@click.argument("host")
@click.option("--last", "most", default=20, show_default=True, type=click.IntRange(1, 10_000),
              help="How many runs.")  # fmt: skip
@config_option
@output_options("table", "json", "yaml")
def history(host: str, most: int, config_path: Path | None, output: Output) -> ExitCode:
    """Show what runs said of a host, its deviations, and what is owed to it."""
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.history import host_history  # noqa: PLC0415

    app = find_app(config_path)
    found, now = host_history(app.workplace, host, most), app.clock.now()
    if not output.for_people:
        output.emit_data(past.host_json(found))
        return ExitCode.OK

    def shown(to: Console) -> None:
        show_table(to, _SEEN, past.seen_rows(found))
        show_heading(to, "deviations")
        show_table(to, _EPISODES, [past.episode_row(one, now) for one in found.episodes])
        for line in past.host_lines(found):
            show_text(to, line)

    output.emit_printed(shown)
    return ExitCode.OK


@command(
    examples=["opskit fleet drift --last 30d", "opskit fleet drift --month 2026-10 --within 24h"],
    short_help="Deviations over time, and how fast they were gone.",
)
@click.option("--within", default="24h", show_default=True,
              help="In what time a deviation of a host that moved should be gone.")  # fmt: skip
@period_options
@config_option
@output_options("table", "json", "yaml")
def drift(output: Output, within: str, config_path: Path | None, **options: Any) -> ExitCode:
    """List the deviations found in a period, and the share that was gone in time.

    Counted are those where the host moved: nobody intended them.
    """
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.history import drift_between  # noqa: PLC0415

    app = find_app(config_path)
    window, now = period(app, **options), app.clock.now()
    found, level = drift_between(app.workplace, window, _duration(within))
    if output.for_people:
        rows = [past.episode_row(one, now) for one in found]
        output.emit_printed(lambda to: show_table(to, _EPISODES, rows))
        note(past.level_line(level, within))
    else:
        told = {"within": within, **past.level_json(level)}
        output.emit_data({"service_level": told, "drift": [past.episode_json(o) for o in found]})
    return ExitCode.OK


def _duration(text: str) -> Duration:
    from opskit.core.clock import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error), hint="write 24h, 30d or the like") from error


_POSTURE = (
    Column("host"), Column("severity"), Column("what", fold=True), Column("since"),
    Column("owner"), Column("next", fold=True),
)  # fmt: skip


@command(examples=["opskit fleet posture", "opskit fleet posture web1 --json"],
         short_help="Updates, restarts, certificates and open ports.")  # fmt: skip
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@config_option
@output_options("table", "json", "yaml")
def posture(hosts: tuple[str, ...], config_path: Path | None, output: Output) -> ExitCode:
    """Show what hosts are exposed to, as the last run read it.

    Exit 1: security updates or a restart pending, a certificate over or nearly, a port that
    listens and is not in `opskit_ports` of its host. 3: a part could not be read.
    """
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.history import posture as known  # noqa: PLC0415

    read, found = known(find_app(config_path).workplace, hosts)
    if output.for_people:
        rows = past.posture_rows(read, found)
        output.emit_printed(lambda to: show_table(to, _POSTURE, rows))
        for line in past.unknown_lines(read):
            note(line)
    else:
        output.emit_data({"hosts": [past.posture_json(one, found) for one in read]})
    unknown = [ExitCode.UNDETERMINED for one in read if one.unknown]
    return worst([*unknown, *(ExitCode.FINDINGS for _ in found)])


_FIDELITY = (
    Column("task", fold=True), Column("hit", right=True), Column("false alarm", right=True),
    Column("blind", right=True), Column("liar", right=True), Column("unsettled", right=True),
)  # fmt: skip


@command(examples=["opskit fleet fidelity", "opskit fleet fidelity --json"],
         short_help="How often each task's check told the truth.")  # fmt: skip
@config_option
@output_options("table", "json", "yaml")
def fidelity(config_path: Path | None, output: Output) -> ExitCode:
    """Show for each task how what its checks foretold compares with what applies then changed.

    hit: foretold and changed. false alarm: foretold and not changed. blind: could not look, and it
    changed. liar: said as wanted, and it changed. unsettled: changed, and wants it again.
    """
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.history import task_fidelity  # noqa: PLC0415

    found = task_fidelity(find_app(config_path).workplace)
    if output.for_people:
        output.emit_printed(lambda to: show_table(to, _FIDELITY, past.fidelity_rows(found)))
    else:
        output.emit_data({"tasks": past.fidelity_json(found)})
    return ExitCode.OK


@command(examples=["opskit fleet prune --older-than 90d"],
         short_help="Forget the records of old runs.")  # fmt: skip
@click.option("--older-than", required=True, help="90d, 365d ...")
@config_option
def prune(older_than: str, config_path: Path | None) -> ExitCode:
    """Forget the records of old runs; what they found, and the ledger, stay."""
    from opskit.fleet.history import prune as forget  # noqa: PLC0415

    count = forget(find_app(config_path).workplace, _duration(older_than))
    note(f"the records of {count} runs were forgotten")
    return ExitCode.OK
