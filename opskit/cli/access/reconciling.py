"""`opskit access reconcile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import confirm, lenient
from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_heading, show_table, show_text, working
from opskit.core.errors import ExitCode, worst
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.access.lint import Linted
    from opskit.access.reconcile import Reconciled
    from opskit.access.repair import Repaired
    from opskit.cli.output import Console

_FORMS = ("table", "json", "yaml", "sarif", "junit")


@command(
    short_help="What is in force on targets against what was granted.",
    examples=[
        "opskit access reconcile                    all targets",
        "opskit access reconcile web --json         one of them",
        "opskit access reconcile web --fix          take away what nobody granted, put back grants",
    ],
)
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("--fix", is_flag=True, help="Take away and put back, then look again.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@config_option
@output_options(*_FORMS)
def reconcile(
    targets: tuple[str, ...], fix: bool, yes: bool, config_path: Path | None, output: Output
) -> ExitCode:
    """Hold what is in force on targets against what was granted.

    Told are sudo rules, keys and memberships that no grant gives, keys nobody has, what people left
    behind, grants that are missing or were changed, and leftovers of grants that are over. What the
    policy accepts counts as accepted; administrators of a target are never touched.

    Exit 0: all as granted. 1: it is not. 3: something could not be looked at. 4: --fix tried to
    settle something and could not.
    """
    from opskit.access.reconcile import look  # noqa: PLC0415
    from opskit.access.repair import repair  # noqa: PLC0415

    app, work = lenient(config_path)
    with working("looking at what is in force"):
        before = look(work, targets)
    if not fix or not before.found:
        deliver(app)
        _emit(before, output)
        return _code(before)
    _preview(before)
    confirm(f"Do this at {plural(len({one.place for one in before.found}), 'place')}?", yes=yes)
    with working("settling it, and looking again"):
        done = repair(work, before, targets)
    deliver(app)
    _emit_repaired(done, output)
    failed = any(one.attempted and not one.unseen for one in done.left)
    return worst([_code(done.after), ExitCode.FAILED if failed else ExitCode.OK])


def _code(found: Reconciled) -> ExitCode:
    unseen = bool(found.unseen or found.not_evaluated)
    return worst([
        ExitCode.FINDINGS if found.found else ExitCode.OK,
        ExitCode.UNDETERMINED if unseen else ExitCode.OK,
    ])  # fmt: skip


def _linted(found: Reconciled) -> Linted:
    """Return what was found as a lint's result, which has all the forms."""
    from opskit.access.findings import ordered  # noqa: PLC0415
    from opskit.access.lint import Linted, Target  # noqa: PLC0415
    from opskit.access.suppress import Suppressed  # noqa: PLC0415
    from opskit.access.trees import Trouble  # noqa: PLC0415

    return Linted(
        findings=ordered(one.finding for one in found.found),
        suppressed=tuple(Suppressed(one.found.finding, one.by) for one in found.accepted),
        not_evaluated=found.not_evaluated,
        troubles=tuple(Trouble(place, why) for place, why in found.unseen),
        targets=tuple(Target(one.place, ", ".join(one.targets)) for one in found.places),
    )


def _emit(found: Reconciled, output: Output) -> None:
    from opskit.cli.access import forms  # noqa: PLC0415

    forms.emit(_linted(found), output, "opskit access reconcile")
    if not output.for_people:
        return
    _say_restored(found)
    if found.found:
        note(_next(found))
    elif found.unseen:
        note("next: make what could not be looked at reachable, and look again")
    else:
        note(f"{plural(len(found.places), 'place')}: all as granted")


def _next(found: Reconciled) -> str:
    from opskit.access.comparison import ByHand  # noqa: PLC0415

    if all(isinstance(one.remedy, ByHand) for one in found.found):
        return (
            "next: see to it by hand, register the key in access/people.yaml, or accept it for a "
            "time in access/policy.yaml; opskit does none of it by itself"
        )
    return "next: opskit access reconcile --fix   shows what it would do, and asks"


def _say_restored(found: Reconciled) -> None:
    if found.strangers:
        note(
            f"the database does not know {', '.join(found.strangers)}: either somebody wrote these "
            "names by hand, or it was restored from an older state, and what was granted since is "
            "not in it"
        )


def _preview(before: Reconciled) -> None:
    """Show on stderr what would be done: stdout is for the result."""
    from opskit.access.repair import step  # noqa: PLC0415
    from opskit.cli.output import console  # noqa: PLC0415

    _say_restored(before)
    rows = [(one.place, one.finding.message, step(one)) for one in before.found]
    show_table(console(stderr=True), _PLAN, rows)


_PLAN = (Column("place"), Column("found", fold=True), Column("to be done", fold=True))


def _emit_repaired(done: Repaired, output: Output) -> None:
    if output.for_people:
        output.emit_printed(lambda to: _show(to, done))
        if done.after.found:
            note(_next(done.after))
        elif not done.left:
            note("a second look found it settled")
    elif output.format in {"json", "yaml"}:
        output.emit_data({**_linted(done.after).as_json(), **_as_data(done)})
    else:
        _emit(done.after, output)


def _as_data(done: Repaired) -> dict[str, object]:
    return {
        "settled": [one.finding.as_json() for one in done.settled],
        "left": [{**one.found.finding.as_json(), "why": one.why} for one in done.left],
    }


_DONE = (Column("place"), Column("what", fold=True), Column("now", fold=True))


def _show(to: Console, done: Repaired) -> None:
    rows = [(one.place, one.finding.message, "settled") for one in done.settled]
    rows += [(one.found.place, one.found.finding.message, f"left: {one.why}") for one in done.left]
    show_table(to, _DONE, rows)
    known = {one.finding.fingerprint for one in done.before.found}
    new = [one for one in done.after.found if one.finding.fingerprint not in known]
    if new:
        show_heading(to, "found by the second look only")
        for one in new:
            show_text(to, f"{one.place}: {one.finding.message}")
    for place, why in done.after.unseen:
        show_text(to, f"{place}: {why}")
    show_heading(to, f"{len(done.settled)} settled, {len(done.left)} left")
