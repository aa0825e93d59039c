"""`opskit monitor beat`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.monitor.shared import app_for, services_option
from opskit.cli.options import config_option
from opskit.core.errors import ExitCode

if TYPE_CHECKING:
    from opskit.monitor.store.beats import Word


@command(
    examples=[
        "opskit monitor beat nightly-backup",
        "opskit monitor beat nightly-backup start",
        "backup.sh && opskit monitor beat backup || opskit monitor beat backup fail",
    ],
    short_help="Call in as a job that is watched by its heartbeat.",
)
@click.argument("name")
@click.argument("word", type=click.Choice(["ok", "fail", "start"]), default="ok")
@services_option
@config_option
def beat(name: str, word: Word, services: str | None, config_path: Path | None) -> ExitCode:
    """Write that a job called in: it begins, it went well, or it failed.

    NAME is the `beat` of a heartbeat probe in services.yaml. From other machines a job calls
    `opskit serve` over HTTP.
    """
    from opskit.monitor.beats import refuse_unknown  # noqa: PLC0415

    app = app_for(config_path, services)
    refuse_unknown(app.catalogue, name)
    app.beats.call(name, app.clock.now(), word)
    return ExitCode.OK
