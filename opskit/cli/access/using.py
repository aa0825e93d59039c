"""`opskit access usage` and `rightsize`: what grants are used for, and roles that shrink to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import lenient, moment, strict
from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_heading, show_table, show_text
from opskit.core.errors import ConfigError, ExitCode, worst

if TYPE_CHECKING:
    from opskit.access.logfiles import Read
    from opskit.access.rightsizing import Right, Sized
    from opskit.access.shrinking import Shrunk
    from opskit.access.usage import Recorded
    from opskit.access.workplace import Workplace
    from opskit.cli.output import Console
    from opskit.core.clock import Duration


@command(
    short_help="Read from logs what grants are used for.",
    examples=[
        "opskit access usage --from-journal                 on every Linux target",
        "opskit access usage --from-journal --host web1",
        "opskit access usage auth.log.1 auth.log --host web1   logs collected elsewhere",
    ],
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--from-journal", is_flag=True, help="Ask the hosts; else give FILEs.")
@click.option("--host", "hosts", multiple=True, help="Whose logs; default with --from-journal all.")
@config_option
@output_options("table", "json", "yaml")
def usage(
    files: tuple[Path, ...],
    hosts: tuple[str, ...],
    from_journal: bool,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Join what sshd and sudo logged to grants, and write down for which times that is known.

    FILEs are syslog files (auth.log, also .gz), sudo's own log, its JSON, or `journalctl -o json`.
    Hosts are asked for what they wrote since they were last read. A time whose logs are missing,
    or do not show that both programs write there, counts as not covered: no data is not unused.
    Exit 0: all was read whole. 3: not all.
    """
    from opskit.access import usage as using  # noqa: PLC0415

    if from_journal == bool(files):
        raise ConfigError(
            "say where from: --from-journal, or log files", hint="auth.log --host web1"
        )
    if files and len(hosts) != 1:
        raise ConfigError("say which host the files are of", hint="--host web1")
    app, work = lenient(config_path)
    read = (
        using.read_hosts(work, hosts or using.hosts_of(work))
        if from_journal
        else (_of_files(work, files, hosts[0]),)
    )
    done = using.record(work, read)
    deliver(app)
    if output.for_people:
        output.emit_printed(lambda to: _show_recorded(to, work, done))
    else:
        output.emit_data({"places": [one.as_json() for one in done]})
    return worst([ExitCode.OK if one.interval else ExitCode.UNDETERMINED for one in done])


def _of_files(work: Workplace, files: Sequence[Path], host: str) -> Read:
    from opskit.access.logfiles import read_files  # noqa: PLC0415
    from opskit.access.loglines import Stamps  # noqa: PLC0415

    return read_files(files, host, Stamps(work.now(), work.zone))


_READ = (
    Column("host"),
    Column("logins", right=True),
    Column("commands", right=True),
    Column("denied", right=True),
    Column("by no grant", right=True),
    Column("grants used", fold=True),
    Column("covered", fold=True),
)


def _show_recorded(to: Console, work: Workplace, done: Sequence[Recorded]) -> None:
    show_table(to, _READ, [
        (
            one.place, str(one.logins), str(one.commands), str(one.denied), str(one.by_no_grant),
            ", ".join(one.grants) or "none", _covered(work, one),
        )
        for one in done
    ])  # fmt: skip


def _covered(work: Workplace, one: Recorded) -> str:
    if one.interval is None:
        return f"no: {one.why}"
    holes = f", {one.unclear} lines unclear" if one.unclear else ""
    return f"{moment(work, one.interval.start)} to {moment(work, one.interval.end)}{holes}"


