"""What the commands of `opskit monitor` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.options import find_app

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.monitor.catalogue import Catalogue

services_option = click.option(
    "-s", "--services", help="Catalogue, instead of the one in opskit.yaml."
)


def app_for(config_path: Path | None, services: str | None) -> App:
    """Return opskit with the catalogue that was named."""
    return find_app(config_path, services=str(Path.cwd() / services) if services else "")


def with_parts(catalogue: Catalogue, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the services that are named and all that they are made of, each once.

    Raises:
        ConfigError: one is not there.
    """
    from opskit.monitor.windows import parts  # noqa: PLC0415

    return parts(catalogue, *catalogue.known(names))
