"""Whom a report is drawn for: its view and, for a team, which; then its file. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.errors import ConfigError
from opskit.core.text import clean, nearest
from opskit.report.built import Built
from opskit.report.document import View
from opskit.report.pages import document, teams
from opskit.report.render.forms import Form

_LISTED = 8


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose pages: a view, and the team's name for a team's own."""

    view: View
    team: str = ""


def reader(built: Built, view: View, team: str = "") -> Reader:
    """Return whom to draw a report for.

    Raises:
        ConfigError: a team is needed and not named, or named and unknown or not needed.
    """
    if view is not View.TEAM:
        if team:
            raise ConfigError("--team goes with --view team", hint="opskit report build --help")
        return Reader(view)
    known = teams(built)
    if team in known:
        return Reader(view, team)
    shown = ", ".join(clean(one) for one in known[:_LISTED]) + (", ..." if known[_LISTED:] else "")
    listed = f"teams in it: {shown}" if known else "no team is named in its evidence"
    if not team:
        raise ConfigError("--view team needs --team NAME", hint=listed)
    guess = nearest(team, list(known))
    meant = f"; did you mean {clean(guess)}?" if guess else ""
    raise ConfigError(f"no team {clean(team)} in this report{meant}", hint=listed)


def drawn(built: Built, form: Form, whom: Reader) -> bytes:
    """Return the file of a form; the same report gives the same bytes.

    Raises:
        ConfigError: what the form needs is not installed.
    """
    return form.render(built, lambda: document(built, whom.view, whom.team))
