"""`opskit fleet check` and `plan`: look, change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.fleet.running import FORMS, emit, look, prepare, run_options, same_options
from opskit.cli.options import output_options
from opskit.cli.output import Output, note
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural
from opskit.core.transcript import Strategy

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.fleet.model import Run
    from opskit.fleet.plan import Plan


@command(
    examples=[
        "opskit fleet check                        the standard against the whole inventory",
        "opskit fleet check -l web -t control:OPS-SSH-01",
        "opskit fleet check -o junit --output-file drift.xml",
        "opskit fleet check --fail-on drift,incomplete,'score<95'",
    ],
    short_help="Show what differs from the standard; changes nothing.",
)
@click.option("--fail-on", help="What to fail on: drift, incomplete, expired-waiver, score<95.")
@click.option("--splay", help="Wait up to this long first, each machine its own time: 10m.")
@click.option("--full", is_flag=True, help="Check also what no fingerprint says has moved.")
@click.option(
    "--strategy",
    type=click.Choice([*map(str, Strategy)]),
    help="How tasks are taken to hosts; mitogen is faster, and verified on some of them.",
)
@run_options
@output_options(*FORMS)
def check(
    output: Output, fail_on: str | None, splay: str | None, *, full: bool, **options: Any
) -> ExitCode:
    """Show what differs from the standard on each host; nothing is changed.

    A host is compliant only if every task was looked at: now or, where its fingerprint shows that
    nothing has moved since, in the last seven days; --full looks at everything. Exit 0: all
    compliant. 1: drift, or a waiver that is over. 3: a host could not be reached or not be looked
    at to the end. 5: no host at all.
    """
    from opskit.fleet.thresholds import DEFAULT, Thresholds  # noqa: PLC0415

    thresholds = Thresholds.parse(DEFAULT if fail_on is None else fail_on)
    app, request = prepare(options)
    if splay is not None:
        _wait(splay, str(app.config.root))
    run = look(app, request, full=full)
    deliver(app)
    emit(run, output)
    if output.for_people:
        _next(app, run, same_options(options))
    return run.exit_code if fail_on is None else thresholds.exit_code(run)


def _wait(splay: str, root: str) -> None:
    """Wait a time that is this machine's own, so that many do not start at once."""
    import hashlib  # noqa: PLC0415
    import platform  # noqa: PLC0415
    import time  # noqa: PLC0415

    from opskit.core.clock import SECOND, format_duration, parse_duration  # noqa: PLC0415

    try:
        longest = parse_duration(splay)
    except ValueError as error:
        raise ConfigError(f"--splay: {error}", hint="write 10m or the like") from error
    own = hashlib.sha256(f"{platform.node()}:{root}".encode()).digest()
    length = int.from_bytes(own[:6]) % (longest + 1)
    note(f"starting in {format_duration(length)}")
    time.sleep(length / SECOND)


def _next(app: App, run: Run, same: str) -> None:
    """Say the next step, ready to paste with the same options, and what will be a finding soon."""
    from opskit.core.clock import iso  # noqa: PLC0415
    from opskit.fleet.waive import ending_soon  # noqa: PLC0415

    for one in ending_soon(app.workplace):
        note(f"{one.name} of {one.owner} ends {iso(one.expires_at)}: {one.subject}")
    open_ = [drift for drift in run.drift if not run.standing[drift.key].waiver]
    if open_:
        note(f"next: opskit fleet apply{same}   puts it right and looks again")
        note(f"  or: opskit fleet waive {open_[0].id} --reason WHY --owner WHO --until 30d")


@command(
    examples=[
        "opskit fleet plan --out change.plan",
        "opskit fleet apply change.plan --batch 1,10%,100%",
    ],
    short_help="Check, and save what an apply would change.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to save the plan; readable by you only.",
)
@run_options
@output_options(*FORMS)
def plan(output: Output, out: Path, **options: Any) -> ExitCode:
    """Check, and save what an apply would change, to be reviewed and applied as it is.

    The plan holds each expected change and what it depends on: standard, inventory, settings.
    Exit codes as for check.
    """
    from opskit.fleet.execute import hash_key  # noqa: PLC0415
    from opskit.fleet.plan import plan_of, sealed  # noqa: PLC0415
    from opskit.outside.files import write_atomically  # noqa: PLC0415

    if not out.parent.is_dir():
        raise ConfigError(f"there is no directory {out.parent}", hint=f"mkdir -p {out.parent}")
    app, request = prepare(options)
    run = look(app, request)
    deliver(app)
    made = plan_of(run)
    data = sealed(made, hash_key(app.config.state_directory))
    write_atomically(out, (json.dumps(data, indent=1) + "\n").encode(), mode=0o600)
    emit(run, output, plan=made.id)
    note(f"{made.id} written to {out}: {_amount(made)}")
    note(f"next: opskit fleet apply {out}{same_options({**options, 'tags': ()})}")
    return run.exit_code


def _amount(made: Plan) -> str:
    return f"{plural(len(made.expected), 'change')} on {plural(len(made.hosts), 'host')}"
