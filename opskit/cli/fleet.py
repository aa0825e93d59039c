"""`opskit fleet`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import group
from opskit.cli.formats import junit
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import (
    Column,
    Output,
    Progress,
    interactive,
    note,
    show_heading,
    show_table,
    show_text,
)
from opskit.core.errors import ConfigError, ExitCode, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.fleet.model import HostResult, Run
    from opskit.fleet.workplace import Request


@group(
    short_help="Find and fix what drifted from the standard.",
    examples=["opskit fleet check", "opskit fleet apply --limit web1"],
)
def fleet() -> None:
    """Find and fix what drifted from the standard."""


def _run_options(function: Any) -> Any:  # noqa: ANN401  # a decorator for any command
    for option in (
        click.option("-p", "--playbook", help="The standard, instead of the one in opskit.yaml."),
        click.option("-i", "--inventory", multiple=True, help="Instead of the configured ones."),
        click.option("-l", "--limit", default="", help="Only hosts matching this pattern."),
        click.option("-t", "--tags", multiple=True, help="Only tasks with this tag."),
        click.option("-f", "--forks", type=click.IntRange(1, 500), help="Hosts at once."),
        click.option("--var", "variables", multiple=True, metavar="NAME=VALUE",
                     help="A variable; its value is never templated."),
        config_option,
    ):  # fmt: skip
        function = option(function)
    return function


def _prepare(options: Mapping[str, Any]) -> tuple[App, Request]:
    from pathlib import Path as _Path  # noqa: PLC0415

    here = _Path.cwd()
    playbook = str(here / options["playbook"]) if options["playbook"] else ""
    app = find_app(
        options["config_path"],
        standard=playbook,
        inventory=tuple(str(here / source) for source in options["inventory"]),
        forks=options["forks"],
    )
    variables = dict(_variable(text) for text in options["variables"])
    return app, app.request(limit=options["limit"], tags=options["tags"], variables=variables)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ConfigError(f"{text!r} is no variable", hint="--var NAME=VALUE")
    return name, value


@fleet.command(
    examples=[
        "opskit fleet check                        the standard against the whole inventory",
        "opskit fleet check -l web -t control:OPS-SSH-01",
        "opskit fleet check -o junit --output-file drift.xml",
    ],
    short_help="Show what differs from the standard; changes nothing.",
)
@click.option("--full", is_flag=True, help="Check also what no fingerprint says has moved.")
@_run_options
@output_options("table", "json", "yaml", "junit")
def check(output: Output, *, full: bool, **options: Any) -> ExitCode:  # the shared run options
    """Show what differs from the standard on each host; nothing is changed.

    A host is compliant only if every task was looked at. Exit 0: all compliant. 1: drift.
    3: a host could not be reached or not be looked at to the end. 5: no host at all.
    """
    from opskit.fleet.check import check as look  # noqa: PLC0415

    app, request = _prepare(options)
    with Progress("checking").shown() as progress:
        run = look(app.workplace, request, _listener(progress), full=full)
    app.deliver()
    _emit(run, output)
    if output.for_people and run.exit_code is ExitCode.FINDINGS:
        note("next: opskit fleet apply   puts it right and looks again")
    return run.exit_code


@fleet.command(
    examples=[
        "opskit fleet apply              shows what will change, asks, changes, looks again",
        "opskit fleet apply -l web1 --yes",
    ],
    short_help="Make hosts as the standard says, then look again.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_run_options
@output_options("table", "json", "yaml", "junit")
def apply(output: Output, *, yes: bool, **options: Any) -> ExitCode:
    """Make hosts as the standard says: check, ask, change, and check again.

    What counts is the second look. Without a terminal nothing is changed unless --yes is given.
    """
    from opskit.fleet.apply import apply as change  # noqa: PLC0415
    from opskit.fleet.check import check as look  # noqa: PLC0415

    app, request = _prepare(options)
    with Progress("checking").shown() as progress:
        before = look(app.workplace, request, _listener(progress))
    if not before.drift:
        _emit(before, output)
        note("nothing to change")
        return before.exit_code
    if output.for_people:
        output.emit_printed(lambda to: _show(to, before))
    _confirm(before, yes=yes)
    with Progress("changing, then looking again").shown() as progress:
        applied = change(app.workplace, request, _listener(progress))
    note(f"changed: {_changed(applied.change)}")
    _emit(applied.observed, output)
    return applied.exit_code


def _changed(run: Run) -> str:
    from opskit.core.text import plural  # noqa: PLC0415

    hosts = {drift.host for drift in run.drift}
    return f"{plural(len(run.drift), 'thing')} on {plural(len(hosts), 'host')}"


def _confirm(run: Run, *, yes: bool) -> None:
    if yes:
        return
    if not interactive():
        raise Refused("nobody is there to confirm", hint="give --yes to change without being asked")
    click.confirm(f"Change {_changed(run)}?", abort=True, err=True)


def _listener(progress: Progress) -> Callable[[Mapping[str, Any]], None]:
    tasks: set[str] = set()

    def listen(record: Mapping[str, Any]) -> None:
        if record["k"] == "play":
            progress.expect(len(record["hosts"]) * len(record["tasks"]))
        elif record["k"] == "task" and not record["handler"]:
            tasks.add(record["uuid"])
        elif record["k"] == "result" and "item" not in record and record["uuid"] in tasks:
            progress.step()

    return listen


def _emit(run: Run, output: Output) -> None:
    from opskit.fleet import present  # noqa: PLC0415

    if output.for_people:
        output.emit_printed(lambda to: _show(to, run))
    elif output.format == "junit":
        output.emit(junit.render(f"opskit fleet {run.mode}", [_suite(host) for host in run.hosts]))
    else:
        output.emit_data(present.as_json(run))


_HOSTS = (
    Column("host", fold=True),
    Column("verdict"),
    Column("drift", right=True),
    Column("reason", fold=True),
)
_DIFF_STYLES = {"+": "green", "-": "red"}


def _show(to: Console, run: Run) -> None:
    from opskit.fleet import present  # noqa: PLC0415
    from opskit.fleet.fingerprint import proof_line  # noqa: PLC0415

    for heading, diff in present.drift_blocks(run):
        title, *where = heading.splitlines()
        show_heading(to, title)
        for line in where:
            show_text(to, line, "dim")
        for line in diff.splitlines():
            show_text(to, line, _DIFF_STYLES.get(line[2:3], ""))
    to.print()
    show_table(to, _HOSTS, present.host_rows(run))
    to.print()
    show_text(to, present.verdict_line(run), "bold")
    if line := proof_line(run):
        show_text(to, line, "dim")
    if run.problem:
        show_text(to, f"this run cannot be trusted whole: {run.problem}", "magenta")
    show_text(to, present.provenance_line(run), "dim")


def _suite(result: HostResult) -> junit.Suite:
    cases = [
        junit.Case(f"{drift.task} {drift.item}".strip(), "failure", "drifted", _detail(drift))
        for drift in result.drift
    ]
    cases += [
        junit.Case(one.task, "error", f"not evaluated: {one.reason}", one.path)
        for one in result.not_evaluated
    ]
    bad = {drift.task for drift in result.drift} | {one.task for one in result.not_evaluated}
    cases += [junit.Case(task, "passed") for _, task in sorted(result.observed) if task not in bad]
    if result.reason:
        cases.append(junit.Case("host", "error", f"{result.verdict}: {result.reason}"))
    return junit.Suite(result.host, cases)


def _detail(drift: Any) -> str:  # noqa: ANN401  # fleet.model.Drift, loaded only with a run
    from opskit.fleet.present import diff_text  # noqa: PLC0415

    return f"{drift.path}\n{diff_text(drift)}"
