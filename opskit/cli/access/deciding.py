"""`opskit access approve` and `deny`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import confirm, moment, number, say_grant, strict
from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option
from opskit.cli.output import note, working
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from opskit.access.deciding import Say
    from opskit.access.store.requests import Request
    from opskit.access.workplace import Workplace
    from opskit.app import App

_MOST = 100_000


@command(
    examples=[
        "opskit access approve r12",
        "opskit access approve r12 --sign-with ~/.ssh/id_ed25519.pub      the key is in your agent",
        "opskit access approve r12 --statement > r12.txt                  to sign it elsewhere",
        "opskit access approve r12 --signature r12.txt.sig",
    ],
    short_help="Say yes to a request.",
)
@click.argument("name", metavar="REQUEST")
@click.option("--reason", default="", help="What you looked at.")
@click.option(
    "--sign-with", type=click.Path(path_type=Path), envvar="OPSKIT_SIGNING_KEY",
    help="Your key, or its .pub file where an agent has it; default $OPSKIT_SIGNING_KEY.",
)  # fmt: skip
@click.option("--signature", type=click.Path(path_type=Path), help="A signature made elsewhere.")
@click.option("--statement", is_flag=True, help="Print what is to be signed, and decide nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@config_option
def approve(  # one parameter per option
    name: str,
    reason: str,
    sign_with: Path | None,
    signature: Path | None,
    statement: bool,
    yes: bool,
    config_path: Path | None,
) -> ExitCode:
    """Say yes to a request, after reading what it gives.

    A signature binds the request, the check as you saw it, the policy and your verdict; anybody
    can verify it with ssh-keygen. Where the policy wants one, an unsigned yes is refused.

    To sign elsewhere: ssh-keygen -Y sign -n opskit-decision -f KEY r12.txt
    """
    from opskit.access import deciding, signatures  # noqa: PLC0415

    app, work = strict(config_path)
    person = work.person()
    seen = deciding.pending(work, number(name, "r"))
    text = signatures.statement(seen, person, "approve")
    if statement:
        click.echo(text, nl=False)
        return ExitCode.OK
    _shown(work, seen)
    confirm(f"Approve {seen.name} as {person}?", yes=yes)
    given = _signature(work, text, sign_with, signature)
    return _decided(app, work, seen.id, deciding.Word(person, "approve", reason, given))


def _shown(work: Workplace, seen: Request) -> None:
    note(f"{seen.name}: {seen.judgment['blast_radius']}")
    note(f"reason: {seen.ask.reason}" + (f" ({seen.ask.ticket})" if seen.ask.ticket else ""))
    if seen.ask.starts_at is not None:
        note(f"it starts {moment(work, seen.ask.starts_at)}")
    for one in seen.judgment["findings"]:
        note(f"{one['severity']} {one['rule']}: {one['message']}")


def _signature(work: Workplace, text: str, sign_with: Path | None, signature: Path | None) -> str:
    from opskit.access.signatures import NAMESPACE  # noqa: PLC0415
    from opskit.outside import sshsig  # noqa: PLC0415

    if signature is not None:
        return _read(signature)
    if sign_with is None:
        return ""
    return sshsig.sign(text, sign_with.expanduser(), NAMESPACE, work.environment)


def _read(path: Path) -> str:
    from opskit.outside.files import translated  # noqa: PLC0415

    if str(path) == "-":
        return sys.stdin.read(_MOST)
    with translated(path), path.open(encoding="utf-8", errors="replace") as stream:
        found = stream.read(_MOST + 1)
    if len(found) > _MOST:
        raise ConfigError(f"{path} is no signature", hint="ssh-keygen -Y sign writes FILE.sig")
    return found


@command(
    examples=["opskit access deny r12 --reason 'ask for nginx-operator instead'"],
    short_help="Say no to a request.",
)
@click.argument("name", metavar="REQUEST")
@click.option("--reason", required=True, help="Why; whoever asked reads it.")
@click.option(
    "--sign-with", type=click.Path(path_type=Path), envvar="OPSKIT_SIGNING_KEY",
    help="Your key, or its .pub file where an agent has it; default $OPSKIT_SIGNING_KEY.",
)  # fmt: skip
@config_option
def deny(name: str, reason: str, sign_with: Path | None, config_path: Path | None) -> ExitCode:
    """Say no to a request; one no of an approver is enough."""
    from opskit.access import deciding, signatures  # noqa: PLC0415

    app, work = strict(config_path)
    person = work.person()
    seen = deciding.pending(work, number(name, "r"))
    text = signatures.statement(seen, person, "deny")
    given = _signature(work, text, sign_with, None)
    return _decided(app, work, seen.id, deciding.Word(person, "deny", reason, given))


def _decided(app: App, work: Workplace, seen: int, word: object) -> ExitCode:
    from opskit.access import deciding  # noqa: PLC0415
    from opskit.access.settling import settle, start_now  # noqa: PLC0415

    assert isinstance(word, deciding.Word)  # noqa: S101  # for the type checker
    found = deciding.decide(work, seen, word)
    said: dict[Say, str] = {"approve": "approved", "deny": "denied"}
    note(f"r{seen}: {said[word.say]} by {word.approver}")
    code = ExitCode.OK
    if found.wanted:
        note(f"it still needs: {', '.join(found.wanted)}")
    elif found.grant is not None:
        with working(f"putting {found.grant.name} on {', '.join(found.grant.targets)}"):
            done = settle(work) if found.request.ask.extends else start_now(work, found.grant)
        grant = next((one for one in done.moved if one.id == found.grant.id), found.grant)
        say_grant(work, grant)
        code = ExitCode.FAILED if grant.state.value in {"partial", "failed"} else ExitCode.OK
    deliver(app)
    return code
