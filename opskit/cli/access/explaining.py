"""`opskit access explain`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import emit_data, length, needed, strict
from opskit.cli.commands import command
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_heading, show_table, show_text
from opskit.core.errors import ExitCode

if TYPE_CHECKING:
    from opskit.access.approvers import Seats
    from opskit.access.explaining import Explained, Offer
    from opskit.cli.output import Console


@command(
    short_help="What somebody may ask for, and why.",
    examples=[
        "opskit access explain                                  what you may ask for",
        "opskit access explain --who deploy",
        "opskit access explain web-admin --on web --for 2h      how that request would go",
    ],
)
@click.argument("role", required=False)
@click.option("--who", default="", metavar="NAME", help="Whose access; default yourself.")
@click.option("--on", "targets", multiple=True, metavar="TARGET", help="Default: the role's own.")
@click.option(
    "--for", "duration", default="", metavar="DURATION",
    help="For how long, like 2h; default as long as is allowed.",
)  # fmt: skip
@config_option
@output_options("table", "json", "yaml")
def explain(
    role: str | None,
    who: str,
    targets: tuple[str, ...],
    duration: str,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Show what somebody may ask for, or step by step what the rules say of one role.

    Nothing is asked for and nothing is written. Exit 0. 5: the request would be refused.
    """
    from opskit.access import explaining  # noqa: PLC0415

    _, work = strict(config_path)
    name = who or work.person()
    if role is None:
        found = explaining.offers(work, name)
        if output.for_people:
            output.emit_printed(lambda to: _show_offers(to, name, found))
            note("next: opskit access explain ROLE   says what decides, and how it ends")
        else:
            emit_data(output, {"who": name, "offers": [one.as_json() for one in found]})
        return ExitCode.OK
    told = explaining.explain(work, name, role, targets, length(duration) if duration else None)
    if output.for_people:
        output.emit_printed(lambda to: _show(to, told))
    else:
        emit_data(output, told.as_json())
    return ExitCode.REFUSED if told.is_refused else ExitCode.OK


_OFFERS = (
    Column("role"),
    Column("risk"),
    Column("on", fold=True),
    Column("at most"),
    Column("gives, and who approves", fold=True),
)


def _show_offers(to: Console, who: str, found: Sequence[Offer]) -> None:
    from opskit.core.clock import format_duration  # noqa: PLC0415

    if not found:
        show_text(to, f"no rule lets {who} ask for anything")
        return
    show_table(to, _OFFERS, [
        (
            one.role, one.risk, ", ".join(one.targets), format_duration(one.at_most),
            f"{_gives(one)}\n{_approved_by(one.approval)}",
        )
        for one in found
    ])  # fmt: skip


def _approved_by(groups: Sequence[Seats]) -> str:
    said = [needed(one.among, one.at_least, one.eligible) for one in groups]
    return "  needs " + " and ".join(said) if said else "  nobody is asked"


def _gives(one: Offer) -> str:
    ways = f"; as good as root through {', '.join(one.root_through)}" if one.root_through else ""
    return f"{'; '.join(one.gives)}{ways}"


_STEPS = (
    Column("target"),
    Column("rule"),
    Column("says", fold=True),
    Column("decides"),
    Column("why", fold=True),
)


def _show(to: Console, told: Explained) -> None:
    show_text(to, f"{told.judgment.verdict.value}: {told.ask.role} {told.blast}", style="bold")
    show_heading(to, "what the rules say")
    show_table(to, _STEPS, [
        (one.target, one.rule or "none", one.says, "yes" if one.decides else "", one.why)
        for one in told.steps
    ])  # fmt: skip
    _show_refusals(to, told)
    if told.judgment.groups or told.barred:
        show_heading(to, "who approves")
        for group in told.judgment.groups:
            show_text(to, needed(group.among, group.at_least, group.eligible))
        for name, why in told.barred:
            show_text(to, f"not {name}: {why}")
        if told.judgment.signed:
            show_text(to, "each approval has to be signed")
    if told.judgment.findings:
        show_heading(to, "what approvers are told")
        for one in told.judgment.findings:
            show_text(to, f"{one.severity.value} {one.rule}: {one.message}")
    show_heading(to, "how it ends by itself")
    for target, words in told.enforced:
        show_text(to, f"{target}: {words}")


def _show_refusals(to: Console, told: Explained) -> None:
    for one in told.judgment.refusals:
        show_text(to, f"refused by {one.rule}: {one.message}; {one.way}")
