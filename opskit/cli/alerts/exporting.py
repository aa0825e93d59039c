"""`opskit alerts export`."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app
from opskit.cli.output import Output, note

_STDOUT = "-"


@command(
    examples=[
        "opskit alerts export --alertmanager                       to stdout",
        "opskit alerts export --alertmanager alertmanager.yml      then: amtool check-config",
        "opskit alerts export --alertmanager --receivers native    mail and Slack without opskit",
    ],
    short_help="alerts/routes.yaml for an Alertmanager.",
)
@click.option(
    "--alertmanager",
    "target",
    is_flag=False,
    flag_value=_STDOUT,
    required=True,
    metavar="[FILE]",
    help="Write the settings of an Alertmanager, to a file or to stdout.",
)
@click.option(
    "--receivers",
    type=click.Choice(["opskit", "native"]),
    default="opskit",
    show_default=True,
    help="Call opskit back; or let Alertmanager tell people where no secret has to be written.",
)
@click.option("--url", default="", help="Where Alertmanager reaches opskit, instead of listen.")
@config_option
def export(target: str, receivers: str, url: str, config_path: Path | None) -> None:
    """Write alerts/routes.yaml as the settings of an Alertmanager, which then routes alike.

    What Alertmanager cannot do is named at the top of them and on stderr. No secret is written,
    only the names of files that hold them.
    """
    from opskit.alerts.planning import plan_of  # noqa: PLC0415  # after --help
    from opskit.exporting import alertmanager_settings  # noqa: PLC0415  # as above

    config = find_app(config_path).config
    found = alertmanager_settings(config, plan_of(config), url, native=receivers == "native")
    output = Output("yaml", None if target == _STDOUT else Path(target))
    output.emit_documents([found.document], found.notes)
    for line in found.notes:
        note(line)
