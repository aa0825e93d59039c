"""`opskit access export`: for an auditor."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.access.shared import lenient
from opskit.cli.commands import command
from opskit.cli.options import config_option
from opskit.cli.output import note
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural


@command(
    examples=["opskit access export audit-2026"],
    short_help="Everything an auditor needs, to check without opskit.",
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@config_option
def export(directory: Path, config_path: Path | None) -> ExitCode:
    """Write every request, decision, grant, signature, and the whole ledger into a new directory.

    It says in its README.txt how each part is checked with stock tools; its verify.sh asks
    ssh-keygen about every signature. Exit 1: something stands in the tables that the ledger does
    not know.
    """
    from opskit.access.auditing import export as gather  # noqa: PLC0415
    from opskit.outside.files import write_directory  # noqa: PLC0415

    _, work = lenient(config_path)
    if directory.exists():
        raise ConfigError(f"{directory} is there already", hint="name a new directory")
    found = gather(work)
    write_directory(directory, found.files)
    told = [
        plural(found.requests, "request"), plural(found.grants, "grant"),
        plural(found.signed, "signed decision"),
    ]  # fmt: skip
    note(f"{', '.join(told)} in {directory}")
    for one in found.unproven:
        note(f"not proven: {one}")
    note(f"next: sh {directory}/verify.sh")
    return ExitCode.FINDINGS if found.unproven else ExitCode.OK
