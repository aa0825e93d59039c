"""`opskit access may`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.access.linting import check_sudo_version
from opskit.cli.commands import command
from opskit.cli.options import output_options
from opskit.cli.output import Output, note, show_text
from opskit.core.errors import ExitCode

if TYPE_CHECKING:
    from opskit.access.asking import Asked
    from opskit.access.sudoers.dialect import Dialect
    from opskit.cli.output import Console


@command(
    short_help="Whether sudo lets somebody run a command, and why.",
    examples=[
        "opskit access may alice systemctl restart nginx",
        "opskit access may alice /usr/bin/less /var/log/syslog --tree copied/web1",
        "opskit access may alice /usr/bin/id --as postgres --host db1",
    ],
)
@click.argument("user")
@click.argument("command_line", metavar="COMMAND...", nargs=-1, required=True)
@click.option(
    "--as", "run_as", default="", metavar="USER[:GROUP]", help="As whom, like sudo -u and -g."
)
@click.option(
    "--tree",
    type=click.Path(path_type=Path),
    default=Path("/"),
    show_default="this machine's own files",
    help="A host's root, copied somewhere.",
)
@click.option("--host", default="", help="The host's name, if not what its etc/hostname says.")
@click.option(
    "--sudo-version",
    default="",
    metavar="VERSION|sudo-rs",
    help="Read sudoers as this sudo does; else as the newest.",
)
@output_options("table", "json", "yaml")
def may(user: str, command_line: tuple[str, ...], output: Output, **options: Any) -> ExitCode:
    """Tell whether sudo lets USER run COMMAND, with or without a password, and by which line.

    Options of the command itself stand behind `--`. Exit 0: allowed. 1: denied. 3: the files that
    would say are not there, or there is no such account.
    """
    from opskit.access.asking import Wish, asked  # noqa: PLC0415
    from opskit.cli.access.forms import cleaned  # noqa: PLC0415
    from opskit.core.clock import SystemClock  # noqa: PLC0415

    wish = Wish(user, command_line, options["run_as"], options["host"])
    dialect = _dialect(options["sudo_version"])
    told = asked(options["tree"], wish, dialect, SystemClock().now())
    if output.for_people:
        output.emit_printed(lambda to: _show(to, told))
    else:
        output.emit_data(cleaned(told.as_json()))
    if told.exit_code is ExitCode.UNDETERMINED:
        note("next: give a copy with etc/sudoers, sudoers.d, passwd and group: --tree PATH")
    return told.exit_code


def _dialect(version: str) -> Dialect:
    from opskit.access.sudoers.dialect import NEWEST, dialect_of  # noqa: PLC0415

    check_sudo_version(version)
    return dialect_of(version) if version else NEWEST


def _show(to: Console, told: Asked) -> None:
    answer = told.answer
    words = "cannot say" if told.exit_code is ExitCode.UNDETERMINED else answer.outcome.value
    as_whom = f" as {told.wish.run_as}" if told.wish.run_as else ""
    show_text(to, f"{words}: {told.wish.user} on {told.host}{as_whom}: {answer.command}")
    show_text(to, f"  why: {answer.reason}")
    if told.path:
        show_text(to, f"  path: {' > '.join(told.path)}")
    if answer.decided_by is not None:
        line = answer.decided_by
        show_text(to, f"  {line.file}:{line.number}: {line.raw.strip()}")
    for one in told.troubles:
        show_text(to, f"  not read: {one.path}: {one.reason}")
