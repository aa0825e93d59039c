"""`opskit access list` and `show`: what stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import emit_data, lenient, moment, needed, number
from opskit.cli.commands import command
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table, show_text
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import clean

if TYPE_CHECKING:
    from opskit.access.past import GrantSeen, RequestSeen
    from opskit.access.workplace import Workplace
    from opskit.cli.output import Console


@command(
    name="list",
    examples=[
        "opskit access list                    what is in force, starts, or is being taken away",
        "opskit access list --requests         what waits for a decision",
        "opskit access list --who alice --all  everything she ever had",
    ],
    short_help="Grants in force, or requests that wait.",
)
@click.option("--requests", is_flag=True, help="Requests instead of grants.")
@click.option("--reviews", is_flag=True, help="Emergencies that nobody has reviewed.")
@click.option("--who", default="", metavar="NAME", help="Only this person's.")
@click.option("--all", "everything", is_flag=True, help="Also what is over.")
@config_option
@output_options("table", "json", "yaml")
def list_(  # one parameter per option
    requests: bool,
    reviews: bool,
    who: str,
    everything: bool,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Show what is in force, or what waits for a decision."""
    from opskit.access import past  # noqa: PLC0415

    _, work = lenient(config_path)
    if requests:
        found = past.waiting(work, everything=everything)
        _requests(output, work, [one for one in found if who in {"", one.request.ask.beneficiary}])
        return ExitCode.OK
    grants = past.open_grants(work, everything=everything or reviews)
    if reviews:
        grants = tuple(
            one for one in grants if one.grant.break_glass and one.grant.reviewed_at is None
        )
    _grants(output, work, [one for one in grants if who in {"", one.grant.person}])
    return ExitCode.OK


_GRANTS = (
    Column("grant"),
    Column("who"),
    Column("role", fold=True),
    Column("on", fold=True),
    Column("state"),
    Column("until"),
    Column("ends by itself", spare=True),
    Column("reason", fold=True, spare=True),
)


def _grants(output: Output, work: Workplace, found: Sequence[GrantSeen]) -> None:
    if not output.for_people:
        emit_data(output, {"grants": [one.as_json() for one in found]})
        return
    if not found:
        note("no grants")
        return
    rows = [
        (
            one.grant.name, one.grant.person, one.grant.role, ", ".join(one.grant.targets),
            _state(one), moment(work, one.grant.ends_at), _enforced(one), one.grant.reason,
        )
        for one in found
    ]  # fmt: skip
    output.emit_printed(lambda to: show_table(to, _GRANTS, rows))


def _state(one: GrantSeen) -> str:
    state = one.grant.state.value.replace("_", " ")
    if one.review_overdue:
        return f"{state}, review overdue"
    return f"{state}, to review" if one.grant.break_glass and not one.grant.reviewed_at else state


def _enforced(one: GrantSeen) -> str:
    """Return what ends it on its targets, the weakest: that is how strong the whole is."""
    if not one.places:
        return ""
    none = sum(place.enforced_by.value == "none" for place in one.places)
    if none:
        return f"no ({none} of {len(one.places)})"
    return ", ".join(sorted({place.enforced_by.value for place in one.places}))


_REQUESTS = (
    Column("request"),
    Column("for"),
    Column("role", fold=True),
    Column("on", fold=True),
    Column("state"),
    Column("until"),
    Column("who may decide", fold=True),
    Column("reason", fold=True, spare=True),
)


def _requests(output: Output, work: Workplace, found: Sequence[RequestSeen]) -> None:
    if not output.for_people:
        emit_data(output, {"requests": [one.as_json() for one in found]})
        return
    if not found:
        note("no requests")
        return
    rows = [
        (
            one.request.name, one.request.ask.beneficiary, one.request.ask.role,
            ", ".join(one.request.ask.targets), one.state.value,
            moment(work, one.request.lapses_at), ", ".join(_deciders(one)), one.request.ask.reason,
        )
        for one in found
    ]  # fmt: skip
    output.emit_printed(lambda to: show_table(to, _REQUESTS, rows))


def _deciders(one: RequestSeen) -> list[str]:
    groups = one.request.judgment.get("approval", [])
    said = {each.approver for each in one.decisions}
    return sorted({name for group in groups for name in group["eligible"]} - said)


