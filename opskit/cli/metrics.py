"""`opskit metrics`."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app
from opskit.cli.output import Output, note
from opskit.core.errors import ConfigError, ExitCode


@command(
    examples=[
        "opskit metrics",
        "opskit metrics --textfile /var/lib/prometheus/node-exporter/opskit.prom   from cron",
        "opskit metrics --push http://pushgateway:9091 --job fleet-check           from a pipeline",
    ],
    short_help="Print what Prometheus would read.",
)
@click.option(
    "--textfile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it there, whole or not at all, for node_exporter's textfile collector.",
)
@click.option("--push", "url", metavar="URL", help="Put it to this Pushgateway.")
@click.option("--job", metavar="NAME", help="The job it is pushed as.")
@config_option
def metrics(
    textfile: Path | None, url: str | None, job: str | None, config_path: Path | None
) -> ExitCode:
    """Print what can be measured now, in the text format of Prometheus.

    What is not known is left out. Exit 0: all of it could be read. 3: some could not; that part is
    missing, and opskit_<part>_up says so. 4: the Pushgateway did not take it.
    """
    _refuse_mistakes(textfile, url, job)
    app = find_app(config_path)
    from opskit.serve.exporter import page  # noqa: PLC0415  # not for --help

    text = page(app.families())
    if textfile is not None:
        Output("text", textfile).emit(text.decode())
    elif url is not None and job is not None:
        _push(_address(url, job), text)
        note(f"pushed to {url} as job {job}")
    else:
        click.echo(text.decode(), nl=False)
    for fault in app.gatherer.faults:
        note(f"could not be read: {fault}")
    return ExitCode.UNDETERMINED if app.gatherer.faults else ExitCode.OK


def _refuse_mistakes(textfile: Path | None, url: str | None, job: str | None) -> None:
    if textfile is not None and url is not None:
        raise ConfigError("give one of --textfile and --push", hint="opskit metrics --help")
    if (url is None) != (job is None):
        raise ConfigError("--push needs --job, and --job needs --push", hint="--job fleet-check")
    if job == "":
        raise ConfigError("a job has a name", hint="--job fleet-check")
    if textfile is not None and textfile.suffix != ".prom":
        raise ConfigError(
            f"node_exporter reads only files that end in .prom, not {textfile.name}",
            hint=f"--textfile {textfile.with_suffix('.prom')}",
        )


def _address(url: str, job: str) -> str:
    """Return where a Pushgateway takes what belongs to a job; a slash must be hidden from it."""
    if "/" not in job:
        return f"{url.rstrip('/')}/metrics/job/{quote(job, safe='')}"
    hidden = base64.urlsafe_b64encode(job.encode()).decode()
    return f"{url.rstrip('/')}/metrics/job@base64/{hidden}"


def _push(url: str, text: bytes) -> None:
    """Put a page to a Pushgateway, in the place of what was there of the job.

    Raises:
        OutsideError: it cannot be reached, or does not take it.
    """
    from opskit.outside.http import put, require_success  # noqa: PLC0415  # only to push
    from opskit.serve.exporter import CONTENT_TYPE  # noqa: PLC0415

    # Whoever types the address may reach it: a Pushgateway has no business on a public network.
    require_success(url, put(url, text, {"Content-Type": CONTENT_TYPE}, allow_private=True))
