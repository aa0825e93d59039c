"""What the commands of `opskit monitor` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.options import find_app
from opskit.core.errors import ConfigError

if TYPE_CHECKING:
    from opskit.app import App

services_option = click.option(
    "-s", "--services", help="Catalogue, instead of the one in opskit.yaml."
)


def app_for(config_path: Path | None, services: str | None) -> App:
    """Return opskit with the catalogue that was named."""
    return find_app(config_path, services=str(Path.cwd() / services) if services else "")


def known(app: App, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of services, all of which exist."""
    from opskit.core.text import nearest  # noqa: PLC0415

    for name in names:
        if name not in app.catalogue.services:
            guess = nearest(name, list(app.catalogue.services))
            hint = f"did you mean {guess!r}?" if guess else "opskit monitor status lists them"
            raise ConfigError(f"there is no service {name!r}", hint=hint)
    return names
