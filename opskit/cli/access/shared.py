"""What the verbs of access share: names of requests and grants, times, and how both are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.options import find_app
from opskit.cli.output import interactive, note
from opskit.core.errors import ConfigError, ExitCode, Refused, worst

if TYPE_CHECKING:
    from opskit.access.settling import Settled
    from opskit.access.store.grants import Grant
    from opskit.access.workplace import Workplace
    from opskit.app import App
    from opskit.cli.output import Output
    from opskit.core.clock import Duration, Instant

_NAME = re.compile(r"([rg])([0-9]{1,12})")
# What keys of instants and of durations, both in microseconds, are called in the slice's data.
_INSTANT = re.compile(r"(.+_)?(at|until|due|before)")
_DURATIONS = frozenset({"duration", "at_most"})
# States of a grant of which something could not be done yet.
OWING = frozenset({"partial", "failed", "revoke_deferred"})
_KINDS = {"r": "request", "g": "grant"}


def number(text: str, letter: str) -> int:
    """Return the number in a name like `r12` (a request) or `g7` (a grant).

    Raises:
        ConfigError: it is none, or one of the other kind.
    """
    found = _NAME.fullmatch(text)
    if found is None or found[1] != letter:
        raise ConfigError(
            f"{text!r} is no {_KINDS[letter]}", hint=f"write {letter}12; opskit access list"
        )
    return int(found[2])


def length(text: str) -> Duration:
    """Return a duration that was given with --for.

    Raises:
        ConfigError: it is none.
    """
    from opskit.core.clock import parse_duration  # noqa: PLC0415

    try:
        found = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"--for: {error}", hint="--for 2h") from error
    if found <= 0:
        raise ConfigError(f"--for: {text!r} is no time at all", hint="--for 2h")
    return found


def strict(config_path: Path | None) -> tuple[App, Workplace]:
    """Return opskit here, for what needs files without mistakes."""
    app = find_app(config_path)
    return app, app.granting.workplace


def lenient(config_path: Path | None) -> tuple[App, Workplace]:
    """Return opskit here, for what must work whatever the files say now."""
    app = find_app(config_path)
    return app, app.granting.lenient


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless --yes was given.

    Raises:
        Refused: nobody is there to ask.
    """
    if yes:
        return
    if not interactive():
        raise Refused("nobody is there to confirm", hint="give --yes to go on without being asked")
    click.confirm(question, abort=True, err=True)


def moment(work: Workplace, instant: Instant | None) -> str:
    """Return an instant in the configured zone, which it names; nothing where there is none."""
    from opskit.core.clock import to_datetime  # noqa: PLC0415

    return "" if instant is None else f"{to_datetime(instant, work.zone):%Y-%m-%d %H:%M %Z}"


def needed(among: str, at_least: int, eligible: Sequence[str]) -> str:
    """Return how many of whom must agree."""
    return f"{at_least} of {among}: {', '.join(eligible)}"


def emit_data(output: Output, data: Mapping[str, Any]) -> None:
    """Write data for machines: instants as ISO 8601 in UTC, durations in seconds."""
    output.emit_data({key: _dated(key, value) for key, value in data.items()})


def _dated(key: str, value: Any) -> Any:  # noqa: ANN401  # any JSON
    from opskit.core.clock import iso  # noqa: PLC0415

    if isinstance(value, int) and not isinstance(value, bool):
        return iso(value) if _INSTANT.fullmatch(key) else value
    if isinstance(value, dict):
        return dict(_in_seconds(one, _dated(one, inside)) for one, inside in value.items())
    return [_dated(key, one) for one in value] if isinstance(value, list | tuple) else value


def _in_seconds(key: str, value: Any) -> tuple[str, Any]:  # noqa: ANN401  # any JSON
    from opskit.core.clock import SECOND  # noqa: PLC0415

    lasts = key in _DURATIONS and isinstance(value, int)
    return (f"{key}_seconds", value / SECOND) if lasts else (key, value)


def say_grant(work: Workplace, grant: Grant) -> None:
    """Tell what became of a grant, and the next step."""
    until = moment(work, grant.ends_at)
    words = {
        "active": f"is in force until {until}",
        "partial": f"is in force on some targets only, until {until}",
        "failed": "could not be put on any target",
        "scheduled": f"starts {moment(work, grant.starts_at)}",
        "provisioning": "is being put on its targets",
        "revoked": "is gone from all its targets",
        "revoke_deferred": "could not be taken from all its targets yet; that stays owed",
        "revoking": "is being taken away",
        "suspended": "is suspended",
    }
    note(f"{grant.name} ({grant.role} for {grant.person}) {words[grant.state.value]}")
    if grant.state.value in OWING:
        note(f"next: opskit access show {grant.name}   says why; opskit access settle tries again")


def ended(work: Workplace, done: Settled, names: tuple[str, ...]) -> ExitCode:
    """Tell what became of grants and return the code that says it."""
    for grant in done.moved:
        if grant.name in names:
            say_grant(work, grant)
    for place in done.busy:
        note(f"{place} is being worked on by another opskit; what is owed there stays owed")
    return worst([*(_code(grant) for grant in done.moved if grant.name in names),
                  ExitCode.UNDETERMINED if done.busy else ExitCode.OK])  # fmt: skip


def _code(grant: Grant) -> ExitCode:
    codes = {
        "partial": ExitCode.FAILED,
        "failed": ExitCode.FAILED,
        "revoke_deferred": ExitCode.UNDETERMINED,
    }
    return codes.get(grant.state.value, ExitCode.OK)
