"""`opskit access review`: campaigns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import emit_data, ended, lenient, moment, number, strict
from opskit.cli.commands import group
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table, show_text, working
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.access.reviews import CampaignSeen
    from opskit.access.store.reviews import Item
    from opskit.access.workplace import Workplace
    from opskit.cli.output import Console

_NAME = re.compile(r"v([0-9]{1,12})")


@group(
    short_help="Look at all access again.",
    examples=[
        "opskit access review open",
        "opskit access review show v1",
        "opskit access review decide v1 g7 --keep --reason 'still on call'",
        "opskit access review close v1",
    ],
)
def review() -> None:
    """Look at all access again: what is low in risk, unchanged and used keeps itself.

    Humans are asked about the rest. What nobody answers for in time is suspended, then revoked.
    """


@review.command(
    name="open",
    short_help="Open a campaign over everything in force.",
    examples=["opskit access review open"],
)
@config_option
@output_options("table", "json", "yaml")
def open_(config_path: Path | None, output: Output) -> ExitCode:
    """Open a campaign over everything in force."""
    from opskit.access import reviews  # noqa: PLC0415

    app, work = strict(config_path)
    found = reviews.open_(work)
    deliver(app)
    _emit(output, work, found)
    return ExitCode.OK


@review.command(
    short_help="A campaign, and what was said.",
    examples=["opskit access review show v1", "opskit access review show v1 --json"],
)
@click.argument("name", metavar="REVIEW")
@config_option
@output_options("table", "json", "yaml")
def show(name: str, config_path: Path | None, output: Output) -> ExitCode:
    """Show what a campaign asks about, why, and what was said. Exit 1: something is unanswered."""
    from opskit.access import reviews  # noqa: PLC0415

    _, work = lenient(config_path)
    found = reviews.seen(work, _number(name))
    _emit(output, work, found)
    return ExitCode.FINDINGS if found.unanswered else ExitCode.OK


@review.command(
    name="list",
    short_help="All campaigns.",
    examples=["opskit access review list"],
)
@config_option
@output_options("table", "json", "yaml")
def list_(config_path: Path | None, output: Output) -> ExitCode:
    """Show every campaign there was."""
    from opskit.access import reviews  # noqa: PLC0415

    _, work = lenient(config_path)
    found = reviews.all_campaigns(work)
    if not output.for_people:
        emit_data(output, {"reviews": [_data(one) for one in found]})
        return ExitCode.OK
    if not found:
        note("no reviews yet")
        note("next: opskit access review open")
        return ExitCode.OK
    rows = [
        (
            one.campaign.name, moment(work, one.campaign.opened_at), one.campaign.opened_by,
            moment(work, one.campaign.due_at), moment(work, one.campaign.closed_at),
            str(len(one.items)), str(len(one.unanswered)), ", ".join(one.stamps),
        )
        for one in found
    ]  # fmt: skip
    output.emit_printed(lambda to: show_table(to, _CAMPAIGNS, rows))
    return ExitCode.OK


_CAMPAIGNS = (
    Column("review"),
    Column("opened"),
    Column("by"),
    Column("due"),
    Column("closed"),
    Column("grants", right=True),
    Column("unanswered", right=True),
    Column("did not look", fold=True),
)


@review.command(
    short_help="Keep or revoke a grant.",
    examples=[
        "opskit access review decide v1 g7 --keep --reason 'still on call'",
        "opskit access review decide v1 g8 --revoke --reason 'the project is over'",
    ],
)
@click.argument("name", metavar="REVIEW")
@click.argument("grant")
@click.option("--keep", "answer", flag_value="keep", help="It is still needed.")
@click.option("--revoke", "answer", flag_value="revoke", help="It is not; it ends now.")
@click.option("--reason", default="", help="Why; an auditor reads it.")
@config_option
def decide(
    name: str, grant: str, answer: str | None, reason: str, config_path: Path | None
) -> ExitCode:
    """Say whether a grant is still needed."""
    from opskit.access import reviews  # noqa: PLC0415

    app, work = strict(config_path)
    if answer is None:
        raise ConfigError("say --keep or --revoke", hint="opskit access review decide --help")
    said: reviews.Answer = "keep" if answer == "keep" else "revoke"
    with working(f"{'keeping' if said == 'keep' else 'taking away'} {grant}"):
        done = reviews.decide(work, _number(name), number(grant, "g"), said, reason)
    note(f"{grant} is {'kept' if said == 'keep' else 'revoked'}")
    deliver(app)
    return ended(work, done, (grant,)) if said == "revoke" else ExitCode.OK


@review.command(
    short_help="End a campaign that everything is said of.",
    examples=["opskit access review close v1"],
)
@click.argument("name", metavar="REVIEW")
@config_option
@output_options("table", "json", "yaml")
def close(name: str, config_path: Path | None, output: Output) -> ExitCode:
    """End a campaign. Exit 1: somebody kept everything without looking."""
    from opskit.access import reviews  # noqa: PLC0415

    _, work = strict(config_path)
    found = reviews.close(work, _number(name))
    _emit(output, work, found)
    return ExitCode.FINDINGS if found.stamps else ExitCode.OK


def _number(text: str) -> int:
    found = _NAME.fullmatch(text)
    if found is None:
        raise ConfigError(f"{text!r} is no review", hint="write v1; opskit access review list")
    return int(found[1])


def _data(found: CampaignSeen) -> dict[str, object]:
    one = found.campaign
    return {
        "review": one.name, "opened_at": one.opened_at, "opened_by": one.opened_by,
        "due_at": one.due_at, "revoke_at": one.revoke_at, "closed_at": one.closed_at,
        "rubber_stamps": list(found.stamps),
        "items": [
            {
                "grant": f"g{item.grant_id}", "asked": list(item.reviewers), "why": list(item.why),
                "evidence": item.evidence, "outcome": item.outcome or None,
                "decided_by": item.decided_by or None, "decided_at": item.decided_at,
                "reason": item.reason,
            }
            for item in found.items
        ],
    }  # fmt: skip


def _emit(output: Output, work: Workplace, found: CampaignSeen) -> None:
    if not output.for_people:
        emit_data(output, _data(found))
        return
    output.emit_printed(lambda to: _show(to, work, found))
    alone = sum(item.outcome == "kept" and not item.decided_by for item in found.items)
    if alone:
        note(f"{plural(alone, 'grant')} kept itself: low in risk, unchanged, used")
    for name in found.stamps:
        note(f"{name} kept everything, in less than five seconds each: nobody looks that fast")
    if found.unanswered:
        about = f"{found.campaign.name} g{found.unanswered[0].grant_id}"
        note(f"next: opskit access review decide {about} --keep, or --revoke")


_ITEMS = (
    Column("grant"),
    Column("role", fold=True),
    Column("asked", fold=True),
    Column("because", fold=True),
    Column("outcome"),
    Column("by"),
)


def _show(to: Console, work: Workplace, found: CampaignSeen) -> None:
    campaign = found.campaign
    state = "closed" if campaign.closed_at else f"due {moment(work, campaign.due_at)}"
    show_text(to, f"{campaign.name}: {state}", style="bold")
    rows = [_row(item) for item in found.items if item.why]
    if rows:
        show_table(to, _ITEMS, rows)


def _row(item: Item) -> tuple[str, ...]:
    return (
        f"g{item.grant_id}", str(item.evidence["role"]), ", ".join(item.reviewers),
        "; ".join(item.why), item.outcome or "asked", item.decided_by,
    )  # fmt: skip
