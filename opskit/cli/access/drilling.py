"""`opskit access drill`: proof that access can be taken away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import confirm, strict
from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table, working
from opskit.core.clock import SECOND
from opskit.core.errors import ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.access.drills import Drilled
    from opskit.core.clock import Duration


@command(
    examples=[
        "opskit access drill                  every host of the drill's role",
        "opskit access drill web --sample 3   three hosts of one target, another three next time",
    ],
    short_help="Prove that access can be taken away.",
)
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("--sample", type=click.IntRange(min=1), help="So many hosts, drawn at random.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@config_option
@output_options("table", "json", "yaml")
def drill(
    targets: tuple[str, ...],
    sample: int | None,
    yes: bool,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Give the canary access, log in as it, take it away, and see it refused and thrown out.

    The canary and its role are `drills:` of access/policy.yaml. Everything goes the ordinary way
    and is in the ledger. Exit 0: proven for every host. 1: access outlived its revocation. 3: a
    host could not be tried.
    """
    from opskit.access import drills  # noqa: PLC0415

    app, work = strict(config_path)
    confirm("Give the canary access, and take it away again?", yes=yes)
    with working("giving the canary access, and taking it away"):
        found = drills.drill(work, app.granting.ways, targets, sample or 0)
    deliver(app)
    _emit(output, found)
    return found.exit_code


_COLUMNS = (
    Column("host"), Column("outcome"), Column("granted in", right=True),
    Column("revoked in", right=True), Column("because", fold=True),
)  # fmt: skip


def _emit(output: Output, found: Drilled) -> None:
    if not output.for_people:
        output.emit_data(found.as_json())
        return
    rows = [
        (one.host, one.outcome.value, _length(one.granted), _length(one.revoked), one.reason)
        for one in found.proofs
    ]
    output.emit_printed(lambda to: show_table(to, _COLUMNS, rows))
    unproven = [one.host for one in found.proofs if one.outcome.value != "proven"]
    if unproven:
        note(f"revocation is unproven on {plural(len(unproven), 'host')}: {', '.join(unproven)}")
        note(f"next: opskit access show {found.grant}   what was seen of the canary's grant")
    else:
        note(f"revocation is proven on {plural(len(found.proofs), 'host')}")


def _length(length: Duration | None) -> str:
    return "" if length is None else f"{length / SECOND:.1f} s"
