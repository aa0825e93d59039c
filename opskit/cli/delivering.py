"""Sending what is owed at the end of a command: what cannot go out is told, and undoes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.cli.output import note
from opskit.core.errors import OpskitError

if TYPE_CHECKING:
    from opskit.app import App


def deliver(app: App) -> None:
    """Send what is owed and due. The work is done: its result is shown whatever comes of this."""
    try:
        done = app.deliver()
    except OpskitError as error:
        note(f"notifications stay owed: {error.message}")
        return
    for one in done.unusable if done is not None else ():
        note(f"notifications stay owed to {one}")
