"""What other systems exported: one command for each kind of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import Examples
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table, show_text
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.history.fields import Reading
    from opskit.history.model import Read
    from opskit.history.reading import Bounds

_EXAMPLES = {
    "pagerduty": (
        "opskit import pagerduty incidents.csv --dry-run        what it would bring",
        "opskit import pagerduty incidents.csv --from 2026-01-01 --to 2026-07-01",
        "opskit import pagerduty incidents.json --visible priority.summary=P1",
    ),
    "alertmanager": (
        "opskit import alertmanager alerts.json --only labels.severity=critical --dry-run",
        "opskit import alertmanager webhook.jsonl --service-field labels.app",
    ),
    "jira": (
        "opskit import jira issues.csv --zone Europe/Berlin --dry-run",
        "opskit import jira search.json --only fields.issuetype=Outage",
        "opskit import jira issues.csv --service-field 'Custom field (Affected services)'",
    ),
    "github": (
        "opskit import github issues.json --dry-run",
        "opskit import github issues.json --only labels=outage --visible labels=customer --dry-run",
    ),
    "awx": (
        "opskit import awx jobs.json --dry-run",
        "opskit import awx jobs.json --from 2026-01-01 --to 2026-07-01",
        "opskit import awx jobs.json --hosts job_host_summaries.json",
    ),
    "ara": (
        "opskit import ara playbooks.json --from 2026-01-01 --to 2026-07-01",
        "opskit import ara playbooks.json --hosts hosts.json",
    ),
}


_OPTIONS = (
    click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option("--dry-run", is_flag=True, help="Show what it would bring, and change nothing."),
    click.option("--zone", default="", help="Zone of times that have none, like Europe/Berlin."),
    click.option("--time-format", default="", help="How times are written, like '%m/%d/%Y %H:%M'."),
    click.option("--service-field", default="", help="Column or path that names the service."),
    click.option(
        "--map", "mapped", multiple=True, metavar="FIELD=COLUMN",
        help="Where a field stands: id, service, team, started, detected, acknowledged, resolved, "
        "updated, cause.",
    ),
    click.option("--only", multiple=True, metavar="FIELD=VALUE", help="Import only such rows."),
    click.option(
        "--visible", multiple=True, metavar="FIELD=VALUE", help="Such incidents were felt by users."
    ),
    click.option("--from", "since", default="", help="The export holds all from then ..."),
    click.option("--to", "until", default="", help="... up to then; else from first to last row."),
    output_options("table", "json"),
    config_option,
)  # fmt: skip

_HOSTS = click.option(
    "--hosts", type=click.Path(path_type=Path),
    help="Export of how each host was left: job_host_summaries of AWX, hosts of ARA.",
)  # fmt: skip


def _command(kind: str, says: str) -> click.Command:
    function: Callable[..., Any] = partial(_run, kind)
    function.__name__, function.__doc__ = kind, says
    for option in reversed((*_OPTIONS, *([_HOSTS] if kind in {"awx", "ara"} else []))):
        function = option(function)
    make = click.command(kind, cls=Examples, examples=_EXAMPLES[kind], short_help=says, help=says)
    return make(function)


def _run(
    kind: str, files: tuple[Path, ...], *, dry_run: bool, output: Output,
    config_path: Path | None, **given: Any,
) -> ExitCode:  # fmt: skip
    from opskit.history.kinds import KINDS  # noqa: PLC0415
    from opskit.history.reading import read_file  # noqa: PLC0415

    app = find_app(config_path)
    reading, bounds = _reading(app, given), bounds_of(app, given["since"], given["until"])
    reads = [read_file(path, KINDS[kind], reading, bounds) for path in files]
    hosts: Path | None = given.get("hosts")
    if hosts is not None:
        from opskit.history.hosts import with_hosts  # noqa: PLC0415

        reads = [with_hosts(read, hosts) for read in reads]
    imports = app.imports
    results = []
    for read in reads:
        counts = imports.compare(read) if dry_run or not read.rows else imports.keep(read).counts
        results.append((read, counts))
    show(app, results, output, dry_run=dry_run)
    return ExitCode.OK if all(read.rows for read in reads) else ExitCode.REFUSED


def _reading(app: App, given: Mapping[str, Any]) -> Reading:
    from opskit.history.fields import Reading, condition, mapping  # noqa: PLC0415
    from opskit.history.moments import Moments  # noqa: PLC0415

    mapped = given["mapped"]
    if given["service_field"]:
        mapped = (*mapped, f"service={given['service_field']}")
    return Reading(
        now=app.clock.now(),
        moments=Moments(zone_of(given["zone"]), given["time_format"]),
        paths=mapping(mapped),
        only=tuple(condition(one, "--only") for one in given["only"]),
        visible=tuple(condition(one, "--visible") for one in given["visible"]),
    )


def zone_of(name: str) -> Any:  # noqa: ANN401  # a zone, which is imported only here
    """Return the zone of a name; None for none.

    Raises:
        ConfigError: there is none of that name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{name!r} is no IANA time zone"
        raise ConfigError(message, hint="--zone Europe/Berlin") from error


