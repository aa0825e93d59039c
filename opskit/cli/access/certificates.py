"""`opskit access cert`: SSH certificates, issued and revoked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import confirm, emit_data, lenient, moment, number, strict
from opskit.cli.commands import Group
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table, working
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.access.revocation import Published
    from opskit.access.store.certificates import Certificate

_GRANT = re.compile(r"g[0-9]{1,12}")
_KEY = "~/.ssh/id_ed25519.pub"
_ENVIRONMENTS = ("production", "staging", "development")


class _Certificates(Group):
    """Takes `cert g7` and `cert --key FILE` for `cert issue ...`: that is what it is used for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front that was left out."""
        given = args[0] if args else "--key="
        if _GRANT.fullmatch(given) or (given.startswith("-") and given not in {"-h", "--help"}):
            args = ["issue", *args] if args else ["issue"]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Certificates,
    short_help="SSH certificates for a grant of yours.",
    examples=[
        "opskit access cert issue                    for the one grant you have in force",
        "opskit access cert issue g7 --key ~/.ssh/id_ed25519.pub",
        "opskit access cert issue --authority        what to plant on the hosts",
        "opskit access cert list",
        "opskit access cert revoke g7 --reason 'laptop lost'",
    ],
)
def cert() -> None:
    """SSH certificates: short ones, each for one grant and one key, written down and revocable.

    `issue` may be left out.
    """


@cert.command(
    short_help="A certificate for a grant of yours.",
    examples=[
        "opskit access cert issue g7",
        "opskit access cert issue g7 --key ~/.ssh/work.pub --out ~/.ssh/work-cert.pub",
    ],
)
@click.argument("name", metavar="[GRANT]", required=False)
@click.option(
    "--key", default=_KEY, show_default=True, metavar="FILE",
    help="Your public key, as people.yaml has it.",
)  # fmt: skip
@click.option(
    "--out", default="", metavar="FILE",
    help="Where to write it; default beside the key, - for stdout.",
)  # fmt: skip
@click.option(
    "--environment", type=click.Choice(_ENVIRONMENTS), help="Where a grant is for several."
)
@click.option("--authority", is_flag=True, help="Show what to plant on hosts instead.")
@config_option
def issue(
    name: str | None,
    key: str,
    out: str,
    environment: str | None,
    authority: bool,
    config_path: Path | None,
) -> ExitCode:
    """Sign a certificate for a grant of yours that is in force.

    It names the grant and nothing else, is valid for an hour at most (or what policy.yaml says) and
    never beyond the grant, and allows a terminal. ssh finds it by itself beside the key.
    """
    from opskit.access import certificates  # noqa: PLC0415
    from opskit.access.model import Environment  # noqa: PLC0415

    _, work = strict(config_path)
    if authority:
        click.echo(certificates.planting(work), nl=False)
        return ExitCode.OK
    public = Path(key).expanduser()
    grant = number(name, "g") if name else certificates.own_grant(work)
    named = Environment(environment) if environment else None
    line = _public(public)
    found = certificates.issue(work, certificates.Wanted(grant, line, named))
    _hand_out(found, public, out)
    note(f"{found.grant}: serial {found.serial}, valid until {moment(work, found.valid_before)}")
    return ExitCode.OK


def _public(path: Path) -> str:
    from opskit.outside.files import translated  # noqa: PLC0415

    with translated(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    if "PRIVATE KEY" in text:
        raise ConfigError(f"{path} is a private key", hint=f"--key {path}.pub")
    return text.strip()


def _hand_out(found: Certificate, public: Path, out: str) -> None:
    from opskit.outside.files import write_atomically  # noqa: PLC0415

    line = f"{found.certificate} {found.grant}\n"
    if out == "-":
        click.echo(line, nl=False)
        return
    beside = public.with_name(f"{public.name.removesuffix('.pub')}-cert.pub")
    path = Path(out).expanduser() if out else beside
    write_atomically(path, line.encode("ascii"))
    note(f"wrote {path}")


@cert.command(
    name="list",
    short_help="Certificates that could still be used.",
    examples=["opskit access cert list", "opskit access cert list --json"],
)
@config_option
@output_options("table", "json", "yaml")
def list_(config_path: Path | None, output: Output) -> ExitCode:
    """List the certificates that were issued and have not ended, and those that were revoked."""
    from opskit.access import revocation  # noqa: PLC0415

    _, work = lenient(config_path)
    found = revocation.unended(work)
    if not output.for_people:
        emit_data(output, {"certificates": [one.as_json() for one in found]})
        return ExitCode.OK
    rows = [
        (str(one.serial), one.grant, one.person, one.fingerprint, moment(work, one.valid_before),
         f"revoked: {one.reason}" if one.revision else "live")
        for one in found
    ]  # fmt: skip
    if rows:
        output.emit_printed(lambda to: show_table(to, _COLUMNS, rows))
    else:
        note("no certificate is valid now")
    return ExitCode.OK


_COLUMNS = (
    Column("serial"), Column("grant"), Column("person"), Column("key", spare=True),
    Column("until"), Column("state", fold=True),
)  # fmt: skip


@cert.command(
    short_help="Revoke certificates, or a key.",
    examples=[
        "opskit access cert revoke g7 --reason 'laptop lost'",
        "opskit access cert revoke 7412 --reason 'laptop lost'",
        "opskit access cert revoke SHA256:... --reason 'laptop lost'",
    ],
)
@click.argument("what", metavar="SERIAL|GRANT|FINGERPRINT")
@click.option("--reason", required=True, help="Why; an auditor reads it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@config_option
def revoke(what: str, reason: str, yes: bool, config_path: Path | None) -> ExitCode:
    """Revoke certificates, or a key in all of them and by itself; then tell the hosts.

    Hosts whose sshd has no `RevokedKeys` are named and left as they are. The grant goes on: end it
    with `opskit access revoke`. Exit 0: every host that reads a list has it. 3: one could not be
    told yet; that stays owed.
    """
    from opskit.access import revocation  # noqa: PLC0415

    _, work = lenient(config_path)
    confirm(f"Revoke {what} for good?", yes=yes)
    with working("telling the hosts"):
        done = revocation.revoke(work, what, reason)
    note(f"revoked {plural(len(done.certificates), 'certificate')}")
    if done.key:
        note(f"revoked the key {done.key}: set `revoked:` in access/people.yaml as well")
    return _told(done.published)


def _told(published: Published) -> ExitCode:
    if published.placed:
        note(f"{', '.join(published.placed)}: refused from now on")
    if published.not_set_up:
        note(f"{', '.join(published.not_set_up)}: sshd has no RevokedKeys, so none was placed")
        note("next: opskit access cert issue --authority   shows how hosts are set up")
    for host, reason in published.owed.items():
        note(f"{host}: not told yet: {reason}")
    return ExitCode.UNDETERMINED if published.owed else ExitCode.OK
