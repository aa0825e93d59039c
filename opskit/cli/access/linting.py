"""`opskit access lint`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Output, note
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.findings import Severity

if TYPE_CHECKING:
    from opskit.access.inspection import Question
    from opskit.access.lint import Linted
    from opskit.access.model import People
    from opskit.access.repository import Repository
    from opskit.app import App

FORMS = ("table", "json", "yaml", "sarif", "junit", "md", "github")


@command(
    short_help="What is wrong with access: hosts' files, policy.",
    examples=[
        "opskit access lint                           the files in access/ of this repository",
        "opskit access lint copied/web1               a host's files, copied somewhere",
        "opskit access lint /etc/sudoers -o sarif     one file",
        "opskit access lint hosts --fail-on high      a directory of many hosts",
        "opskit access lint --target web              the hosts themselves, or a database server",
        "opskit access lint --explain SSH-ROOT        what a rule is about",
    ],
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--sudo-version",
    default="",
    metavar="VERSION|sudo-rs",
    help="Read sudoers as this sudo does, where a host does not say its own; else the newest.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*map(str, Severity)]),
    default=str(Severity.LOW),
    show_default=True,
    help="Exit 1 for findings as severe as this; info never fails unless asked to here.",
)
@click.option("--production", is_flag=True, help="The hosts are of production: more is grave.")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Ask only these rules.")
@click.option("--explain", metavar="ID", help="Print what a rule is about, and end.")
@click.option("--rules", "catalogue", is_flag=True, help="List every rule, and end.")
@click.option(
    "--people",
    "people_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Who there is; else the people file of the ops repository, if this is one.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Look at the hosts or the server of a target in access/targets.yaml.",
)
@config_option
@output_options(*FORMS)
def lint(
    paths: tuple[Path, ...], config_path: Path | None, output: Output, **options: Any
) -> ExitCode:
    """Find what is wrong with access; nothing is changed.

    A PATH is a host's root copied somewhere, a directory of such, or one file of a host: sudoers,
    authorized_keys, sshd_config, passwd, group. Owners and modes of a copy are not believed, but a
    file that anybody may write is told. Without a PATH: the files in access/ of the ops repository.
    With --target the hosts themselves are looked at, and PostgreSQL servers: more can be told.
    Exit 0: nothing as severe as --fail-on. 1: findings. 3: something could not be read.
    """
    from opskit.cli.access import forms  # noqa: PLC0415  # imports the slice: not for --help

    if options["catalogue"] or options["explain"] is not None:
        asked = (options["explain"],) if options["explain"] is not None else ()
        forms.emit_rules(_explained(asked), output)
        return ExitCode.OK
    app = _app(config_path, needed=not paths or bool(options["targets"]))
    linted = _linted(app, paths, options)
    forms.emit(linted, output)
    if output.for_people:
        note(forms.next_step(linted))
    return linted.exit_code(Severity(options["fail_on"]))


def _linted(app: App | None, paths: Sequence[Path], options: Mapping[str, Any]) -> Linted:
    from opskit.access.lint import lint_hosts, lint_policy  # noqa: PLC0415
    from opskit.access.repository import Names, repository  # noqa: PLC0415

    files = repository(app.config.root, Names.of(app.config.settings), app.today) if app else None
    if options["targets"]:
        return _looked_at(app, paths, options)
    if not paths and app is not None and files is not None:
        return lint_policy(files, "access", _question(app, None, options))
    _refuse_mistakes(files)
    people = _people(files, options["people_file"])
    accepted = files.suppressions if files else ()
    return lint_hosts(paths, _question(app, people, options), accepted)


def _looked_at(app: App | None, paths: Sequence[Path], options: Mapping[str, Any]) -> Linted:
    """Look at the hosts and servers of targets, and judge what they say.

    Raises:
        ConfigError: there is no such target, or no ops repository.
    """
    from opskit.access.lint import lint_sights  # noqa: PLC0415
    from opskit.access.looking import look  # noqa: PLC0415
    from opskit.access.repository import Names, repository  # noqa: PLC0415

    if paths or app is None:
        raise ConfigError("--target stands alone, in an ops repository", hint="leave out PATH")
    files = repository(app.config.root, Names.of(app.config.settings), app.today)
    _refuse_mistakes(files)
    question = _question(app, _people(files, options["people_file"]), options)
    return lint_sights(
        look(app.granting.workplace, options["targets"]), question, files.suppressions
    )


def _app(config_path: Path | None, *, needed: bool) -> App | None:
    """Return opskit here; nothing where there is no ops repository and none is needed."""
    from opskit.outside.config import UnconfiguredError  # noqa: PLC0415

    try:
        return find_app(config_path)
    except UnconfiguredError as error:
        if not needed:
            return None
        hint = (
            "opskit access lint PATH checks a host's files; opskit init DIR lays out a repository"
        )
        raise ConfigError(error.message, hint=hint) from error


def _refuse_mistakes(files: Repository | None) -> None:
    """Look whether what a lint of hosts takes from the repository can be read.

    Raises:
        DataError: it cannot: accepted findings, or people, would be left out unsaid.
    """
    from opskit.core.errors import DataError  # noqa: PLC0415

    if files is not None and files.mistakes:
        raise DataError("the files in access/ have mistakes", files.mistakes)


def _people(files: Repository | None, people_file: Path | None) -> People | None:
    """Return who there is, if anybody says."""
    from opskit.access.model import People  # noqa: PLC0415
    from opskit.outside.models import read  # noqa: PLC0415

    if people_file is not None:
        return read(people_file, People)
    return files.people if files else None


def _question(app: App | None, people: People | None, options: Mapping[str, Any]) -> Question:
    from opskit.access.inspection import Question  # noqa: PLC0415
    from opskit.access.rules.roster import roster_of  # noqa: PLC0415
    from opskit.core.clock import SystemClock  # noqa: PLC0415

    check_sudo_version(options["sudo_version"])
    now = (app.clock if app else SystemClock()).now()
    asked = frozenset(_known_rules(options["rules"])) if options["rules"] else frozenset()
    roster = roster_of(people) if people else None
    return Question(now, roster, asked, options["sudo_version"], options["production"])


def check_sudo_version(version: str) -> None:
    """Look whether a sudo is one.

    Raises:
        ConfigError: it is none.
    """
    from opskit.access.sudoers.dialect import dialect_of  # noqa: PLC0415

    if version:
        try:
            dialect_of(version)
        except ValueError as error:
            raise ConfigError(str(error), hint="--sudo-version 1.9.13p3, or sudo-rs") from error


def _known_rules(names: Sequence[str]) -> tuple[str, ...]:
    """Return the rules named, all if none is.

    Raises:
        ConfigError: there is no such rule.
    """
    from opskit.access.rules.catalogue import every  # noqa: PLC0415

    return _named(names, list(every()))


def _explained(names: Sequence[str]) -> tuple[str, ...]:
    """Return the rules to be told of: one by its name, also of `reconcile`, or all of lint.

    Raises:
        ConfigError: there is no such rule.
    """
    from opskit.access.rules.catalogue import documented  # noqa: PLC0415

    return _named(names, list(documented())) if names else _known_rules(names)


def _named(names: Sequence[str], known: list[str]) -> tuple[str, ...]:
    from opskit.core.text import nearest  # noqa: PLC0415

    for name in names:
        if name.upper() not in known:
            guess = nearest(name.upper(), known)
            hint = f"did you mean {guess}?" if guess else "opskit access lint --rules"
            raise ConfigError(f"there is no rule {name!r}", hint=hint)
    return tuple(name.upper() for name in names) or tuple(known)
