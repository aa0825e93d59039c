"""`opskit init`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.core.text import clean, plural


@command(
    short_help="Lay out a working ops repository.",
    examples=["opskit init ops     lay out ./ops, then: cd ops && opskit check"],
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path) -> None:
    """Lay out a working ops repository in DIRECTORY; nothing that exists is written over.

    It holds the shipped standard, alert rules, people, an inventory with this machine in it and
    a catalogue with two example services: everything runs at once and is yours to change.
    """
    from opskit.scaffold import lay_out  # noqa: PLC0415

    written = lay_out(directory)
    click.echo(f"{plural(len(written), 'file')} written to {clean(str(directory))}")
    click.echo(
        f"\nNext:\n  cd {shlex.quote(clean(str(directory)))}\n"
        "  opskit check           the files are well formed\n"
        "  $EDITOR inventory/hosts.ini services.yaml\n"
        "  opskit fleet check     what differs from the standard; changes nothing\n"
        "  opskit access lint /   who is root on this machine, and by which chain\n"
        "  opskit monitor probe   is everything up\n"
        "  opskit serve           go on watching, with pages for people and for Prometheus\n"
        "  opskit report build    what there is to tell of this month so far"
    )
