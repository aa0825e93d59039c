"""`opskit access request`, `withdraw`, `extend` and `break-glass`: asking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.access.shared import emit_data, length, moment, needed, number, say_grant, strict
from opskit.cli.commands import command, group
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table, show_text, working
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from opskit.access.judgment import Ask, Judgment
    from opskit.access.requesting import Asked
    from opskit.access.workplace import Workplace
    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.core.clock import Instant


@command(
    examples=[
        "opskit access request nginx-operator --for 2h --reason 'new certificate, OPS-412'",
        "opskit access request nginx-operator --on web --for 2h --reason ... --dry-run",
        "opskit access request --need 'systemctl restart nginx' --for 1h --reason ...",
        "opskit access request web-logs --who deploy --for 8h --start 2026-12-01 --reason ...",
    ],
    short_help="Ask for a role, or for what a command needs.",
)
@click.argument("role", required=False)
@click.option("--need", default="", metavar="COMMAND", help="Pick the narrowest role that may.")
@click.option("--on", "targets", multiple=True, metavar="TARGET", help="Default: the role's own.")
@click.option("--for", "duration", required=True, metavar="DURATION", help="For how long, like 2h.")
@click.option(
    "--reason", required=True, help="What it is for; the approver and an auditor read it."
)
@click.option("--ticket", default="", help="The ticket it belongs to.")
@click.option("--who", default="", metavar="NAME", help="Who gets it; default yourself.")
@click.option(
    "--start", default="", metavar="TIME",
    help="When it starts, like 2026-12-01T20:00 in the zone of opskit.yaml; default once approved.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show the check and who approves; ask for nothing.")
@config_option
@output_options("table", "json", "yaml")
def request(  # one parameter per option
    role: str | None,
    need: str,
    targets: tuple[str, ...],
    dry_run: bool,
    config_path: Path | None,
    output: Output,
    **options: str,
) -> ExitCode:
    """Ask for access: it is checked at once, and waits for its approvers, or is refused.

    You are who has the account that runs opskit (under sudo: that called it) in people.yaml. A
    refusal says which rule, whose rule it is, and the way forward. Exit 0: asked for, or given. 5:
    refused.
    """
    from opskit.access import requesting  # noqa: PLC0415
    from opskit.access.judgment import Verdict  # noqa: PLC0415

    app, work = strict(config_path)
    ask = _ask(work, role, need, targets, options)
    if dry_run:
        judgment = requesting.check(work, ask)
        _emit(output, ask, judgment)
        refused = judgment.verdict is Verdict.REFUSED
        if output.for_people and not refused:
            note("nothing was asked for; without --dry-run it would be")
        return ExitCode.REFUSED if refused else ExitCode.OK
    asked = requesting.request(work, ask)
    return _follow(app, work, asked, output)


def _ask(
    work: Workplace,
    role: str | None,
    need: str,
    targets: tuple[str, ...],
    options: dict[str, str],
) -> Ask:
    from opskit.access import requesting  # noqa: PLC0415
    from opskit.access.judgment import Ask as _Ask  # noqa: PLC0415

    person = work.person()
    if role is None:
        if not need.strip():
            raise ConfigError("name a role, or say what you need", hint="--need 'COMMAND'")
        role = requesting.narrowest(work, options["who"] or person, need, targets)
    known = work.registry.role(role)
    return _Ask(
        requester=person,
        beneficiary=options["who"] or person,
        role=role,
        targets=targets or (known.targets if known else ()),
        duration=length(options["duration"]),
        reason=options["reason"],
        ticket=options["ticket"],
        starts_at=_start(work, options["start"]),
        need=need,
    )


def _start(work: Workplace, text: str) -> Instant | None:
    from opskit.core.clock import parse_instant  # noqa: PLC0415

    if not text:
        return None
    try:
        return parse_instant(text, work.zone)
    except ValueError as error:
        raise ConfigError(f"--start: {error}", hint="2026-12-01T20:00") from error


def _follow(app: App, work: Workplace, asked: Asked, output: Output) -> ExitCode:
    """Show a request that was made, and start what needs nobody."""
    from opskit.access.settling import start_now  # noqa: PLC0415

    code, grant = ExitCode.OK, asked.grant
    if grant is not None:
        with working(f"putting {grant.name} on {', '.join(grant.targets)}"):
            done = start_now(work, grant)
        grant = next((one for one in done.moved if one.id == grant.id), grant)
        code = ExitCode.FAILED if grant.state.value in {"partial", "failed"} else code
    deliver(app)
    _emit(output, asked.request.ask, asked.judgment, asked)
    if not output.for_people:
        return code
    if grant is not None:
        say_grant(work, grant)
    else:
        name = asked.request.name
        note(f"{name} waits until {moment(work, asked.request.lapses_at)}")
        how = " --sign-with ~/.ssh/id_ed25519" if asked.judgment.signed else ""
        note(f"next: one of the approvers: opskit access approve {name}{how}")
    return code


def _emit(output: Output, ask: Ask, judgment: Judgment, asked: Asked | None = None) -> None:
    if not output.for_people:
        data: dict[str, Any] = {"ask": ask.as_json(), "check": judgment.as_json()}
        if asked is not None:
            data |= {
                "request": asked.request.name,
                "state": asked.request.state.value,
                "lapses_at": asked.request.lapses_at,
                "grant": asked.grant.name if asked.grant else None,
            }
        emit_data(output, data)
        return
    output.emit_printed(lambda to: _show(to, ask, judgment))


def _show(to: Console, ask: Ask, judgment: Judgment) -> None:
    if judgment.refusals:
        columns = (Column("refused by"), Column("why", fold=True), Column("way", fold=True))
        rows = [(one.rule, one.message, one.way) for one in judgment.refusals]
        show_table(to, columns, rows)
        return
    show_text(to, f"{ask.role} {judgment.blast}")
    signed = " (signed)" if judgment.signed else ""
    for one in judgment.groups:
        show_text(to, f"needs {needed(one.among, one.at_least, one.eligible)}{signed}")
    if not judgment.groups:
        show_text(to, f"nobody is asked: {', '.join(judgment.rules)} in access/policy.yaml")
    if judgment.findings:
        show_table(to, _FOUND, _found(judgment))


_FOUND = (
    Column("severity"),
    Column("rule"),
    Column("what", fold=True),
    Column("instead", fold=True, spare=True),
)


def _found(judgment: Judgment) -> Iterator[tuple[str, str, str, str]]:
    for one in judgment.findings:
        yield one.severity.value, one.rule, one.message, one.fix


@command(
    examples=["opskit access withdraw r12"],
    short_help="Take a request back.",
)
@click.argument("name", metavar="REQUEST")
@config_option
def withdraw(name: str, config_path: Path | None) -> ExitCode:
    """Take back a request of yours that nobody has decided on yet."""
    from opskit.access import requesting  # noqa: PLC0415

    _, work = strict(config_path)
    one = requesting.withdraw(work, number(name, "r"))
    note(f"{one.name} is withdrawn")
    return ExitCode.OK


@command(
    examples=["opskit access extend g7 --for 2h --reason 'the copy is not done'"],
    short_help="Ask for more time with a grant.",
)
@click.argument("name", metavar="GRANT")
@click.option(
    "--for", "duration", required=True, metavar="DURATION", help="For how long from now, like 2h."
)
@click.option("--reason", required=True, help="Why; the approver and an auditor read it.")
@config_option
@output_options("table", "json", "yaml")
def extend(
    name: str, duration: str, reason: str, config_path: Path | None, output: Output
) -> ExitCode:
    """Ask for more time with a grant, counted from now: a request like the first one.

    Nothing is interrupted: once it is approved the later end is planted on the targets.
    """
    from opskit.access import requesting  # noqa: PLC0415

    app, work = strict(config_path)
    asked = requesting.extend(work, number(name, "g"), length(duration), reason)
    return _follow(app, work, asked, output)


@group(
    short_help="Access at once, reviewed afterwards.",
    examples=[
        "opskit access break-glass open web-admin --for 30m --reason 'shop down, nobody answers'",
        "opskit access break-glass review g9 --says 'two restarts, as told'",
    ],
)
def break_glass() -> None:
    """Access at once, without approval, told to everybody, and reviewed afterwards."""


@break_glass.command(
    name="open",
    short_help="Take access now.",
    examples=[
        "opskit access break-glass open web-admin --for 30m --reason 'shop down, nobody answers'"
    ],
)
@click.argument("role")
@click.option("--on", "targets", multiple=True, metavar="TARGET", help="Default: the role's own.")
@click.option(
    "--for", "duration", required=True, metavar="DURATION", help="For how long, like 30m."
)
@click.option("--reason", required=True, help="What happened; everybody who is told reads it.")
@click.option("--ticket", default="", help="The ticket it belongs to.")
@config_option
@output_options("table", "json", "yaml")
def open_(
    role: str,
    targets: tuple[str, ...],
    config_path: Path | None,
    output: Output,
    **options: str,
) -> ExitCode:
    """Take access now. Every channel is told at once, and somebody else has to review it.

    Until an overdue review is done the glass cannot be broken by the same person again.
    """
    from dataclasses import replace  # noqa: PLC0415

    from opskit.access import requesting  # noqa: PLC0415

    app, work = strict(config_path)
    own = {**options, "who": "", "start": ""}
    ask = replace(_ask(work, role, "", targets, own), break_glass=True)
    code = _follow(app, work, requesting.request(work, ask), output)
    note("this is told to everybody, and has to be reviewed: opskit access list --reviews")
    return code


@break_glass.command(
    short_help="Sign off what was done.",
    examples=["opskit access break-glass review g9 --says 'two restarts, as told'"],
)
@click.argument("name", metavar="GRANT")
@click.option("--says", required=True, help="What you found.")
@config_option
def review(name: str, says: str, config_path: Path | None) -> ExitCode:
    """Sign off what somebody did with an emergency's access, after looking at it."""
    from opskit.access.ending import review_emergency  # noqa: PLC0415

    _, work = strict(config_path)
    grant = review_emergency(work, number(name, "g"), says)
    note(f"{grant.name} is reviewed by {grant.reviewed_by}")
    return ExitCode.OK
