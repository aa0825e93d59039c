"""`opskit alerts send-test`."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app
from opskit.cli.output import note
from opskit.core.errors import OpskitError, WorkFailed
from opskit.core.notice import Status

_STATUSES = [one.value for one in Status if one is not Status.DIGEST]


@command(
    name="send-test",
    examples=[
        "opskit alerts send-test oncall                     does a message get through?",
        "opskit alerts send-test oncall --status firing     opens an incident in PagerDuty",
        "opskit alerts send-test oncall --status resolved   and ends it",
    ],
    short_help="Send a test message to a channel.",
)
@click.argument("channel")
@click.option(
    "--status",
    type=click.Choice(_STATUSES),
    default=Status.TOLD.value,
    show_default=True,
    help="What the message says that it is.",
)
@config_option
def send_test(channel: str, status: str, config_path: Path | None) -> None:
    """Send a test message to a channel of opskit.yaml, at once; what fails is not tried again.

    Exit 0: the other side took it. 2: there is no such channel, or it cannot be used. 4: the other
    side did not take it.
    """
    app = find_app(config_path)
    try:
        app.channels.test(channel, Status(status))
    except OpskitError as error:
        if error.exit_code == OpskitError.exit_code:
            raise
        hint = error.hint or ("it may work later" if error.retryable else "correct its settings")
        raise WorkFailed(f"{channel}: {error.message}", hint=hint) from error
    note(f"{channel} took it; opskit drill alerts shows whether somebody reads it")
