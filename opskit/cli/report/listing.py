"""`opskit report list`."""

from __future__ import annotations

from pathlib import Path

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, show_table, show_text
from opskit.core.clock import iso


def _columns(*, zone: bool) -> tuple[Column, ...]:
    """Return the columns; where months were cut in several zones, theirs is always among them."""
    return (
        Column("month"), Column("version", right=True), Column("issued"),
        Column("entry", right=True), Column("zone", spare=not zone), Column("id", fold=True),
    )  # fmt: skip


@command(
    name="list",
    examples=["opskit report list", "opskit report list --json"],
    short_help="The reports that were issued.",
)
@config_option
@output_options("table", "json", "yaml")
def list_(config_path: Path | None, output: Output) -> None:
    """List the reports that were issued, the newest month first.

    Each can be built again as it was: `opskit report build --month 2026-10 --version 1`.
    """
    app = find_app(config_path)
    issued, zone = app.archive.issued(), app.config.zone
    if not output.for_people:
        output.emit_data(
            {
                "reports": [
                    {
                        "month": one.month.name,
                        "zone": one.month.zone,
                        "version": one.version,
                        "id": one.id,
                        "issued_at": iso(one.issued_at),
                        "entry": one.seq,
                        "seal": {"seq": one.seal.seq, "hash": one.seal.hash},
                    }
                    for one in issued
                ]
            }
        )
        return
    if not issued:
        nothing = "no report was issued yet: opskit report build --month last"
        output.emit_printed(lambda to: show_text(to, nothing))
        return
    rows = [
        (
            one.month.name,
            str(one.version),
            iso(one.issued_at, zone),
            str(one.seq),
            one.month.zone,
            one.id,
        )
        for one in issued
    ]
    zones = {one.month.zone for one in issued}
    output.emit_printed(lambda to: show_table(to, _columns(zone=len(zones) > 1), rows))
