"""`opskit ledger`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Output, note, show_text
from opskit.core.clock import iso
from opskit.core.errors import ExitCode
from opskit.core.text import plural


@group(
    short_help="Verify and export the evidence.",
    examples=[
        "opskit ledger verify",
        "opskit ledger show 42 57",
        "opskit ledger export > evidence.jsonl",
    ],
)
def ledger() -> None:
    """Verify and export the evidence."""


@ledger.command(
    examples=[
        "opskit ledger verify",
        "opskit ledger verify --head 3f9a...   the head a report printed",
    ],
    short_help="Walk the chain and name the first broken entry.",
)
@click.option("--head", default="", help="A head hash kept elsewhere: it must be in the chain.")
@config_option
@output_options("table", "json", "yaml")
def verify(head: str, config_path: Path | None, output: Output) -> ExitCode:
    """Walk the whole chain and compare the observations it sealed with what is stored."""
    result = find_app(config_path).verify(head)
    chain = result.chain
    if output.for_people:
        held = plural(chain.checked, "entry", "entries")
        lines = [f"{held} hold; head {chain.head.seq} {chain.head.hash}"]
        if chain.broken_at is not None:
            lines.append(f"entry {chain.broken_at} is broken: {chain.reason}")
        lines += [f"observations sealed by entry {seq} were changed" for seq in result.broken_seals]
        output.emit_printed(lambda to: show_text(to, "\n".join(lines)))
    else:
        output.emit_data(
            {
                "ok": result.ok,
                "checked": chain.checked,
                "head": {"seq": chain.head.seq, "hash": chain.head.hash},
                "broken_at": chain.broken_at,
                "reason": chain.reason,
                "broken_seals": list(result.broken_seals),
            }
        )
    return ExitCode.OK if result.ok else ExitCode.FINDINGS


@ledger.command(
    examples=["opskit ledger show 42", "opskit ledger show 42 57 --json"],
    short_help="Show entries, by their numbers.",
)
@click.argument("numbers", metavar="SEQ...", type=click.IntRange(1), nargs=-1, required=True)
@config_option
@output_options("table", "json", "yaml")
def show(numbers: tuple[int, ...], config_path: Path | None, output: Output) -> ExitCode:
    """Show entries of the ledger, by the numbers that reports and figures name."""
    from opskit.records.ledger import entries  # noqa: PLC0415

    app = find_app(config_path)
    with app.database.read() as connection:
        found = {
            one.seq: one
            for number in numbers
            for one in entries(connection, first=number, last=number)
        }
    shown = [found[number] for number in dict.fromkeys(numbers) if number in found]
    if output.for_people:
        zone = app.config.zone
        lines = [
            f"{one.seq}  {iso(one.at, zone)}  {one.kind}  {one.subject}\n"
            f"  by {one.actor}; hash {one.hash}\n  {one.data}"
            for one in shown
        ]
        output.emit_printed(lambda to: show_text(to, "\n".join(lines)) if lines else None)
    else:
        output.emit_data({"entries": [one.as_json() for one in shown]})
    missing = [str(number) for number in dict.fromkeys(numbers) if number not in found]
    if missing:
        note(f"not in the ledger: {', '.join(missing)}")
    return ExitCode.FINDINGS if missing else ExitCode.OK


@ledger.command(
    examples=[
        "opskit ledger export > evidence.jsonl",
        "opskit ledger export --first 1000 --output-file tail.jsonl",
    ],
    short_help="Print the entries, one JSON object a line.",
)
@click.option("--first", default=1, show_default=True, help="Number of the first entry.")
@click.option("--last", type=int, help="Number of the last entry.")
@click.option("--output-file", type=click.Path(path_type=Path, dir_okay=False), help="Write there.")
@config_option
def export(
    first: int, last: int | None, output_file: Path | None, config_path: Path | None
) -> None:
    """Print the entries, one JSON object a line; each can be recomputed with sha256sum."""
    from opskit.records.ledger import entries  # noqa: PLC0415

    app = find_app(config_path)
    with app.database.read() as connection:
        lines = (
            json.dumps(entry.as_json()) for entry in entries(connection, first=first, last=last)
        )
        if output_file is not None:
            Output("json", output_file).emit("\n".join(lines))
            return
        for line in lines:
            click.echo(line)