@command(
    short_help="What roles give beside what was used of it.",
    examples=[
        "opskit access rightsize                             every role, the last 90 days",
        "opskit access rightsize nginx-operator --days 30",
        "opskit access rightsize -o patch | git apply        take out what was not used",
    ],
)
@click.argument("roles", nargs=-1, metavar="[ROLE]...")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How far back."
)
@config_option
@output_options("table", "json", "yaml", "patch")
def rightsize(
    roles: tuple[str, ...], days: int, config_path: Path | None, output: Output
) -> ExitCode:
    """Show for each right of a role whether it was used, was not, or nobody can tell.

    Unused is only said where the logs of all hosts were read for the whole time: opskit access
    usage. `-o patch` prints a diff of the roles file without what is unused, and with the exact
    commands where any arguments are allowed and few were used. It was read again: it means
    exactly that. Exit 0: nothing is unused. 1: something is. 3: of nothing could be told.
    """
    from opskit.access import rightsizing  # noqa: PLC0415
    from opskit.core.clock import DAY, Duration  # noqa: PLC0415

    app, work = strict(config_path)
    span: Duration = Duration(days * DAY)
    sized = rightsizing.rightsize(work, roles, span)
    if output.format == "patch":
        settings = app.config.settings
        return _patch(work, sized, app.config.path(settings.roles), settings.roles, output)
    if output.for_people:
        output.emit_printed(lambda to: _show_sized(to, work, sized))
        note("next: opskit access rightsize -o patch   shows what could be taken out")
    else:
        output.emit_data({"days": days, "roles": [one.as_json() for one in sized]})
    return _code(sized)


def _code(sized: Sequence[Sized]) -> ExitCode:
    verdicts = {right.verdict.value for one in sized for right in one.rights}
    if "unused" in verdicts:
        return ExitCode.FINDINGS
    return ExitCode.UNDETERMINED if verdicts == {"cannot tell"} else ExitCode.OK


def _patch(
    work: Workplace, sized: Sequence[Sized], path: Path, name: str, output: Output
) -> ExitCode:
    from opskit.access.rightsizing import changes  # noqa: PLC0415
    from opskit.access.shrinking import shrunk  # noqa: PLC0415

    roles = work.registry.roles.roles
    wanted = {one.role: new for one in sized if (new := changes(one, roles[one.role]))}
    found = shrunk(path, name, wanted)
    if found.diff:
        output.emit(found.diff.removesuffix("\n"))
    _tell_worth(found, sized)
    return ExitCode.FINDINGS if wanted else _code(sized)


def _tell_worth(found: Shrunk, sized: Sequence[Sized]) -> None:
    for role, why in found.left:
        note(f"{role} is left as it is: {why}")
    hours = sum(one.removable_hours for one in sized if one.role in found.changed)
    if found.changed:
        note(
            f"{', '.join(found.changed)}: {hours:,.0f} hours of standing privilege in that time "
            "were for commands nobody ran (hours in force, times hosts, times commands)"
        )
    else:
        note("nothing can be taken out: of nothing it is known that it is not used")


_SIZED = (
    Column("kind"),
    Column("what", fold=True),
    Column("verdict"),
    Column("times", right=True),
    Column("last"),
    Column("why", fold=True, spare=True),
)


def _show_sized(to: Console, work: Workplace, sized: Sequence[Sized]) -> None:
    for one in sized:
        share = "no grant on hosts" if one.coverage is None else f"logs cover {_percent(one)}"
        show_heading(to, f"{one.role}: {one.grants} grants, {one.standing_hours:,.1f} h, {share}")
        show_table(to, _SIZED, _rows(work, one))
        for found in one.findings:
            show_text(to, f"{found.severity.value} {found.rule}: {found.message}; {found.fix}")


def _percent(one: Sized) -> str:
    from fractions import Fraction  # noqa: PLC0415

    from opskit.core.interval import percent  # noqa: PLC0415

    return percent(Fraction(one.coverage or 0), 1)


def _rows(work: Workplace, one: Sized) -> Iterator[tuple[str, ...]]:
    for right in one.rights:
        yield (
            right.kind, right.what, right.verdict.value, str(right.times or ""),
            moment(work, right.last_at), _why(right),
        )  # fmt: skip


def _why(right: Right) -> str:
    words = [right.why] if right.why else []
    if right.blind:
        words.append(f"not covered: {', '.join(right.blind)}")
    if right.narrower:
        words.append(f"could be: {', '.join(right.narrower)}")
    return "; ".join(words)
