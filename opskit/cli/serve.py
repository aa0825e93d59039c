"""`opskit serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app
from opskit.core.errors import ConfigError, ExitCode


@command(
    examples=[
        "opskit serve                             probe, deliver, run what is due, answer",
        "opskit serve --listen 127.0.0.1:9999",
        "opskit serve --print-unit > /etc/systemd/system/opskit.service",
        "opskit serve --heartbeat-token backup    the token with which one job calls in",
    ],
    short_help="Probe, deliver, run what is due, answer over HTTP.",
)
@click.option("--listen", help="host:port, instead of the one in opskit.yaml.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the log, which goes to stderr.",
)
@click.option("--print-unit", is_flag=True, help="Print a hardened systemd unit, and end.")
@click.option(
    "--heartbeat-token", metavar="NAME", help="Print the token of one heartbeat, and end."
)
@config_option
def serve(
    listen: str | None,
    log_format: Literal["text", "json"],
    print_unit: bool,
    heartbeat_token: str | None,
    config_path: Path | None,
) -> ExitCode:
    """Serve until a signal ends it; a second one on the same database waits as standby.

    SIGHUP reads settings and catalogue anew and keeps the old ones if there is a mistake in
    them. SIGTERM writes and seals what was seen, and ends with 0.
    """
    if print_unit:
        return _print_unit(config_path)
    if heartbeat_token is not None:
        return _print_token(config_path, heartbeat_token)
    from opskit.app import App  # noqa: PLC0415  # heavy: not for --help
    from opskit.outside.eventlog import EventLog  # noqa: PLC0415
    from opskit.serve.loop import Daemon  # noqa: PLC0415

    def find() -> App:
        app = find_app(config_path)
        return app if listen is None else app.listening(listen)

    return Daemon(find, EventLog(as_json=log_format == "json"), os.environ).run()


def _print_unit(config_path: Path | None) -> ExitCode:
    from opskit.serve.unit import unit  # noqa: PLC0415

    config = find_app(config_path).config
    program = Path(sys.executable).with_name("opskit")
    click.echo(unit(str(program), str(config.root), config.settings.serve), nl=False)
    return ExitCode.OK


def _print_token(config_path: Path | None, name: str) -> ExitCode:
    from opskit.monitor.beats import refuse_unknown  # noqa: PLC0415
    from opskit.serve.access import access, beat_token  # noqa: PLC0415

    app = find_app(config_path)
    token = access(app.config, app.environment)[0].token
    if not token:
        hint = "to want one, set serve.token_file in opskit.yaml"
        raise ConfigError("there is no token, so none is needed", hint=hint)
    refuse_unknown(app.catalogue, name)
    click.echo(beat_token(token, name))
    return ExitCode.OK