@command(
    examples=["opskit access show g7", "opskit access show r12 --json"],
    short_help="A request or a grant, with all that was said and seen.",
)
@click.argument("name", metavar="REQUEST|GRANT")
@config_option
@output_options("table", "json", "yaml")
def show(name: str, config_path: Path | None, output: Output) -> ExitCode:
    """Show a request (r12) with its check and decisions, or a grant (g7) with where it stands."""
    from opskit.access import past  # noqa: PLC0415

    if name[:1] not in {"r", "g"}:
        raise ConfigError(f"{name!r} is neither a request nor a grant", hint="r12, g7")
    _, work = lenient(config_path)
    if name.startswith("r"):
        request = past.one_request(work, number(name, "r"))
        if output.for_people:
            output.emit_printed(lambda to: _show_request(to, work, request))
        else:
            emit_data(output, request.as_json())
        return ExitCode.OK
    grant = past.one_grant(work, number(name, "g"))
    if output.for_people:
        output.emit_printed(lambda to: _show_grant(to, work, grant))
    else:
        emit_data(output, grant.as_json())
    return ExitCode.OK


def _facts(to: Console, rows: Sequence[tuple[str, str]]) -> None:
    for label, text in rows:
        if text:
            # On one line: what somebody wrote must not pass for a line of opskit's.
            show_text(to, f"  {label.ljust(_LABEL)}{clean(text)}")


_LABEL = 14


def _show_request(to: Console, work: Workplace, seen: RequestSeen) -> None:
    one, ask = seen.request, seen.request.ask
    waits = "" if seen.state.is_final else moment(work, one.lapses_at)
    show_text(to, f"{one.name}: {seen.state.value}", style="bold")
    _facts(to, [
        ("asked by", ask.requester), ("for", ask.beneficiary), ("role", ask.role),
        ("on", ", ".join(ask.targets)), ("reason", ask.reason), ("ticket", ask.ticket),
        ("needs", ask.need), ("starts", moment(work, ask.starts_at)),
        ("extends", f"g{ask.extends}" if ask.extends else ""),
        ("what", str(one.judgment.get("blast_radius", ""))),
        ("made", moment(work, one.created_at)), ("waits until", waits),
        ("check", one.check_hash), ("policy", one.policy_version),
        *(
            ("needs", needed(group["among"], group["at_least"], group["eligible"]))
            for group in one.judgment.get("approval", [])
        ),
        ("grant", seen.grant.name if seen.grant else ""),
    ])  # fmt: skip
    if seen.decisions:
        show_text(to, "")
        show_table(to, _DECISIONS, [
            (
                each.approver, each.verdict, moment(work, each.at),
                "yes" if each.check_hash == one.check_hash else "no: checked anew since",
                each.key or "not signed", each.reason,
            )
            for each in seen.decisions
        ])  # fmt: skip


_DECISIONS = (
    Column("who"),
    Column("said"),
    Column("when"),
    Column("counts"),
    Column("signed with", fold=True),
    Column("why", fold=True, spare=True),
)


def _show_grant(to: Console, work: Workplace, seen: GrantSeen) -> None:
    one = seen.grant
    show_text(to, f"{one.name}: {_state(seen)}", style="bold")
    _facts(to, [
        ("who", one.person), ("account", one.account), ("role", one.role),
        ("on", ", ".join(one.targets)), ("reason", one.reason), ("request", f"r{one.request}"),
        ("approved", moment(work, one.approved_at)), ("starts", moment(work, one.starts_at)),
        ("usable since", moment(work, one.usable_at)), ("until", moment(work, one.ends_at)),
        ("gone since", moment(work, one.ended_at)), ("ended", one.end_reason),
        ("review due", moment(work, one.review_due)), ("reviewed by", one.reviewed_by),
    ])  # fmt: skip
    if seen.places:
        show_text(to, "")
        show_table(to, _PLACES, [
            (
                place.place, place.desired.value, place.observed.value,
                "no" if place.enforced_by.value == "none" else place.enforced_by.value,
                moment(work, place.fence_until), _residual(seen.residual_seconds(place)),
            )
            for place in seen.places
        ])  # fmt: skip
        for names, reason in _reasons(seen):
            show_text(to, f"{', '.join(names)}: {reason}")


_PLACES = (
    Column("place"),
    Column("wanted"),
    Column("seen"),
    Column("ends by itself"),
    Column("at the latest"),
    Column("outlived by", right=True),
)


def _reasons(seen: GrantSeen) -> Iterator[tuple[list[str], str]]:
    """Yield what was said of places, once for all of which the same was said."""
    said: dict[str, list[str]] = {}
    for place in seen.places:
        if place.reason:
            # Ansible hands on the line ends of what ssh said as text.
            reason = place.reason.replace("\\r", "").replace("\\n", "; ")
            said.setdefault(reason, []).append(place.place)
    return ((names, reason) for reason, names in said.items())


def _residual(seconds: float | None) -> str:
    from opskit.core.clock import SECOND, format_duration  # noqa: PLC0415

    return "" if not seconds else format_duration(int(seconds * SECOND))
