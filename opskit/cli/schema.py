"""`opskit schema`."""

from __future__ import annotations

import json
from importlib import import_module

import click

from opskit.cli.commands import command

_SCHEMAS = {
    "opskit": "opskit.outside.config:Settings",
    "services": "opskit.monitor.catalogue:Catalogue",
    "assumptions": "opskit.assuming:AssumptionsFile",
    "people": "opskit.access.model:People",
    "roles": "opskit.access.model:Roles",
    "targets": "opskit.access.model:Targets",
    "access-policy": "opskit.access.model:AccessPolicy",
    "policy": "opskit.monitor.policy:Policy",
    "alerts": "opskit.alerts.model:RuleFile",
    "desk": "opskit.desk.settings:Desk",
    "routes": "opskit.alerts.routing.settings:Routes",
}


@command(
    short_help="Print the JSON schema of a file you write.",
    examples=[
        "opskit schema services > .schemas/services.json",
        "# yaml-language-server: $schema=.schemas/services.json   first line of services.yaml",
    ],
)
@click.argument("name", type=click.Choice(sorted(_SCHEMAS)))
def schema(name: str) -> None:
    """Print the JSON schema of a file you write, so that an editor completes it."""
    from opskit.outside.models import json_schema  # noqa: PLC0415

    module, _, model = _SCHEMAS[name].partition(":")
    click.echo(json.dumps(json_schema(getattr(import_module(module), model)), indent=2))
