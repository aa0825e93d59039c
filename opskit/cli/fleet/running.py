"""What the commands that run Ansible share: options, progress, and how a run is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.options import config_option, find_app
from opskit.cli.output import Column, Output, Progress, note, show_heading, show_table, show_text
from opskit.core.errors import ConfigError
from opskit.core.transcript import Strategy

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.fleet.model import Run
    from opskit.fleet.workplace import Request

FORMS = ("table", "json", "yaml", "junit", "sarif", "md", "github")


def run_options(function: Any) -> Any:  # noqa: ANN401  # a decorator for any command
    """Add what says which standard meets which hosts."""
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


def prepare(options: Mapping[str, Any]) -> tuple[App, Request]:
    """Return opskit here, and the run that the options ask for."""
    from pathlib import Path as _Path  # noqa: PLC0415

    here = _Path.cwd()
    strategy = options.get("strategy")
    playbook = str(here / options["playbook"]) if options["playbook"] else ""
    app = find_app(
        options["config_path"],
        standard=playbook,
        inventory=tuple(str(here / source) for source in options["inventory"]),
        forks=options["forks"],
        check_strategy=Strategy(strategy) if strategy else None,
    )
    variables = dict(_variable(text) for text in options["variables"])
    return app, app.request(limit=options["limit"], tags=options["tags"], variables=variables)


def same_options(options: Mapping[str, Any]) -> str:
    """Return the options of a run for another command, ready to paste; no value of a variable."""
    import shlex  # noqa: PLC0415

    several = [("-p", options["playbook"])] if options["playbook"] else []
    several += [("-i", source) for source in options["inventory"]]
    several += [("-l", options["limit"])] if options["limit"] else []
    several += [("-t", tag) for tag in options["tags"]]
    several += [("--var", f"{_variable(text)[0]}=...") for text in options["variables"]]
    several += [("--config", options["config_path"])] if options["config_path"] else []
    return "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in several)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ConfigError(f"{text!r} is no variable", hint="--var NAME=VALUE")
    return name, value


def look(app: App, request: Request, *, full: bool = False) -> Run:
    """Check, with progress; `full` trusts no fingerprint."""
    from opskit.fleet.check import check  # noqa: PLC0415

    with Progress("checking").shown() as progress:
        return check(app.workplace, request, listener(progress), full=full)


def listener(progress: Progress) -> Callable[[Mapping[str, Any]], None]:
    """Return what counts the records of a run."""
    tasks: set[str] = set()

    def listen(record: Mapping[str, Any]) -> None:
        if record["k"] == "play":
            progress.expect(len(record["hosts"]) * len(record["tasks"]))
        elif record["k"] == "task" and not record["handler"]:
            tasks.add(record["uuid"])
        elif record["k"] == "result" and "item" not in record and record["uuid"] in tasks:
            progress.step()

    return listen


def note_none(rows: Sequence[object], message: str) -> None:
    """Say what an empty table means."""
    if not rows:
        note(message)


def emit(run: Run, output: Output, **more: object) -> None:
    """Write a run in the form asked for; `more` goes into the data."""
    from opskit.cli.fleet import forms  # noqa: PLC0415
    from opskit.fleet import present  # noqa: PLC0415

    texts = {
        "junit": forms.as_junit,
        "sarif": forms.as_sarif,
        "md": forms.as_markdown,
        "github": forms.as_annotations,
    }
    if output.for_people:
        output.emit_printed(lambda to: show_run(to, run))
    elif output.format in texts:
        output.emit(texts[output.format](run))
    else:
        output.emit_data({**present.as_json(run), **more})


_HOSTS = (
    Column("host", fold=True),
    Column("verdict"),
    Column("drift", right=True),
    Column("reason", fold=True),
)
_DIFF_STYLES = {"+": "green", "-": "red"}


def show_run(to: Console, run: Run) -> None:
    """Print a run: deviations, hosts, the verdict and what it depends on."""
    from opskit.fleet import present  # noqa: PLC0415
    from opskit.fleet.fingerprint import proof_lines  # noqa: PLC0415

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
    for line in (*proof_lines(run), *present.summary_lines(run)):
        show_text(to, line)
    if run.problem:
        show_text(to, f"this run cannot be trusted whole: {run.problem}", "magenta")
    show_text(to, present.provenance_line(run), "dim")
