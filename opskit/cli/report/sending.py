"""`opskit report send` and `opskit report schedule`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, period
from opskit.cli.output import Output, note
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.outside.config import Scheduled
    from opskit.records.messages import Delivered

_COMMAND = "report send --month last"
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@command(
    examples=[
        "opskit report send --month last                  to all that opskit.yaml names",
        "opskit report send --month 2026-10 --to cto@example.com",
    ],
    short_help="Send the report of a month that is over.",
)
@click.option("--month", default="last", show_default=True, help="Like 2026-10, or `last`.")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Mail it to this address alone.")
@config_option
def send(month: str, to: tuple[str, ...], config_path: Path | None) -> ExitCode:
    """Send the report of a month by mail, to Slack, a webhook or a directory (report:).

    Everybody gets each version once: sending again sends what is missing. What cannot be delivered
    now stays owed, and opskit serve or opskit outbox deliver tries again.
    """
    app = find_app(config_path)
    asked = period(app, month=month, since=None, until=None, last=None)
    owed = app.sending.send(asked, _addresses(to))
    one = owed.issued
    note(f"version {one.version} of {one.month.name}, id {one.id}")
    note(f"{_counted(owed.new)} owed now, {_counted(owed.before)} owed or done before")
    return _delivered(app.deliver())


def _addresses(to: tuple[str, ...]) -> tuple[str, ...]:
    from opskit.outside.notify.settings import ADDRESS  # noqa: PLC0415

    for one in to:
        if not re.fullmatch(ADDRESS, one):
            raise ConfigError(f"{one!r} is no mail address", hint="write --to name@example.com")
    return to


def _counted(count: int) -> str:
    return plural(count, "delivery", "deliveries")


def _delivered(done: Delivered | None) -> ExitCode:
    if done is None:
        return ExitCode.OK
    note(f"{done.sent} sent, {done.failed} to be tried again, {done.dead} given up")
    for one in done.unusable:
        note(f"nothing can be sent to {one}")
    failed = done.failed or done.dead or done.unusable
    return ExitCode.FAILED if failed else ExitCode.OK


@command(
    examples=[
        "opskit report schedule                  what to add to opskit.yaml",
        "opskit report schedule --day 3 --at 08:30",
        "opskit report schedule --check          is it there? 0 if so, 1 if not",
    ],
    short_help="Show how the report is sent each month by itself.",
)
@click.option("--day", type=click.IntRange(1, 28), default=1, show_default=True, help="Of a month.")
@click.option("--at", default="07:00", show_default=True, help="Time of day, in timezone:.")
@click.option("--check", is_flag=True, help="Only look whether it is scheduled.")
@config_option
def schedule(*, day: int, at: str, check: bool, config_path: Path | None) -> ExitCode:
    """Show the lines of opskit.yaml that send the report each month, quiet months too.

    opskit serve runs what is scheduled. The file stays as it is: it is yours, and so are its
    comments.
    """
    time = _TIME.fullmatch(at)
    if time is None:
        raise ConfigError(f"{at!r} is no time of day", hint="write --at 07:00")
    config = find_app(config_path).config
    found = [one for one in config.settings.schedule if _sends(one)]
    for one in found:
        note(f"scheduled: {one.cron}  opskit {one.command}  ({config.zone.key})")
    if not config.settings.report.sends:
        note("nobody gets it yet: write report: in opskit.yaml; see: opskit schema opskit")
    if check:
        _say_missing(found)
        return ExitCode.OK if found else ExitCode.FINDINGS
    if not found:
        Output("text").emit(_lines(day, int(time[1]), int(time[2])))
    return ExitCode.OK


def _say_missing(found: list[Scheduled]) -> None:
    if not found:
        note("the report is not scheduled; next: opskit report schedule")


def _sends(one: Scheduled) -> bool:
    return one.arguments[:2] == ("report", "send")


def _lines(day: int, hour: int, minute: int) -> str:
    cron = f"{minute} {hour} {day} * *"
    return f'# In opskit.yaml:\nschedule:\n  - cron: "{cron}"\n    command: {_COMMAND}\n'
