"""What people say of an incident: who has it, what was found out, that it is over."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.incident.opening import SEVERITIES
from opskit.cli.incident.shared import moment, said
from opskit.cli.options import config_option, find_app
from opskit.core.errors import ConfigError

_AT = "When it happened, like 10:30; else now."


@command(
    examples=[
        "opskit incident ack INC-7",
        "opskit incident ack INC-7 --from ada     she had it, and hands it over",
    ],
    short_help="Say that you have it in hand.",
)
@click.argument("incident", metavar="INC-N")
@click.option("--from", "over", default="", help="Who had it in hand before.")
@config_option
def ack(incident: str, over: str, config_path: Path | None) -> None:
    """Say that you have an incident in hand. Exit 5: somebody else has, or it is over."""
    app = find_app(config_path)
    said(app.desk.incidents.acknowledge(incident, over=over))


@command(
    examples=["opskit incident assign INC-7 ben"],
    short_help="Give it to somebody.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("owner", metavar="PERSON|TEAM")
@config_option
def assign(incident: str, owner: str, config_path: Path | None) -> None:
    """Give an incident to a person or a team. Exit 5: it is over."""
    app = find_app(config_path)
    said(app.desk.incidents.assign(incident, app.desk.somebody(owner)))


@command(
    examples=["opskit incident rate INC-7 critical"],
    short_help="Say how bad it is.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("severity", type=SEVERITIES)
@config_option
def rate(incident: str, severity: str, config_path: Path | None) -> None:
    """Say how bad an incident is for whoever is hit."""
    from opskit.desk.incidents.model import Severity  # noqa: PLC0415

    app = find_app(config_path)
    said(app.desk.incidents.rate(incident, Severity(severity)))


@command(
    examples=[
        'opskit incident note INC-7 "the disk of db1 is full"',
        'opskit incident note INC-7 "the provider called" --at 10:30',
    ],
    short_help="Write down what happened, or was found out.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("text")
@click.option("--at", default="", help=_AT)
@config_option
def note(incident: str, text: str, at: str, config_path: Path | None) -> None:
    """Write into the timeline. What looks like a secret is left out."""
    app = find_app(config_path)
    said(app.desk.incidents.note(incident, _text(text), moment(app, at)))


@command(
    examples=[
        "opskit incident link INC-7 run 12",
        "opskit incident link INC-7 ticket https://example.org/4711",
    ],
    short_help="A run, a grant, a ticket belongs to it.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("what", type=click.Choice(["run", "grant", "ticket", "commit", "fix"]))
@click.argument("name")
@config_option
def link(incident: str, what: str, name: str, config_path: Path | None) -> None:
    """Say that something belongs to an incident."""
    app = find_app(config_path)
    said(app.desk.incidents.link(incident, what, _text(name)))


@command(
    examples=['opskit incident mitigate INC-7 "traffic goes to the second site"'],
    short_help="Nobody is hit any more; the cause is there.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("text")
@click.option("--at", default="", help=_AT)
@config_option
def mitigate(incident: str, text: str, at: str, config_path: Path | None) -> None:
    """Say that nobody is hit any more, although its cause is still there."""
    app = find_app(config_path)
    said(app.desk.incidents.mitigate(incident, _text(text), moment(app, at)))


@command(
    examples=[
        'opskit incident resolve INC-7 --cause "logs grew without rotation"',
        'opskit incident resolve INC-7 --cause "bad release" --change "run 12" --at 11:05',
    ],
    short_help="It is over, and why it was.",
)
@click.argument("incident", metavar="INC-N")
@click.option("--cause", required=True, help="Why it happened, as far as is known.")
@click.option("--change", default="", help="Which change of ours brought it about, if one did.")
@click.option("--at", default="", help=_AT)
@config_option
def resolve(incident: str, cause: str, change: str, at: str, config_path: Path | None) -> None:
    """Say that an incident is over. Exit 5: it was already."""
    app = find_app(config_path)
    said(app.desk.incidents.resolve(incident, _text(cause), change, moment(app, at)))


@command(
    examples=['opskit incident reopen INC-7 "slow again since noon"'],
    short_help="It is back.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("text")
@config_option
def reopen(incident: str, text: str, config_path: Path | None) -> None:
    """Say that an incident is back: it was not over. Exit 5: nobody had said that it was."""
    app = find_app(config_path)
    said(app.desk.incidents.reopen(incident, _text(text)))


def _text(text: str) -> str:
    if not text.strip():
        raise ConfigError("say something: the text is empty")
    return text
