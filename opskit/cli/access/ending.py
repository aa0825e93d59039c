"""`opskit access return`, `revoke` and `settle`: ending, and doing what is due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import OWING, confirm, ended, lenient, number, say_grant
from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option
from opskit.cli.output import note, working
from opskit.core.errors import ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.access.workplace import Workplace


@command(
    name="return",
    examples=["opskit access return g7"],
    short_help="Hand a grant back before its end.",
)
@click.argument("name", metavar="GRANT")
@config_option
def return_(name: str, config_path: Path | None) -> ExitCode:
    """Hand a grant of yours back before its end; your sessions that need it are ended."""
    from opskit.access.ending import give_back  # noqa: PLC0415

    app, work = lenient(config_path)
    with working(f"taking {name} away"):
        done = give_back(work, number(name, "g"))
    deliver(app)
    return ended(work, done, (name,))


@command(
    examples=["opskit access revoke g7 --reason 'left the team'"],
    short_help="End grants now.",
)
@click.argument("names", metavar="GRANT...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; an auditor reads it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@config_option
def revoke(names: tuple[str, ...], reason: str, yes: bool, config_path: Path | None) -> ExitCode:
    """End grants now: credentials are cut, sessions ended, and each target is looked at again.

    Exit 0: seen gone everywhere. 3: a target could not be reached; that stays owed, is tried again
    first thing, and is told of when it takes too long.
    """
    from opskit.access import ending  # noqa: PLC0415

    app, work = lenient(config_path)
    numbers = tuple(dict.fromkeys(number(name, "g") for name in names))
    confirm(f"Revoke {', '.join(names)} and end the sessions that need them?", yes=yes)
    with working(f"taking {', '.join(names)} away"):
        done = ending.revoke(work, numbers, reason)
    deliver(app)
    return ended(work, done, names)


@command(
    examples=[
        "opskit access settle             from cron, where opskit serve does not run",
    ],
    short_help="Start, end and try again what is due.",
)
@config_option
def settle(config_path: Path | None) -> ExitCode:
    """Start grants whose time has come, end those whose time is over, try again what failed.

    `opskit serve` does this by itself. What failed is tried again after 30 s, then each time later,
    at most 15 min. Exit 0: nothing is owed. 3: something still is. 4: something
    was to be put on a target and could not.
    """
    from opskit.access.due import go  # noqa: PLC0415

    app, work = lenient(config_path)
    with working("seeing to what is due"):
        done = go(work)
    deliver(app)
    if done.moved or done.busy:
        note(plural(len(done.moved), "grant"))
        return ended(work, done, tuple(grant.name for grant in done.moved))
    note("nothing is due")
    return _owed(work)


def _owed(work: Workplace) -> ExitCode:
    """Tell of what was tried before and waits for its next try."""
    from opskit.access.past import open_grants  # noqa: PLC0415

    owed = [one.grant for one in open_grants(work) if one.grant.state.value in OWING]
    for grant in owed:
        say_grant(work, grant)
    return ExitCode.UNDETERMINED if owed else ExitCode.OK
