"""`opskit import sudo` and `opskit import sshd`: the use of access that logs of hosts tell of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import Examples
from opskit.cli.importing.files import bounds_of, show, zone_of
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Output
from opskit.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opskit.app import App
    from opskit.history.model import Read

_EXAMPLES = {
    "sudo": (
        "opskit import sudo auth.log.2.gz auth.log.1 auth.log --dry-run   of one host, together",
        "opskit import sudo sudo.log --host web1 --zone Europe/Berlin",
        "opskit import sudo journal.json --from 2026-01-01 --to 2026-07-01",
    ),
    "sshd": (
        "opskit import sshd auth.log.2.gz auth.log.1 auth.log --dry-run   of one host, together",
        "opskit import sshd old.log --host web1 --from 2024-01-01 --to 2024-07-01",
    ),
}
_MORE = """

    FILEs are logs of one host: syslog (auth.log, also .gz), sudo's own log or JSON, or
    `journalctl -o json`. Files that follow on each other by rotation are given together.
    Counted are uses by day and team; no name of a person, account or command is kept.
    Stamps without a year are of the last one before --to, or now."""

_OPTIONS = (
    click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option("--host", default="", help="Whose logs they are, where they do not say."),
    click.option("--dry-run", is_flag=True, help="Show what it would bring, and change nothing."),
    click.option("--zone", default="", help="Zone of times that have none, like Europe/Berlin."),
    click.option("--from", "since", default="", help="The logs hold all from then ..."),
    click.option("--to", "until", default="", help="... up to then; else from first to last line."),
    output_options("table", "json"),
    config_option,
)


def _command(program: str, says: str) -> click.Command:
    function: Callable[..., Any] = partial(_run, program)
    function.__name__, function.__doc__ = program, says
    for option in reversed(_OPTIONS):
        function = option(function)
    make = click.command(
        program, cls=Examples, examples=_EXAMPLES[program], short_help=says, help=says + _MORE
    )
    return make(function)


def _run(
    program: str, files: tuple[Path, ...], *, dry_run: bool, output: Output,
    config_path: Path | None, **given: Any,
) -> ExitCode:  # fmt: skip
    app = find_app(config_path)
    read = _read(app, program, files, given)
    trial = dry_run or not read.rows
    counts = app.imports.compare(read) if trial else app.imports.keep(read).counts
    show(app, [(read, counts)], output, dry_run=dry_run)
    return ExitCode.OK if read.rows else ExitCode.REFUSED


def _read(app: App, program: str, files: tuple[Path, ...], given: Mapping[str, Any]) -> Read:
    from opskit.access.logfiles import read_files  # noqa: PLC0415
    from opskit.access.loglines import Stamps  # noqa: PLC0415
    from opskit.importing import logged  # noqa: PLC0415

    now, host = app.clock.now(), given["host"]
    within = bounds_of(app, given["since"], given["until"])
    latest = now if within.end is None else min(now, within.end)
    found = read_files(files, host, Stamps(latest, zone_of(given["zone"]) or app.config.zone))
    accounts = app.accounts(host or next(iter(found.hosts), ""))
    return logged(program, files, found, accounts, within, app.config.zone)


sudo = _command("sudo", "Commands run through sudo, counted by day and team.")
sshd = _command("sshd", "Logins by SSH, counted by day and team.")