def bounds_of(app: App, since: str, until: str) -> Bounds:
    """Return the time that a caller says an export holds all of.

    Raises:
        ConfigError: one of them is no time.
    """
    from opskit.core.clock import parse_instant  # noqa: PLC0415
    from opskit.history.reading import Bounds  # noqa: PLC0415

    def at(text: str) -> Any:  # noqa: ANN401  # an instant, or none
        return parse_instant(text, app.config.zone) if text else None

    try:
        return Bounds(at(since), at(until))
    except ValueError as error:
        hint = "--from 2026-01-01 --to 2026-07-01"
        raise ConfigError(str(error), hint=hint) from error


def show(
    app: App, results: list[tuple[Read, Mapping[str, int]]], output: Output, *, dry_run: bool
) -> None:
    """Show what was read of each file, and what that brings."""
    if not output.for_people:
        files = [_as_json(read, counts) for read, counts in results]
        output.emit_data({"dry_run": dry_run, "files": files})
        return

    def printed(to: Console) -> None:
        for read, counts in results:
            _show_one(app, to, read, counts)

    output.emit_printed(printed)
    for read, _ in results:
        for other in app.imports.beside(read):
            note(
                f"{other} tells of the same time as {read.file}: what both have counts twice, "
                "unless one links to the other; narrow one with --only, or undo it"
            )
    note("nothing was changed: --dry-run" if dry_run else "imported; see: opskit import list")


def _show_one(app: App, to: Console, read: Read, counts: Mapping[str, int]) -> None:
    from opskit.core.clock import iso  # noqa: PLC0415

    show_text(to, f"{read.file}: {plural(len(read.rows), 'row')} for the records", "bold")
    for name in ("new", "changed", "same", "older"):
        if counts.get(name):
            show_text(to, f"  {name:8}{counts[name]:>9,}")
    if read.covers is not None:
        zone = app.config.zone
        span = f"{iso(read.covers.start, zone)} to {iso(read.covers.end, zone)}"
        show_text(to, f"  tells of {span}; if it holds more time than that: --from, --to")
    for one in read.notes:
        show_text(to, f"  note: {one}")
    if read.left_out.counts:
        show_text(to, f"  left out {sum(read.left_out.counts.values()):,}:")
        columns = [Column("rows", right=True), Column("why", fold=True), Column("where", fold=True)]
        places = read.left_out.places
        rows = [(f"{n:,}", why, ", ".join(places[why])) for why, n in _ordered(read)]
        show_table(to, columns, rows)


def _ordered(read: Read) -> list[tuple[str, int]]:
    return sorted(read.left_out.counts.items(), key=lambda one: (-one[1], one[0]))


def _as_json(read: Read, counts: Mapping[str, int]) -> dict[str, object]:
    covers = None if read.covers is None else {"from": read.covers.start, "to": read.covers.end}
    left_out = [
        {"why": why, "rows": number, "where": read.left_out.places[why]}
        for why, number in _ordered(read)
    ]
    return {
        "file": read.file, "sha256": read.sha256, "source": read.source, "rows": len(read.rows),
        "counts": {name: counts.get(name, 0) for name in ("new", "changed", "same", "older")},
        "covers": covers, "left_out": left_out, "notes": list(read.notes),
    }  # fmt: skip


pagerduty = _command("pagerduty", "Incidents: CSV of an incident report, JSON of the API.")
alertmanager = _command(
    "alertmanager", "Alerts: JSON of /api/v2/alerts, or of its webhook, one message per line."
)
jira = _command("jira", "Issues of type Incident: CSV of an export, JSON of a search.")
github = _command("github", "Issues labeled incident: JSON of the API, or of gh issue list --json.")
awx = _command("awx", "Runs: JSON of /api/v2/jobs/ of AWX or its like.")
ara = _command("ara", "Runs: JSON of /api/v1/playbooks of ARA.")
