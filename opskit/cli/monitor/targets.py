"""`opskit monitor targets`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from opskit.cli.commands import Examples
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, show_table

_COLUMNS = (Column("target", fold=True), Column("source"), Column("what", fold=True))


@click.command(
    cls=Examples,
    examples=[
        "opskit monitor targets",
        "opskit monitor targets -o file_sd --output-file /etc/prometheus/sd/opskit.json",
        "opskit monitor targets --source inventory -o http_sd",
    ],
    short_help="List what Prometheus may scrape, for file_sd and http_sd.",
)
@click.option(
    "--source",
    type=click.Choice(["inventory", "catalogue"]),
    help="Hosts of the inventory, or probes of the catalogue; default both.",
)
@config_option
@output_options("table", "file_sd", "http_sd", "json", "yaml")
def targets(source: str | None, config_path: Path | None, output: Output) -> None:
    """List hosts of the inventory and probes of the catalogue as targets for Prometheus.

    A file is replaced in one step: Prometheus reads the old list or the new one.
    """
    found = find_app(config_path).scrape_targets(source or "")
    groups = [one.as_json() for one in found]
    if output.for_people:
        rows = [
            (
                ", ".join(one.targets),
                one.labels["__meta_opskit_source"],
                one.labels.get("__meta_opskit_target") or one.labels["__meta_opskit_host"],
            )
            for one in found
        ]
        output.emit_printed(lambda to: show_table(to, _COLUMNS, rows))
    elif output.format in {"file_sd", "http_sd"}:
        output.emit(json.dumps(groups, indent=2))
    else:
        output.emit_data({"targets": groups})
