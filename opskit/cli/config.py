"""`opskit config`."""

from __future__ import annotations

from pathlib import Path

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, show_table
from opskit.core.redact import Redactor


@group(short_help="Show settings and where they come from.", examples=["opskit config show"])
def config() -> None:
    """Show settings and where they come from."""


@config.command(
    examples=["opskit config show", "OPSKIT_TIMEZONE=UTC opskit config show --json"],
    short_help="Print each setting, its value and its origin.",
)
@config_option
@output_options("table", "json", "yaml")
def show(config_path: Path | None, output: Output) -> None:
    """Print each setting in force, its value and where it came from."""
    found = find_app(config_path).config
    values = {
        name: _without_passwords(value)
        for name, value in found.settings.model_dump(mode="json").items()
    }
    if output.for_people:
        columns = (Column("setting"), Column("value", fold=True), Column("origin"))
        rows = [(name, str(value), found.origins[name]) for name, value in values.items()]
        output.emit_printed(lambda to: show_table(to, columns, rows))
    else:
        settings = {name: {"value": values[name], "origin": found.origins[name]} for name in values}
        output.emit_data({"root": str(found.root), "settings": settings})


def _without_passwords(value: object) -> object:
    """Return a setting as it may be shown: a database's URL may hold a password."""
    if isinstance(value, dict):
        return {name: _without_passwords(item) for name, item in value.items()}
    return Redactor()(value) if isinstance(value, str) else value
