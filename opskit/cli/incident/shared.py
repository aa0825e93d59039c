"""What the commands of `opskit incident` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.cli.output import note
from opskit.core.clock import Instant, iso, parse_instant, to_datetime
from opskit.core.errors import ConfigError

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.desk.incidents.model import Incident


def moment(app: App, text: str) -> Instant | None:
    """Return when something happened, as it was typed: a date-time, or a time of today.

    Raises:
        ConfigError: it is none.
    """
    if not text:
        return None
    zone = app.config.zone
    today = to_datetime(app.clock.now(), zone).date().isoformat()
    whole = f"{today}T{text}" if "-" not in text else text
    try:
        return parse_instant(whole, zone)
    except ValueError as error:
        raise ConfigError(str(error), hint="10:30, or 2026-12-01T10:30") from error


def said(incident: Incident) -> None:
    """Tell how an incident stands now."""
    owner = f", {incident.owner} has it" if incident.owner and incident.is_open else ""
    note(f"{incident.name} {incident.opening.title}: {incident.status}{owner}")


def shown_time(app: App, at: Instant | None) -> str:
    """Return an instant in the configured zone; nothing where it is not yet."""
    return "" if at is None else iso(at, app.config.zone)
