"""`opskit alerts new`."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app
from opskit.cli.output import note
from opskit.core.errors import ConfigError, ExitCode

_KINDS = ("threshold", "absent", "burn-rate", "forecast", "expiry")
_SEVERITIES = ("info", "ticket", "warning", "critical", "page")


@command(
    examples=[
        "opskit alerts new QueueLong --metric opskit_outbox_owed --above 100",
        "opskit alerts new NodesGone --kind absent --metric 'up{job=\"node\"}'",
        "opskit alerts new DiskFull --kind forecast --metric node_filesystem_avail_bytes --below 0",
    ],
    short_help="Write a rule with its test and runbook section.",
)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default="threshold",
    show_default=True,
    help="What the rule watches for.",
)
@click.option("--metric", default="", help='What it looks at: up, or up{job="node"}.')
@click.option("--above", type=float, help="It fires above this value.")
@click.option("--below", type=float, help="It fires below this value.")
@click.option("--within", default="", help="How far ahead: forecast 4h, expiry 14d.")
@click.option(
    "--severity",
    type=click.Choice(_SEVERITIES),
    default="warning",
    show_default=True,
    help="How urgent it is.",
)
@click.option("--team", default="ops", show_default=True, help="Whose it is.")
@config_option
def new(  # noqa: PLR0913, PLR0917  # one parameter per option
    name: str,
    kind: str,
    metric: str,
    above: float | None,
    below: float | None,
    within: str,
    severity: str,
    team: str,
    config_path: Path | None,
) -> ExitCode:
    """Write a rule with its test and runbook section, below alerts/; nothing is written over.

    Exit 0: written; `alerts check` and `alerts test` pass. 5: one of them is there already.
    """
    if above is not None and below is not None:
        raise ConfigError("give one of --above and --below", hint="--above 0.9")
    from opskit.alerts.drafts import Kind, Wanted, draft  # noqa: PLC0415  # after --help
    from opskit.alerts.scaffolding import lay_out  # noqa: PLC0415

    if within:
        _refuse_no_length(within)
    bound = below if above is None else above
    drafted = draft(Wanted(name, Kind(kind), metric, bound, below is None, within, severity, team))
    app = find_app(config_path)
    for path in lay_out(app.config.path("alerts"), drafted):
        click.echo(path.relative_to(app.config.root))
    note(f"next: opskit alerts test alerts/tests/{drafted.stem}_test.yaml")
    return ExitCode.OK


def _refuse_no_length(text: str) -> None:
    from opskit.alerts.model import is_length  # noqa: PLC0415  # after --help

    if not is_length(text):
        raise ConfigError(f"--within {text!r} is no length", hint="--within 4h")
