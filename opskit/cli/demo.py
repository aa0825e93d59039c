"""`opskit demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.core.errors import ConfigError, ExitCode

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True)


@command(
    short_help="See the whole loop on this machine.",
    examples=[
        "opskit demo                                             about a minute, harmless",
        "opskit demo -i inventory.ini -s services.yaml           look at your own, change nothing",
    ],
)
@click.option("-i", "--inventory", type=_FILE, help="Your own hosts (with --services).")
@click.option("-s", "--services", type=_FILE, help="Your own services (with --inventory).")
@click.option(
    "-p", "--playbook", type=_FILE, help="Your own standard; default: the shipped baseline."
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Where to work; must not exist yet.",
)
def demo(
    inventory: Path | None, services: Path | None, playbook: Path | None, directory: Path | None
) -> ExitCode:
    """See the whole loop: drift, check, convergence, an outage, and the report of it.

    Needs no root and no network and leaves everything in one directory, which it names. With
    your own inventory and services it only looks: hosts are checked, services probed once.
    """
    from opskit.demo import story  # noqa: PLC0415

    if (inventory is None) != (services is None):
        raise ConfigError("--inventory and --services go together", hint="opskit demo --help")
    if directory is not None and directory.exists():
        raise ConfigError(f"{directory} exists already", hint="name a new directory")
    place = directory or Path(tempfile.mkdtemp(prefix="opskit-demo-"))
    if inventory is not None and services is not None:
        return story.look(place, inventory, services, playbook, click.echo)
    report = story.tell(place, click.echo)
    click.echo(f"\nThe report, from only what just happened: {report}")
    return ExitCode.OK
