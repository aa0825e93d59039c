"""`opskit outbox`."""

from __future__ import annotations

from pathlib import Path

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app
from opskit.cli.output import note
from opskit.core.errors import ConfigError, ExitCode


@group(short_help="Deliver notifications that are owed.", examples=["opskit outbox deliver"])
def outbox() -> None:
    """Deliver notifications that are owed."""


@outbox.command(
    examples=["opskit outbox deliver   from cron, or after a receiver was down"],
    short_help="Send what is due.",
)
@config_option
def deliver(config_path: Path | None) -> ExitCode:
    """Send what is owed and due; what fails is tried again later, with the same key."""
    delivered = find_app(config_path).deliver()
    if delivered is None:
        raise ConfigError(
            "no channel is configured",
            hint="add webhook: to opskit.yaml; see: opskit schema opskit",
        )
    note(f"{delivered.sent} sent, {delivered.failed} to be tried again, {delivered.dead} given up")
    for one in delivered.unusable:
        note(f"nothing can be sent to {one}")
    failed = delivered.failed or delivered.dead or delivered.unusable
    return ExitCode.FAILED if failed else ExitCode.OK
