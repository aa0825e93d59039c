"""`opskit alerts ack`: somebody has an alert in hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.alerts.matching import matchers_of
from opskit.cli.commands import command
from opskit.cli.options import config_option, duration, find_app
from opskit.cli.output import note
from opskit.core.clock import DAY, iso
from opskit.core.errors import ConfigError

if TYPE_CHECKING:
    from opskit.alerts.firing import Firing
    from opskit.alerts.responding import Responses

_LONGEST = 7 * DAY


@command(
    examples=[
        "opskit alerts ack 1f3c8a02                    I have it in hand, for 4 hours",
        "opskit alerts ack service=shop --for 1h       all that fires of a service",
        "opskit alerts ack 1f3c8a02 --undo             nobody has it in hand any more",
    ],
    short_help="Say that you have alerts in hand.",
)
@click.argument("alerts", nargs=-1, required=True, metavar="ID|MATCHER...")
@click.option("--for", "lasting", default="4h", show_default=True, help="Then it comes back.")
@click.option("--comment", default="", help="What you do about it.")
@click.option("--undo", is_flag=True, help="Give it back: it is told again.")
@config_option
def ack(
    alerts: tuple[str, ...], lasting: str, comment: str, undo: bool, config_path: Path | None
) -> None:
    """Say that you have alerts in hand: nobody new is told of them until then, or until they end.

    Whoever was told hears of it. A forgotten one comes back: when the time is over and it still
    fires, it is told again. Exit 2: no such alert fires. 5: it ended in the meantime.
    """
    app = find_app(config_path)
    responses = app.alerting.responses
    found = _meant(responses, alerts)
    if undo:
        done = responses.give_back(found)
        note(f"{len(done)} given back; they are told again")
        return
    taken = responses.acknowledge(found, duration(lasting, _LONGEST), comment)
    for one, alert in zip(taken, found, strict=True):
        until = iso(one.until, app.config.zone)
        note(f"{alert.name} {alert.fingerprint[:8]} is in your hands until {until}")


def _meant(responses: Responses, texts: tuple[str, ...]) -> tuple[Firing, ...]:
    """Return the alerts that are meant: by beginnings of ids, or by matchers, not by both."""
    names = [one for one in texts if set(one.lower()) <= set("0123456789abcdef")]
    if names and len(names) < len(texts):
        raise ConfigError("give ids or matchers, not both", hint="opskit alerts list")
    return responses.matching(() if names else matchers_of(texts), names)
